import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Anthropic from '@anthropic-ai/sdk'

const execute = promisify(execFile)

/**
 * The least that an agent can be: the vendor's SDK, streaming, the same tools as plain code, and nothing kept, limited,
 * confined or paid for. What Journeyman takes is shown beside it. Gives milliseconds a turn.
 */
export const runBareLoop = async (options: {
  claude: { url: string; apiKey: string }
  root: string
  mostTurns: number
}): Promise<number> => {
  const client = new Anthropic({ apiKey: options.claude.apiKey, baseURL: options.claude.url, maxRetries: 0 })
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: 'Make the steps right.' }]
  const begunMs = performance.now()
  let turns = 0
  for (let ended = false; !ended && turns < options.mostTurns; turns++) {
    const answer = await client.messages
      .stream({ model: 'scripted-model', max_tokens: 4_000, system: 'You write code.', tools, messages })
      .finalMessage()
    const calls = answer.content.filter((block) => block.type === 'tool_use')
    const results: Anthropic.ToolResultBlockParam[] = []
    for (const call of calls) {
      const content = await runTool(options.root, call.name, call.input as Record<string, string>)
      results.push({ type: 'tool_result', tool_use_id: call.id, content })
    }
    messages.push({ role: 'assistant', content: answer.content }, { role: 'user', content: results })
    ended = calls.length === 0 || calls.some((call) => call.name === 'submit')
  }
  return (performance.now() - begunMs) / turns
}

const tools: Anthropic.ToolUnion[] = [
  { type: 'text_editor_20250728', name: 'str_replace_based_edit_tool' },
  { type: 'bash_20250124', name: 'bash' },
  { name: 'submit', description: 'Hand in the finished work.', input_schema: { type: 'object' } },
]

const runTool = async (root: string, name: string, input: Record<string, string>): Promise<string> => {
  if (name === 'bash') return (await execute('/bin/bash', ['-c', input['command'] ?? ''], { cwd: root })).stdout
  if (name !== 'str_replace_based_edit_tool') return 'Thank you.'
  const path = join(root, input['path'] ?? '')
  const text = await readFile(path, 'utf8')
  await writeFile(path, text.replace(input['old_str'] ?? '', input['new_str'] ?? ''))
  return 'Edited.'
}
