import { buildApp } from '../app.ts'
import { processEnvironment } from '../config/environment.ts'
import { loadConfig } from '../config/load-config.ts'
import { watchConfig } from '../config/watch-config.ts'
import { failureOf, JourneymanError } from '../domain/errors.ts'
import type { ExitCode } from './exit-code.ts'
import { untilEnded } from './until-ended.ts'

export const serve = async (only: string | undefined): Promise<ExitCode> => {
  if (only !== undefined && only !== 'web' && only !== 'worker') {
    throw new JourneymanError('invalid_input', `--only takes "web" or "worker", not "${only}".`)
  }
  const load = () => loadConfig({ folder: process.cwd(), environment: processEnvironment() })
  const loaded = load()
  if (only !== undefined && loaded.config.database.url === null) {
    throw new JourneymanError(
      'invalid_configuration',
      'The embedded database serves one process: set DATABASE_URL to a PostgreSQL to run web and worker apart.',
    )
  }
  const lost = Promise.withResolvers<JourneymanError>()
  const app = buildApp(loaded.config, { web: only !== 'worker', worker: only !== 'web', onLost: lost.resolve })
  // From here on, so that being asked to end while it starts is an end in good order too.
  const ending = untilEnded(lost.promise)
  const { sandbox } = await app.start()
  // Said at once, and not first by a run that has come as far as its first command.
  if (sandbox && !sandbox.usable)
    app.log('warn', 'there is no sandbox: no command can run', { sandbox: sandbox.summary })
  const watching = watchConfig({
    current: loaded,
    load,
    changed: (config, keys) => {
      app.log('info', 'the configuration has changed', { keys })
      app
        .reconfigure(config)
        .catch((error: unknown) =>
          app.log('error', 'the changed configuration could not be taken over', { failure: failureOf(error) }),
        )
    },
    tell: (notice) =>
      app.log(notice.kind === 'broken' ? 'error' : 'info', `configuration: ${notice.kind}`, { ...notice }),
  })
  const failure = await ending
  watching.close()
  if (failure) {
    app.log('error', 'the database is lost and this process ends', { failure: failure.message })
    return 1
  }
  await app.stop()
  return 0
}
