import type { z } from 'zod'
import type { Tool } from './tools/tool.ts'

/** A role is configuration of the loop: what the agent is told, what it may use, and what it has to hand in. */
export type AgentRole = {
  name: string
  /** Files of the prompts folder: the stable one (no times, no names of a task), and the one of a task. */
  systemTemplate: string
  promptTemplate: string
  /** What `submit` is checked with. */
  outputSchema: z.ZodObject
  /** All of them, `submit` included, in the order in which they are sent. */
  tools: Tool[]
}
