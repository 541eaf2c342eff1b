import type { Definition, LoadedWorkflow } from '../workflow/language/definition.ts'
import { drawMermaid } from '../workflow/language/draw-mermaid.ts'
import { drawText } from '../workflow/language/draw-text.ts'
import { pinnedUse, usedKey } from '../workflow/language/pinned.ts'

const drawings = { text: drawText, mermaid: drawMermaid }

/** A workflow with those that it uses, drawn; null for a format that there is not. */
export const drawWorkflow = (workflow: LoadedWorkflow, format: string): string | null => {
  if (!isFormat(format)) return null
  let drawn = 0
  const usedBy = (name: string): Definition | null => {
    drawn += 1
    if (drawn > mostDrawn || !Object.hasOwn(workflow.prompts, usedKey(name))) return null
    return pinnedUse(workflow.prompts, name).definition
  }
  return drawings[format](workflow.definition, usedBy)
}

/** Workflows that use many that use many would make a picture that nobody can see: the rest is named only. */
const mostDrawn = 50

export const formats = Object.keys(drawings)

export const isFormat = (format: string): format is keyof typeof drawings => Object.hasOwn(drawings, format)
