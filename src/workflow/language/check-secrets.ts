import type { Checking } from './checking.ts'
import { parseTemplate } from './templates.ts'
import type { Path } from './yaml-source.ts'

/** How keys of known services look. Each takes time in proportion to the text. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/\bgh[pousr]_[A-Za-z0-9]{20,}/, 'a GitHub token'],
  [/\bgithub_pat_[A-Za-z0-9_]{20,}/, 'a GitHub token'],
  [/\bglpat-[A-Za-z0-9_-]{16,}/, 'a GitLab token'],
  [/\bsk-[A-Za-z0-9_-]{20,}/, 'a key of a model provider'],
  [/\bxox[abeprs]-[A-Za-z0-9-]{10,}/, 'a Slack token'],
  [/\blin_api_[A-Za-z0-9]{16,}/, 'a Linear key'],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/, 'an AWS key'],
  [/\bAIza[A-Za-z0-9_-]{30,}/, 'a Google key'],
  [/\bATATT[A-Za-z0-9_=-]{20,}/, 'an Atlassian token'],
  [/\bntn_[A-Za-z0-9]{20,}/, 'a Notion token'],
  [/-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/, 'a private key'],
  [/[A-Za-z0-9_-]{10}\.eyJ[A-Za-z0-9_-]{10}/, 'a JWT'],
]

const secretKeys = /(?:^|_)(?:password|passwd|secret|token|api_?key|private_key|credentials?)$/i

/** A workflow is text that many read, and that is kept with every run: no secret belongs in it. */
export const checkSecrets = (checking: Checking): void => {
  visitTexts(checking.source.value, [], (text, path) => {
    const shape = shapeOf(text)
    const key = String(path.at(-1))
    if (shape)
      checking.report(path, `This looks like ${shape} in plain text. Take it out, and replace it where it is valid.`)
    else if (secretKeys.test(key) && isPlainValue(text) && !checking.gaps.isBroken(path)) {
      checking.report(path, `\`${key}\` holds a secret in plain text, it seems. Keep it in the configuration instead.`)
    }
  })
}

export const shapeOf = (text: string): string | null => shapes.find(([pattern]) => pattern.test(text))?.[1] ?? null

const isPlainValue = (text: string): boolean =>
  text.length >= 6 && !/\s/.test(text) && parseTemplate(text).every((part) => part.kind === 'text')

const visitTexts = (value: unknown, path: Path, visit: (text: string, path: Path) => void): void => {
  if (typeof value === 'string') visit(value, path)
  else if (typeof value === 'object' && value !== null) {
    const keyOf = (key: string): string | number => (Array.isArray(value) ? Number(key) : key)
    for (const [key, item] of Object.entries(value)) visitTexts(item, [...path, keyOf(key)], visit)
  }
}
