import { codeOf } from '../../../domain/errors.ts'

/** What is not there, as null. */
export const orNull = async <Value>(answer: Promise<Value>): Promise<Value | null> =>
  answer.catch((error) => {
    if (codeOf(error) === 'not_found') return null
    throw error
  })
