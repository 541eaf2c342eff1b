import { z } from 'zod'
import { type ActionSpec, defineAction, key, optional, someText, text } from './action-spec.ts'

const define = (action: string, spec: Parameters<typeof defineAction>[2]): ActionSpec =>
  defineAction('communication', action, spec)

const blocks = z.array(z.record(z.string(), z.unknown()))

export const communicationSpecs: Record<string, ActionSpec> = {
  send_message: define('send_message', {
    description: 'Sends a message to a channel or into a thread.',
    inputs: { channel: someText, message: text, thread_id: optional(key), blocks: optional(blocks) },
    outputs: ['message_id', 'thread_id'],
  }),
  update_message: define('update_message', {
    description: 'Rewrites a message that was sent.',
    inputs: { channel: someText, message_id: key, message: text, blocks: optional(blocks) },
    outputs: ['message_id'],
  }),
  send_direct_message: define('send_direct_message', {
    description: 'Sends a message to one person.',
    inputs: { user: someText, message: text },
    outputs: ['message_id'],
  }),
  create_channel: define('create_channel', {
    description: 'Creates a channel.',
    inputs: { name: someText, topic: optional(text) },
    outputs: ['channel_id'],
  }),
  upload_file: define('upload_file', {
    description: 'Uploads a file to a channel.',
    inputs: { channel: someText, file_path: someText, comment: optional(text) },
    outputs: ['file_id'],
  }),
}
