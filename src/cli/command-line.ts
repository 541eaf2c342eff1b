import { Command, CommanderError } from 'commander'
import { armCrashPointFrom, processEnvironment } from '../config/environment.ts'
import { installedVersion } from '../config/version.ts'
import type { AnswerOptions } from './answer.ts'
import type { CheckOptions } from './check.ts'
import type { ExitCode } from './exit-code.ts'
import { fileFailure } from './file-failure.ts'
import { gather } from './read-options.ts'
import type { RetryOptions } from './retry.ts'
import type { RunOptions } from './run.ts'
import type { StatusOptions } from './status.ts'
import { tellFailure } from './tell-failure.ts'

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
    tellFailure(error)
    return exitCodeOf(fileFailure(error).code)
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
  graph: () => import('./graph.ts'),
  demo: () => import('./demo.ts'),
  run: () => import('./run.ts'),
  status: () => import('./status.ts'),
  logs: () => import('./logs.ts'),
  stop: () => import('./stop.ts'),
  replay: () => import('./replay.ts'),
  retry: () => import('./retry.ts'),
  approve: () => import('./approve.ts'),
  reject: () => import('./reject.ts'),
  test: () => import('./test.ts'),
}

const json = ['--json', 'print JSON and nothing else'] as const

const createProgram = (end: (code: ExitCode) => void): Command => {
  const program = new Command('journeyman')
    .description('Takes a ticket to a pull request.')
    .version(`journeyman ${installedVersion()}`, '-V, --version', 'say which version this is')
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
    .command('check [paths...]')
    .description('Finds what is wrong with workflows (files, or folders of them), without running anything.')
    .option(...json)
    .addHelpText('after', '\nExample:\n  journeyman check workflows/standard_dev_workflow.yaml')
    .action(async (paths: string[], options: CheckOptions) => end(await (await load.check()).check(paths, options)))
  program
    .command('graph <file>')
    .description('Draws a workflow.')
    .option('--format <format>', '"text" (a tree) or "mermaid" (a flowchart)', 'text')
    .addHelpText('after', '\nExample:\n  journeyman graph workflows/standard_dev_workflow.yaml --format mermaid')
    .action(async (file: string, options: { format?: string }) => end(await (await load.graph()).graph(file, options)))
  program
    .command('test [paths...]')
    .description('Plays the tests that lie beside workflows, offline, against a local stand-in of GitHub and Claude.')
    .option('--json', 'print one JSON object as the last line, and nothing else on standard output')
    .option('--watch', 'play them again whenever a workflow, its tests or its prompts change')
    .addHelpText('after', '\nExample:\n  journeyman test workflows/hotfix_workflow.yaml --watch')
    .action(async (paths: string[], options: { json?: boolean; watch?: boolean }) =>
      end(await (await load.test()).test(paths, options)),
    )
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
  addRunCommands(program, end)
  return program
}

/** What is said of runs, and to them: each is a verb of src/operate/verbs.ts. */
const addRunCommands = (program: Command, end: (code: ExitCode) => void): void => {
  program
    .command('run <workflow>')
    .description('Starts a run of a workflow and shows how it goes. Exit code 1 when it does not come to a good end.')
    .option('--repository <owner/name>', 'where; may be left out where there is only one')
    .option('--issue <number>', 'the issue that it is about')
    .option('--change <number>', 'the pull request that it is about')
    .option(
      '--input <name=value>',
      'an input of the workflow, as often as it takes; lists and objects as JSON',
      gather,
      [],
    )
    .option('--detach', 'do not wait for its end')
    .option(...json)
    .addHelpText('after', '\nExample:\n  journeyman run standard_dev_workflow --repository acme/shop --issue 12')
    .action(async (workflow: string, options: RunOptions) => end(await (await load.run()).run(workflow, options)))
  program
    .command('status [run]')
    .description('Shows live and recent runs, or one of them with its steps, and what it waits for.')
    .option('-f, --follow', 'go on showing it, until the end')
    .option('--state <state>', 'only "live" ones, or those that are queued, running, parked, done, failed, …')
    .option('--workflow <name>', 'only runs of this workflow')
    .option('--repository <owner/name>', 'only runs there')
    .option('--limit <number>', 'so many at most (20)')
    .option(...json)
    .addHelpText('after', '\nExample:\n  journeyman status run_01k9 --follow')
    .action(async (run: string | undefined, options: StatusOptions) =>
      end(await (await load.status()).status(run, options)),
    )
  program
    .command('logs <run>')
    .description('Tells what has happened to a run, in order.')
    .option('-f, --follow', 'go on telling, until the run has ended')
    .option(...json)
    .addHelpText('after', '\nExample:\n  journeyman logs run_01k9 --follow')
    .action(async (run: string, options: { follow?: boolean; json?: boolean }) =>
      end(await (await load.logs()).logs(run, options)),
    )
  program
    .command('replay <run>')
    .description('Goes through an ended run again from its journal, and says where it would differ. Does nothing.')
    .option('--pinned', 'by the definition that it ran with, and not by the present one')
    .option(...json)
    .addHelpText('after', '\nExample:\n  journeyman replay run_01k9')
    .action(async (run: string, options: { pinned?: boolean; json?: boolean }) =>
      end(await (await load.replay()).replay(run, options)),
    )
  program
    .command('stop <run>')
    .description('Stops a run.')
    .option('-f, --follow', 'wait for its end')
    .option(...json)
    .addHelpText('after', '\nExample:\n  journeyman stop run_01k9')
    .action(async (run: string, options: { follow?: boolean; json?: boolean }) =>
      end(await (await load.stop()).stop(run, options)),
    )
  program
    .command('retry <run>')
    .description('Lets a run that failed or was stopped go on where it ended, or from a step on.')
    .option('--from <step>', 'do this step and everything after it again; a name, or an address')
    .option('-f, --follow', 'show how it goes, until its end')
    .option(...json)
    .addHelpText('after', '\nExample:\n  journeyman retry run_01k9 --from generate_code')
    .action(async (run: string, options: RetryOptions) => end(await (await load.retry()).retry(run, options)))
  program
    .command('approve <run> [comment...]')
    .description('Says yes to what a run asks.')
    .option('--step <address>', 'which step, where several ask')
    .option(...json)
    .addHelpText('after', '\nExample:\n  journeyman approve run_01k9 --step plan_approval')
    .action(async (run: string, words: string[], options: AnswerOptions) =>
      end(await (await load.approve()).approve(run, words, options)),
    )
  program
    .command('reject <run> [why...]')
    .description('Says no to what a run asks.')
    .option('--step <address>', 'which step, where several ask')
    .option(...json)
    .addHelpText('after', '\nExample:\n  journeyman reject run_01k9 "the plan forgets the tests"')
    .action(async (run: string, why: string[], options: AnswerOptions) =>
      end(await (await load.reject()).reject(run, why, options)),
    )
}
