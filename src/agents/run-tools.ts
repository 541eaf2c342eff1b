import { crashPoint } from '../domain/crash-point.ts'
import { storableText } from '../domain/storable-text.ts'
import type { ToolUseBlock } from '../plugins/ai-provider/contract.ts'
import type { ToolResult, Turn } from './contract.ts'
import type { Conversation } from './conversation.ts'
import { revealHidden } from './hidden-characters.ts'
import { shortenMiddle } from './shorten-middle.ts'
import { submitName } from './tools/submit.ts'
import { maxResultCharacters, refusal, type ToolAnswer } from './tools/tool.ts'

const maxCallsPerTurn = 32

export const toolCallsOf = (turn: Turn): ToolUseBlock[] => turn.content.filter((block) => block.type === 'tool_use')

/** The tools of one turn, one after the other, as the model ordered them. `submit` is heard last. */
export const runTools = async (conversation: Conversation, turn: Turn): Promise<ToolResult[]> => {
  const calls = toolCallsOf(turn)
  const results = new Map<string, ToolResult>()
  for (const [index, call] of inRunningOrder(calls).entries()) {
    const failed = [...results.values()].some((result) => result.isError)
    const { content, isError } = await answerTo(conversation, call, index, failed)
    results.set(call.id, { toolUseId: call.id, content: presentable(content, conversation), isError })
  }
  return calls.map((call) => results.get(call.id) as ToolResult)
}

const inRunningOrder = (calls: ToolUseBlock[]): ToolUseBlock[] => [
  ...calls.filter((call) => call.name !== submitName),
  ...calls.filter((call) => call.name === submitName),
]

/** What a resumed worker does for results that the journal has: only the calls that may have changed files. */
export const repeatChanges = async (conversation: Conversation, turn: Turn): Promise<void> => {
  for (const [index, call] of inRunningOrder(toolCallsOf(turn)).entries()) {
    if (conversation.tools.get(call.name)?.changesFiles(call.input)) await answerTo(conversation, call, index, false)
  }
}

export const changedFiles = (conversation: Conversation, turn: Turn): boolean =>
  toolCallsOf(turn).some((call) => conversation.tools.get(call.name)?.changesFiles(call.input))

const answerTo = async (
  conversation: Conversation,
  call: ToolUseBlock,
  index: number,
  othersFailed: boolean,
): Promise<ToolAnswer> => {
  const { tools, journal, workspace, signal, commandTimeoutMs } = conversation
  signal.throwIfAborted()
  const tool = tools.get(call.name)
  if (!tool) return refusal(`There is no tool "${call.name}". There are: ${[...tools.keys()].join(', ')}.`)
  if (index >= maxCallsPerTurn) return refusal(`Not run: only ${maxCallsPerTurn} calls are made in one turn.`)
  if (call.name === submitName && othersFailed) {
    return refusal('Not submitted: another call of this turn failed. Look at its result first, then submit.')
  }
  journal.activity(conversation.mask(tool.activity(call.input)))
  crashPoint('tool.before')
  const answer = await tool.run(call.input, { workspace, signal, commandTimeoutMs })
  crashPoint('tool.after')
  return answer
}

/** As the model gets it and the journal keeps it: no secrets, nothing that cannot be seen, not too long. */
const presentable = (content: string, { mask }: Conversation): string =>
  storableText(
    shortenMiddle(revealHidden(mask(content)), maxResultCharacters + 2000, 'Ask for less at a time.') || '(no output)',
  )
