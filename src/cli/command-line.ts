import { Command, CommanderError } from 'commander'
import { armCrashPointFrom, processEnvironment } from '../config/environment.ts'
import { failureOf } from '../domain/errors.ts'
import type { ExitCode } from './exit-code.ts'

/** Runs one command and gives the exit code. Errors are sentences. */
export const runCommandLine = async (args: string[]): Promise<ExitCode> => {
  let code: ExitCode = 0
  const program = createProgram((next) => {
    code = next
  })
  try {
    armCrashPointFrom(processEnvironment())
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    const failure = failureOf(error)
    const stack = failure.code === 'internal' && error instanceof Error ? `\n${error.stack}` : ''
    process.stderr.write(`${failure.message}${failure.nextAction ? `\n${failure.nextAction}` : ''}${stack}\n`)
    return exitCodeOf(failure.code)
  }
}

const exitCodeOf = (code: string): ExitCode => {
  if (code === 'invalid_input') return 2
  const configuration = [
    'invalid_configuration',
    'invalid_workflow',
    'not_found',
    'conflict',
    'unavailable',
    'store_unavailable',
    'sandbox_unavailable',
  ]
  return configuration.includes(code) ? 3 : 1
}

/** Each command is loaded when it is asked for: a server has no use for the demo's world. */
const load = {
  serve: () => import('./serve.ts'),
  migrate: () => import('./migrate.ts'),
  check: () => import('./check.ts'),
  demo: () => import('./demo.ts'),
}

const createProgram = (end: (code: ExitCode) => void): Command => {
  const program = new Command('journeyman')
    .description('Takes a ticket to a pull request.')
    .exitOverride()
    .showHelpAfterError()
  program
    .command('serve')
    .description('Takes deliveries and works on them, until it is ended.')
    .option('--only <part>', 'only "web" (take deliveries) or only "worker" (do the work)')
    .addHelpText('after', '\nExample:\n  journeyman serve --only web')
    .action(async (options: { only?: string }) => end(await (await load.serve()).serve(options.only)))
  program
    .command('worker')
    .description('The same as "serve --only worker".')
    .addHelpText('after', '\nExample:\n  DATABASE_URL=postgres://… journeyman worker')
    .action(async () => end(await (await load.serve()).serve('worker')))
  program
    .command('migrate')
    .description('Brings the database to what this version needs. "serve" does it too.')
    .addHelpText('after', '\nExample:\n  DATABASE_URL=postgres://… journeyman migrate')
    .action(async () => end(await (await load.migrate()).migrateCommand()))
  program
    .command('check [files...]')
    .description('Finds what is wrong with workflows, without running anything.')
    .addHelpText('after', '\nExample:\n  journeyman check workflows/standard_dev_workflow.yaml')
    .action(async (files: string[]) => end(await (await load.check()).check(files)))
  program
    .command('demo')
    .description('Takes a labelled issue to a pull request against a local stand-in of GitHub and Claude.')
    .option('--json', 'print one JSON object as the last line, and nothing else on standard output')
    .option('--live', 'let the real model do the work (ANTHROPIC_API_KEY)')
    .option('--database <url>', 'use this PostgreSQL instead of the embedded database')
    .option('--keep', 'leave everything running, until it is ended')
    .addHelpText('after', '\nExample:\n  journeyman demo --json')
    .action(async (options: { json?: boolean; live?: boolean; database?: string; keep?: boolean }) =>
      end(await (await load.demo()).demo(options)),
    )
  return program
}
