import { JourneymanError } from '../domain/errors.ts'

/** No provider's payload comes near; a body made to exhaust a parser or a walker of its tree does. */
const maxDepth = 100

/**
 * A body as JSON, or `invalid_input`. The depth is counted on the bytes before anything is built from them, so that a
 * body 10,000 levels deep costs one look at its first hundred. Keys such as `__proto__` become plain data here; nothing
 * is merged from them anywhere.
 */
export const parseJson = (rawBody: Buffer): unknown => {
  refuseDepth(rawBody)
  try {
    return JSON.parse(rawBody.toString('utf8'))
  } catch {
    throw new JourneymanError('invalid_input', 'The body of the delivery is not valid JSON.')
  }
}

const refuseDepth = (body: Buffer): void => {
  let depth = 0
  let inText = false
  for (let at = 0; at < body.length; at++) {
    const byte = body[at]
    if (inText) {
      if (byte === backslash) at += 1
      else if (byte === quote) inText = false
    } else if (byte === quote) inText = true
    else if (byte === openBrace || byte === openBracket) depth += 1
    else if (byte === closeBrace || byte === closeBracket) depth -= 1
    if (depth > maxDepth) {
      throw new JourneymanError(
        'invalid_input',
        `The body of the delivery is nested more than ${maxDepth} levels deep.`,
      )
    }
  }
}

const [quote, backslash, openBrace, closeBrace, openBracket, closeBracket] = Buffer.from('"\\{}[]')
