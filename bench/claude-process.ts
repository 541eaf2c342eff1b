import { startClaude } from '../src/world/claude/start-claude.ts'
import { benchTurns } from './bench-turns.ts'

/**
 * The scripted Claude, instant, in a process of its own: what it takes is the same for whoever asks it, and does not hold up
 * the loop that is measured. It says where it is, and at the word `report` what it was last asked and has answered.
 */
export type ClaudeReport = {
  lastRequest: Record<string, unknown>
  answered: { turn: number; usage: { input: number; cacheRead: number; cacheWrite: number } }[]
}

const requests: { body: unknown }[] = []
const claude = await startClaude({ requests: requests as never, violations: [] })
claude.script = ({ turn }) => benchTurns[Math.min(turn, benchTurns.length - 1)]!

process.on('message', () => {
  const report: ClaudeReport = {
    lastRequest: requests.at(-1)?.body as ClaudeReport['lastRequest'],
    answered: claude.answered,
  }
  process.send?.(report)
})
process.on('disconnect', () => void claude.close())
process.send?.({ url: claude.url, apiKey: claude.apiKey })
