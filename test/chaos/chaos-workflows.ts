/**
 * What the killed processes work on: between them, all constructs of the language. Each command leaves a line in a file
 * outside of its tree: what a killed worker did cannot be taken back from there.
 */
export type Kind = 'built' | 'undone' | 'waiting' | 'corrected' | 'halted'
export const kinds: readonly Kind[] = ['built', 'undone', 'waiting', 'corrected', 'halted']

/** How a run of it has to end, whatever happens to the processes. */
export const endOf: Record<Kind, { state: 'done' | 'failed' | 'stopped'; code: string | null }> = {
  built: { state: 'done', code: null },
  undone: { state: 'failed', code: 'command_failed' },
  waiting: { state: 'done', code: null },
  corrected: { state: 'done', code: null },
  halted: { state: 'stopped', code: 'stopped' },
}

/** How often people have such a run tried again, once it has failed. */
export const retriesOf: Record<Kind, number> = { built: 0, undone: 0, waiting: 0, corrected: 1, halted: 0 }

/** What stands below the issue when such a run has ended, each once; in this order where it is a list of undoing. */
export const commentsOf: Record<Kind, { said: string[]; undone: string[] }> = {
  built: { said: ['at once', 'item 1', 'item 2', 'item 3'], undone: [] },
  undone: {
    said: ['first', 'of two', 'of two too', 'turn 1', 'turn 2'],
    undone: ['undo turn 2', 'undo turn 1', 'undo of two', 'undo first'],
  },
  waiting: { said: ['after all', 'before', 'inside'], undone: [] },
  corrected: { said: ['before it', 'behind it'], undone: [] },
  halted: { said: ['until now'], undone: [] },
}

/** Commands that every such run executes: the addresses of their steps. */
export const commandsOf: Record<Kind, string[]> = {
  built: ['at_once/mark', 'at_once/each[0]/count', 'at_once/each[1]/count', 'at_once/each[2]/count', 'unsteady/once'],
  undone: ['change', 'both_fail/bad'],
  waiting: [],
  corrected: ['twice'],
  halted: [],
}

const quick = 'retry_count: 8\n    retry: { backoff: fixed, initial_seconds: 0.2 }'
const say = (name: string, text: string, more = ''): string =>
  `{ name: ${name}, plugin: task_management, action: add_comment, inputs: { comment: "said: ${text}" }, on_error: retry${more} }`
const undo = (text: string): string =>
  `, rollback: { plugin: task_management, action: add_comment, inputs: { comment: "said: ${text}" } }`

export const chaosWorkflows = (records: string): Record<string, string> => {
  const line = (address: string): string => `echo "\${run.id} ${address} $(date +%s%N)" >> ${records}/commands.log`
  return {
    'built.yaml': `
name: built
description: To a pull request, through a group, a loop and an approval
version: "1.0.0"
on: [ { event: issue.labeled, label: built } ]
variables: { branch: "built/\${run.id}" }
steps:
  - { name: fetch, plugin: version_control, action: clone_repository, on_error: retry }
  - name: at_once
    type: parallel
    max_concurrency: 3
    steps:
      - ${say('say', 'at once')}
      - { name: mark, type: run, command: '${line('at_once/mark')}' }
      - name: each
        type: loop
        for_each: "\${[1, 2, 3]}"
        max_iterations: 5
        max_concurrency: 2
        steps:
          - ${say('tell', 'item ${item}')}
          - { name: count, type: run, command: '${line('at_once/each[${loop.index0}]/count')}' }
  - name: unsteady
    type: parallel
    on_error: retry
    ${quick}
    steps:
      - { name: once, type: run, command: '${line('unsteady/once')}; test -e ${records}/\${run.id} || { touch ${records}/\${run.id}; exit 1; }' }
      - { name: pause, type: wait, seconds: 0.1 }
  - { name: write, type: ai_action, prompt: "Write notes. issue-mark-\${task_id}", outputs: { implementation: implementation }, on_error: retry }
  - { name: plan_approval, type: approval, shows: "\${implementation.pr_title}", timeout: 600 }
  - name: open
    plugin: version_control
    action: create_pull_request
    inputs: { source_branch: "\${branch}", target_branch: main, title: "\${implementation.pr_title}", description: "\${implementation.pr_description}" }
    on_error: retry
post_execution: { always: [ { action: cleanup } ] }
`,
    'undone.yaml': `
name: undone
description: Fails in the end, and is undone
version: "1.0.0"
on: [ { event: issue.labeled, label: undone } ]
variables: { branch: "undone/\${run.id}" }
steps:
  - { name: fetch, plugin: version_control, action: clone_repository, on_error: retry }
  - { name: change, type: run, command: '${line('change')}; echo x >> undone.txt' }
  - name: push
    plugin: version_control
    action: push_branch
    inputs: { branch: "\${branch}" }
    on_error: retry
    rollback: { plugin: version_control, action: delete_branch, inputs: { branch: "\${branch}" } }
  - ${say('first', 'first', undo('undo first'))}
  - name: two
    type: parallel
    steps:
      - ${say('one', 'of two', undo('undo of two'))}
      - ${say('other', 'of two too')}
  - name: turns
    type: loop
    for_each: "\${[1, 2]}"
    max_iterations: 2
    steps:
      - ${say('tell', 'turn ${item}', undo('undo turn ${item}'))}
  - name: both_fail
    type: parallel
    steps:
      - { name: slow, type: wait, seconds: 300 }
      - { name: bad, type: run, command: '${line('both_fail/bad')}; sleep 0.2; exit 3', on_error: rollback }
post_execution: { always: [ { action: cleanup } ] }
`,
    'waiting.yaml': `
name: waiting
description: Waits for others, one of its lane at a time
version: "1.0.0"
on: [ { event: issue.labeled, label: waiting } ]
concurrency: { key: "\${task.description}", policy: queue }
steps:
  - name: graph
    type: parallel
    steps:
      - name: inner
        type: conditional
        condition: "\${task.title is defined}"
        then:
          - { name: last, type: system, action: set, inputs: { sum: "\${left + right}" }, needs: [a, b] }
          - { name: a, type: system, action: set, inputs: { left: 1 } }
          - { name: b, type: system, action: set, inputs: { right: 2 } }
          - ${say('before', 'before')}
  - name: answers
    type: parallel
    steps:
      - { name: yes, type: approval, shows: "go on?", timeout: 600 }
      - { name: go, type: wait, event: issue.labeled, timeout: 600 }
  - { name: pause, type: wait, seconds: 0.5 }
  - { name: sub, type: workflow, uses: inside, inputs: { word: inside } }
  - ${say('after', 'after all')}
success_criteria: [ { condition: "\${sum == 3}", description: "The graph has run" } ]
`,
    'corrected.yaml': `
name: corrected
description: Fails, and is done when somebody has said "/ai retry"
version: "1.0.0"
on: [ { event: issue.labeled, label: corrected } ]
steps:
  - ${say('before', 'before it')}
  - { name: fetch, plugin: version_control, action: clone_repository, on_error: retry }
  - { name: twice, type: run, command: '${line('twice')}; test -e ${records}/again-\${run.id}' }
  - ${say('behind', 'behind it')}
`,
    'halted.yaml': `
name: halted
description: Waits until somebody says "/ai stop"
version: "1.0.0"
on: [ { event: issue.labeled, label: halted } ]
steps:
  - ${say('now', 'until now')}
  - { name: long, type: wait, seconds: 900 }
  - ${say('never', 'never')}
`,
    'inside.yaml': `
name: inside
description: Used by another
version: "1.0.0"
on: [ { event: api.requested } ]
inputs: { word: { type: string, required: true } }
steps:
  - ${say('tell', '${word}')}
`,
  }
}
