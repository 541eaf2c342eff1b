import { flushCompileCache } from 'node:module'
import { type App, buildApp } from '../../src/app.ts'
import { type DeepPartial, loadConfig } from '../../src/config/load-config.ts'
import type { Config } from '../../src/config/schema.ts'
import { armCrashPoint, type CrashPoint, disarmCrashPoint } from '../../src/domain/crash-point.ts'
// The application loads it when it starts; here that is to have been done before.
import '../../src/wiring/start-services.ts'

/**
 * The application in a process of its own, as `journeyman serve` builds it, for tests that kill it. Its parent has it loaded
 * ahead of time, says when it is to begin, and may arm a crash point at any moment. It ends with its parent.
 */
export type Order =
  | { do: 'start'; folder: string; overrides: DeepPartial<Config> }
  | { do: 'arm'; point: CrashPoint; occurrence: number }
  | { do: 'disarm' }
  | { do: 'query'; text: string; values: unknown[] }
  | { do: 'stop' }

let app: App | null = null

const obey = async (order: Order): Promise<unknown> => {
  switch (order.do) {
    case 'start':
      return start(order.folder, order.overrides)
    case 'arm':
      // What it has loaded only when it was needed.
      flushCompileCache()
      return armCrashPoint(order.point, order.occurrence)
    case 'disarm':
      return disarmCrashPoint()
    case 'query':
      return (await app?.database().query(order.text, order.values))?.rows
    case 'stop':
      return app?.stop(10_000)
  }
}

const start = async (folder: string, overrides: DeepPartial<Config>): Promise<{ url: string | null }> => {
  const { config } = loadConfig({ folder, environment: {}, overrides })
  app = buildApp(config, { web: true, worker: true, writeLog: (line) => void process.stderr.write(line) })
  const { url } = await app.start()
  return { url }
}

process.on('message', ({ id, order }: { id: number; order: Order }) => {
  obey(order).then(
    (answer) => process.send?.({ id, answer }),
    (error: unknown) => process.send?.({ id, error: error instanceof Error ? error.message : String(error) }),
  )
})
process.on('disconnect', () => process.exit())
// Node writes it when a process ends by itself, and this one is going to be killed.
flushCompileCache()
process.send?.({ id: 0 })
