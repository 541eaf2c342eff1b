import type { AgentRole } from '../role.ts'
import { bash } from '../tools/bash.ts'
import { history } from '../tools/history.ts'
import { list } from '../tools/list.ts'
import { search } from '../tools/search.ts'
import { createSubmit } from '../tools/submit.ts'
import { textEditor } from '../tools/text-editor.ts'
import { submissionSchema } from './submission-schema.ts'

/** Writes code and tests for one ticket, and hands in a proposal. */
export const developmentRole: AgentRole = {
  name: 'development',
  systemTemplate: 'development.system.njk',
  promptTemplate: 'development.njk',
  outputSchema: submissionSchema,
  tools: [
    textEditor,
    bash,
    search,
    list,
    history,
    createSubmit(submissionSchema, 'Hand in the finished work and end. Call it alone, after the checks have run.'),
  ],
}
