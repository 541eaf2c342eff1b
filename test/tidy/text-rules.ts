import { type Source, type Violation, withoutComments } from './read-sources.ts'

/** A rule about the text of a file; `except` are paths that it does not bind. */
type TextRule = { pattern: RegExp; except: RegExp; remedy: string }

/** Each is looked for in code without its comments; the test that writes them down as examples is let be. */
const rules: TextRule[] = [
  {
    pattern:
      /\bprocess\s*(?:\.|\?\.)\s*env\b|\bprocess\[['"]env|import\s*\{[^}]*\benv\b[^}]*\}\s*from\s*'node:process'/,
    except: /^(src\/config|bin|test|bench|scripts)\/|\.test\.ts$|\/(testing|test-support)\//,
    remedy: 'reads the environment; take it as an argument, and let config/environment.ts read it.',
  },
  {
    pattern: /\bprocess\s*\.\s*exit\s*\(/,
    except: /^src\/main\.ts$|-process\.ts$|^(bin|test\/children)\//,
    remedy:
      'ends the process; throw a JourneymanError, and main.ts ends it. (A program of its own is named *-process.ts.)',
  },
  {
    pattern: /^\s*(?:export\s+)?(?:declare\s+)?(?:const\s+)?enum\s+\w+/m,
    except: /^$/,
    remedy: 'declares an enum, which cannot be stripped; use a list `as const` and the union of its members.',
  },
  {
    pattern: /^\s*export\s+default\b|\bas\s+default\s*[,}]/m,
    except: /^vitest(?:\.[a-z]+)?\.config\.ts$|^test\/global-setup\.ts$/,
    remedy: 'has a default export; name it, and name the file for it.',
  },
  {
    pattern: /\bvi\s*\.\s*(?:do)?[mM]ock\s*\(/,
    except: /^$/,
    remedy: 'mocks a module; use the real thing, or the world.',
  },
  {
    pattern: /\bfrom\s*['"]fast-check['"]/,
    except: /^test\/at-random\.ts$/,
    remedy: 'draws another seed each time; import { fc } from test/at-random.ts.',
  },
]

export const checkTexts = (sources: Source[]): Violation[] =>
  sources.flatMap((source) => {
    const code = withoutComments(source.text)
    return rules.flatMap(({ pattern, except, remedy }) => {
      const found = except.test(source.path) || source.path === 'test/tidy.test.ts' ? null : pattern.exec(code)
      if (found === null) return []
      const line = code.slice(0, found.index + found[0].length).split('\n').length
      return [`${source.path}:${line} ${remedy}`]
    })
  })

const longestFile = 400

/** Generated files say so in their first line. */
export const checkLengths = (sources: Source[]): Violation[] =>
  sources.flatMap(({ path, text }) => {
    const lines = text.split('\n').length - 1
    const generated = /generated/i.test(text.split('\n', 1)[0] ?? '')
    if (lines <= longestFile || generated) return []
    return [`${path} has ${lines} lines, over ${longestFile}; it holds more than one thing: split it by what they are.`]
  })
