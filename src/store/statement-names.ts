/** So many statements are kept by name on each connection; the server holds the plan of each. */
const mostNames = 256
const mostSeen = 2_000

/**
 * Gives a statement that is asked again and again a name, under which the server keeps it parsed and planned: more than half
 * of what a small statement takes is that. One of many shapes (a list of another length each time) does not come again
 * often, and stays without; so does what comes when all names are given.
 */
export const createStatementNames = (): ((text: string) => string | undefined) => {
  const names = new Map<string, string>()
  const seen = new Set<string>()
  return (text) => {
    const known = names.get(text)
    if (known !== undefined || names.size >= mostNames) return known
    if (seen.delete(text)) {
      const name = `statement_${names.size + 1}`
      names.set(text, name)
      return name
    }
    if (seen.size >= mostSeen) seen.clear()
    seen.add(text)
    return undefined
  }
}
