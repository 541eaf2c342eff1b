import { codeOf, JourneymanError } from '../../../domain/errors.ts'
import type { TaskRef } from '../contract.ts'

export const numberOf = (ref: TaskRef): { issue_number: number } => ({ issue_number: idOf(ref.key) })

/** A number as GitHub writes it; anything else would change the address that is asked. */
export const idOf = (text: string): number => {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new JourneymanError('invalid_input', `"${text}" is not the number of an issue or a comment on GitHub.`)
}

/** Removing what is not there is no error. */
export const ignoringMissing = async (removal: Promise<unknown>): Promise<void> => {
  await removal.catch((error) => {
    if (codeOf(error) !== 'not_found') throw error
  })
}
