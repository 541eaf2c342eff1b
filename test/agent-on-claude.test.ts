import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { create, edit, runIt, sh, submit, task, view } from '../src/agents/testing/agent-under-test.ts'
import { type FolderWorkspace, folderWorkspace } from '../src/agents/testing/folder-workspace.ts'
import { type JournalRows, memoryJournal, newRows } from '../src/agents/testing/memory-journal.ts'
import { createAnthropic } from '../src/plugins/ai-provider/anthropic/anthropic.ts'
import { startClaude } from '../src/world/claude/start-claude.ts'
import type { ScriptedTurn, Violation, WorldClaude } from '../src/world/contract.ts'

// The loop over the real plugin, over HTTP, against the strict scripted Claude: what it would refuse fails here.
let claude: WorldClaude & { close: () => Promise<void> }
let violations: Violation[]
let workspace: FolderWorkspace
let rows: JournalRows
beforeEach(async () => {
  violations = []
  rows = newRows()
  claude = await startClaude({ requests: [], violations })
  workspace = await folderWorkspace({ 'src/cart.ts': readFileSync(import.meta.filename, 'utf8'), 'note.txt': 'zero\n' })
})
afterEach(async () => {
  await workspace.remove()
  await claude.close()
  expect(violations).toEqual([])
})

const system = readFileSync(join(import.meta.dirname, '../prompts/development.system.njk'), 'utf8')
const given = task({ system, models: { primary: 'claude-sonnet-5', fallback: 'claude-haiku-5-5' } })

/** Patient with a busy machine, but where it is the answer that does not come which is tested. */
const run = (crash?: (at: string) => void, stallSeconds = 30) => {
  const provider = createAnthropic({
    apiKey: claude.apiKey,
    baseUrl: claude.url,
    stallSeconds,
    requestMinutes: 1,
  })
  const retry = { maxRetries: 3, maxRetryWaitSeconds: 0.02 }
  const journal = memoryJournal(rows, crash ? { crash } : {})
  return runIt({ provider, journal, workspace, task: given }, { retry })
}

/** Twenty turns of ordinary work: reading, editing, running. */
const work = ({ turn }: { turn: number }): ScriptedTurn => {
  if (turn === 19) return { tools: [submit()] }
  const name = `note ${turn}`
  const tools = [
    turn === 0 ? view('src/cart.ts') : edit('note.txt', turn === 1 ? 'zero' : `note ${turn - 1}`, name),
    turn % 5 === 4 ? create(`made/${turn}.txt`, 'x\n'.repeat(20)) : sh(`cat note.txt; echo ${turn}`),
  ]
  return { text: `Step ${turn}.`, tools }
}

const cacheShare = (turns: { usage: { input: number; cacheRead: number; cacheWrite: number } }[]) => {
  const read = turns.reduce((sum, { usage }) => sum + usage.cacheRead, 0)
  const all = turns.reduce((sum, { usage }) => sum + usage.input + usage.cacheRead + usage.cacheWrite, 0)
  return read / all
}

describe('on the scripted Claude', () => {
  it('reads at least 94 % of the input from the cache from the second turn on, and never reserves too little', async () => {
    claude.script = work
    const outcome = await run()
    expect(outcome.turns).toBe(20)
    expect(cacheShare(claude.answered.slice(1))).toBeGreaterThanOrEqual(0.94)
    for (const [index, turn] of rows.turns.entries()) {
      const { input, cacheRead, cacheWrite } = turn.usage
      expect(rows.reserved[index]).toBeGreaterThanOrEqual(input + cacheRead + cacheWrite)
    }
  })

  it('still meets the cache in the worker that resumes', async () => {
    claude.script = work
    let turns = 0
    await run((at) => {
      if (at === 'toolsDone.after') turns += 1
      if (turns === 10) throw new Error('killed')
    }).catch(() => undefined)
    expect(rows.turns).toHaveLength(10)
    const outcome = await run()
    expect(outcome.turns).toBe(20)
    expect(claude.answered.map((answer) => answer.turn)).toEqual(Array.from({ length: 20 }, (_, turn) => turn))
    expect(cacheShare(claude.answered.slice(10, 11))).toBeGreaterThan(0.9)
  })

  it.each([
    [{ kind: 'status', status: 429, retryAfter: '0.01' }, 'free'],
    [{ kind: 'status', status: 529 }, 'free'],
    [{ kind: 'status', status: 500 }, 'free'],
    [{ kind: 'cut', afterEvents: 4 }, 'unknown'],
    [{ kind: 'error_event', type: 'overloaded_error', afterEvents: 3 }, 'unknown'],
    [{ kind: 'hang' }, 'unknown'],
  ] as const)('survives %o, and books the failed try as %s', async (fault, charge) => {
    claude.script = ({ turn, repeat }) => {
      if (turn === 1 && repeat === 0) return { text: 'Half an answer, which is cut.', tools: [sh('echo no')], fault }
      return turn < 2 ? { tools: [sh(`echo ${turn}`)] } : { tools: [submit()] }
    }
    const outcome = await run(undefined, fault.kind === 'hang' ? 2 : 30)
    expect(outcome).toMatchObject({ turns: 3, models: ['claude-sonnet-5'] })
    expect([...rows.reservations.values()]).toEqual(['settled', charge, 'settled', 'settled'])
  })

  it('goes on with the other model when one is down, with a request that it accepts', async () => {
    claude.script = ({ turn, model }) => {
      if (turn === 1 && model === 'claude-sonnet-5') return { fault: { kind: 'status', status: 529 } }
      return turn < 3 ? { text: 'On.', tools: [sh(`echo ${turn}`)] } : { tools: [submit()] }
    }
    expect((await run()).models).toEqual(['claude-sonnet-5', 'claude-haiku-5-5'])
  })

  it('takes nonsense from the model without a request that is refused', async () => {
    claude.script = ({ turn }) => {
      if (turn === 0) return { text: '', stopReason: 'end_turn' }
      if (turn === 1)
        return {
          tools: [
            { name: 'bash', input: {} },
            { name: 'list', input: { depth: 'deep' } },
          ],
        }
      if (turn === 2) return { text: 'Once upon', stopReason: 'max_tokens' }
      return { tools: [submit()] }
    }
    expect((await run()).turns).toBe(4)
  })

  it('charges the whole reserve when the usage is missing', async () => {
    claude.script = ({ turn }) =>
      turn === 0 ? { tools: [sh('true')], fault: { kind: 'no_usage' } } : { tools: [submit()] }
    await run()
    expect(rows.turns[0]?.usage.input).toBeGreaterThanOrEqual(rows.reserved[0] as number)
  })
})
