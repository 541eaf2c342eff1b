import type { FindVariable } from './variables.ts'

/** `whole`: the text was one substitution and nothing else. `used`: the variables that were asked for, in order. */
export type Substitution = { text: string; whole: boolean; used: string[]; problems: string[] }

const name = '[A-Za-z_][A-Za-z0-9_]*'
/** An escape, a substitution, or a beginning that does not go on as one. Linear: no two parts can match the same text. */
const pattern = new RegExp(`\\$\\$\\{|\\$\\{(${name})(?::-([^{}]*))?\\}|\\$\\{`, 'g')
const whole = new RegExp(`^\\$\\{${name}(?::-[^{}]*)?\\}$`)

/**
 * `${NAME}` and `${NAME:-default}` in one text; `$${` is a plain `${`. The default serves where the variable is not set or
 * empty, as in a shell. What a variable holds is never looked at again: a value with `${...}` in it stays text.
 */
export const substitute = (text: string, find: FindVariable): Substitution => {
  const used: string[] = []
  const problems: string[] = []
  const replaced = text.replace(pattern, (match, variable: string | undefined, fallback: string | undefined) => {
    if (match === '$${') return '${'
    if (variable === undefined) {
      problems.push('has a "${" that is neither "${NAME}" nor "${NAME:-default}"; write "$${" for a plain one')
      return ''
    }
    used.push(variable)
    const found = find(variable)
    if (found !== null && 'problem' in found) problems.push(`needs ${variable}, which ${found.problem}`)
    else if (found?.value) return found.value
    else if (fallback !== undefined) return fallback
    else if (found === null) problems.push(`needs ${variable}, which is not set (nor is ${variable}_FILE)`)
    return ''
  })
  return { text: replaced, whole: whole.test(text), used, problems }
}
