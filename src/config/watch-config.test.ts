import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { loadConfig } from './load-config.ts'
import type { Config } from './schema.ts'
import { type ConfigNotice, watchConfig } from './watch-config.ts'

let folder: string
let file: string
let watching: { close: () => void } | undefined
let configs: Config[]
let notices: ConfigNotice[]

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'journeyman-watch-'))
  file = join(folder, 'journeyman.yaml')
  writeFileSync(file, 'budget: { monthly_usd: 1 }\n')
  configs = []
  notices = []
})
afterEach(() => {
  watching?.close()
  rmSync(folder, { recursive: true, force: true })
})

const start = (timing: { settleMs?: number; lookEveryMs?: number } = { settleMs: 10 }): void => {
  const load = () => loadConfig({ folder, environment: {} })
  const changed = (config: Config): number => configs.push(config)
  watching = watchConfig({ current: load(), load, changed, tell: (notice) => notices.push(notice), ...timing })
}
const told = (notice: unknown) => vi.waitFor(() => expect(notices).toContainEqual(notice), { timeout: 5000 })

describe('watchConfig', () => {
  it('takes over what may be taken over, and names it', async () => {
    start()
    writeFileSync(file, 'budget: { monthly_usd: 2 }\nmodels: { fallback: null }\ngithub: { trusted_bots: [1] }\n')
    await told({ kind: 'reloaded', keys: ['budget.monthly_usd', 'github.trusted_bots', 'models.fallback'] })
    expect(configs.at(-1)).toMatchObject({
      budget: { monthly_usd: 2 },
      models: { fallback: null },
      github: { trusted_bots: [1], url: 'https://github.com' },
    })
  })

  it('finds what was changed after the loading and before the watching began', () => {
    const load = () => loadConfig({ folder, environment: {} })
    const current = load()
    writeFileSync(file, 'budget: { monthly_usd: 7 }\n')
    watching = watchConfig({ current, load, changed: (config) => configs.push(config), tell: (it) => notices.push(it) })
    expect(notices).toEqual([{ kind: 'reloaded', keys: ['budget.monthly_usd'] }])
    expect(configs.at(-1)?.budget.monthly_usd).toBe(7)
  })

  it('follows an editor that writes a new file and renames it', async () => {
    start()
    for (const amount of [2, 3]) {
      writeFileSync(`${file}~`, `budget: { monthly_usd: ${amount} }\n# ${'x'.repeat(amount)}\n`)
      renameSync(`${file}~`, file)
      await vi.waitFor(() => expect(configs.at(-1)?.budget.monthly_usd).toBe(amount), { timeout: 5000 })
    }
  })

  it('keeps the old configuration while a file is broken, says so once, and says when it is mended', async () => {
    start()
    writeFileSync(file, 'budget: { monthly: 2 }\n')
    await told({ kind: 'broken', message: expect.stringContaining('did you mean "monthly_usd"?') })
    writeFileSync(file, 'budget: { monthly: 2 }\n# still\n')
    writeFileSync(join(folder, '.env'), 'X=1\n')
    writeFileSync(file, 'budget: { monthly_usd: 5 }\n')
    await told({ kind: 'reloaded', keys: ['budget.monthly_usd'] })
    expect(notices.map((notice) => notice.kind)).toEqual(['broken', 'mended', 'reloaded'])
  })

  it('names what wants a restart, and leaves it as it is', async () => {
    start()
    writeFileSync(file, 'budget: { monthly_usd: 2 }\nserver: { port: 4000 }\n')
    await told({ kind: 'restart_needed', keys: ['server.port'] })
    expect(configs.at(-1)).toMatchObject({ budget: { monthly_usd: 2 }, server: { port: 3000 } })
  })

  it('takes a new file, and the default again when it is gone', async () => {
    rmSync(file)
    start()
    writeFileSync(file, 'log: { level: debug }\n')
    await vi.waitFor(() => expect(configs.at(-1)?.log.level).toBe('debug'), { timeout: 5000 })
    rmSync(file)
    await vi.waitFor(() => expect(configs.at(-1)?.log.level).toBe('info'), { timeout: 5000 })
  })

  it('sees a change by looking, where the system tells nothing in time', async () => {
    start({ settleMs: 60_000, lookEveryMs: 20 })
    writeFileSync(file, 'budget: { monthly_usd: 7 }\n')
    await told({ kind: 'reloaded', keys: ['budget.monthly_usd'] })
  })
})
