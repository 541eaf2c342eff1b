import { mkdir, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TokenUsage } from '../src/domain/money.ts'
import type { Database } from '../src/store/database.ts'
import { benchFile, benchFileAtFirst, turnsOfConversation } from './bench-turns.ts'
import type { ClaudeReport } from './claude-process.ts'
import { manyFiles } from './many-files.ts'
import type { Bench, Place } from './open-bench.ts'
import { runBareLoop } from './run-bare-loop.ts'
import { startBenchApp } from './start-bench-app.ts'
import { startClaudeProcess } from './start-claude-process.ts'

const label = 'bench'
const workflow = `
name: bench_turns
on: [ { event: issue.labeled, label: ${label} } ]
steps:
  - { name: clone_repository, plugin: version_control, action: clone_repository }
  - name: write_code
    type: ai_action
    agent: development
    prompt_template: prompts/development.njk
    inputs: { branch: main }
  - { name: clean, type: system, action: cleanup }
`
const files = { ...manyFiles(300), [benchFile]: benchFileAtFirst }

export type Conversations = {
  /** Milliseconds a turn, of each run. */
  ours: number[]
  bare: number[]
  /** Of the last run, turn by turn. */
  usage: TokenUsage[]
  lastRequest: ClaudeReport['lastRequest']
}

/**
 * Runs of the real application whose agent talks with the instant Claude for twenty turns, in turns with the bare loop that
 * does the same. The first of each is for warming up: the vendor's SDK is loaded at the first call.
 */
export const runConversations = async (bench: Bench, place: Place, rounds: number): Promise<Conversations> => {
  const claude = await startClaudeProcess()
  bench.after(claude.close)
  const world = await bench.world()
  const { app, url } = await startBenchApp(bench, {
    world,
    place,
    worker: true,
    workflows: { 'bench.yaml': workflow },
    config: { anthropic: { api_key: claude.apiKey, base_url: claude.url } },
  })
  world.github.webhookUrl = `${url}/webhooks/github`
  bench.after(async () => {
    world.github.webhookUrl = null
  })
  const found: Conversations = { ours: [], bare: [], usage: [], lastRequest: {} }
  for (let round = 0; round <= rounds; round++) {
    const bareMs = await runBareLoop({ claude, root: await bareTree(bench), mostTurns: turnsOfConversation })
    const runId = await startRun(bench, `${basename(place.dataDir)}-${round}`)
    const { ms, usage } = await conversationOf(app.database(), runId)
    if (round === 0) continue
    found.bare.push(bareMs)
    found.ours.push(ms / turnsOfConversation)
    found.usage = usage
  }
  found.lastRequest = (await claude.report()).lastRequest
  return found
}

const bareTree = async (bench: Bench): Promise<string> => {
  const root = await bench.folder()
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
  return root
}

const startRun = async (bench: Bench, owner: string): Promise<string> => {
  const { github } = await bench.world()
  const repository = await github.createRepository(`${owner}/shop`, files)
  const person = github.addUser('alice')
  repository.setPermission(person.login, 'write')
  const issue = repository.createIssue({ title: 'Steps', body: 'They should be right.', author: person })
  const { status, body } = await repository.label(issue.number, label, person)
  const [runId] = status === 202 ? (JSON.parse(body) as { runs: string[] }).runs : []
  if (runId === undefined) throw new Error(`The webhook was answered ${status}: ${body}`)
  return runId
}

const longestMs = 60_000

/** How long the agent was at it, from the opening of its conversation to its end, and what each turn used. */
const conversationOf = async ({ db }: Database, runId: string): Promise<{ ms: number; usage: TokenUsage[] }> => {
  await untilEnded(db, runId)
  const agent = await db
    .selectFrom('agent_executions')
    .select(['id', 'started_at', 'finished_at'])
    .where('run_id', '=', runId)
    .executeTakeFirstOrThrow()
  const turns = await db
    .selectFrom('agent_turns')
    .select('usage')
    .where('agent_id', '=', agent.id)
    .orderBy('ordinal')
    .execute()
  if (turns.length !== turnsOfConversation || !agent.finished_at) throw new Error(`There were ${turns.length} turns.`)
  return { ms: agent.finished_at.getTime() - agent.started_at.getTime(), usage: turns.map(({ usage }) => usage) }
}

const untilEnded = async (db: Database['db'], runId: string): Promise<void> => {
  const latestMs = performance.now() + longestMs
  while (performance.now() < latestMs) {
    const run = await db
      .selectFrom('workflow_executions')
      .select(['state', 'failure'])
      .where('id', '=', runId)
      .executeTakeFirst()
    if (run?.state === 'done') return
    if (run?.state === 'failed' || run?.state === 'refused')
      throw new Error(`The run has failed: ${run.failure?.message}`)
    await sleep(100)
  }
  throw new Error('The run did not end.')
}
