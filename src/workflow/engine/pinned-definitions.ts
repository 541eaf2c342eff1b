import type { Db } from '../../store/database.ts'
import { getDefinition } from '../../store/definitions.ts'
import type { Definition } from '../language/definition.ts'
import { parsePinned } from '../language/load-workflows.ts'

/** As many as a busy worker goes back and forth between. */
const most = 50

/** The definitions that runs are pinned to, read once: the same hash is the same text, and nobody writes into one. */
export const createPinnedDefinitions = (db: Db) => {
  const known = new Map<string, { definition: Definition; prompts: Record<string, string> }>()
  return async (hash: string): Promise<{ definition: Definition; prompts: Record<string, string> }> => {
    const before = known.get(hash)
    known.delete(hash)
    const found = before ?? (await read(db, hash))
    // The one that was used last stands last.
    known.set(hash, found)
    const [oldest] = known.keys()
    if (known.size > most && oldest !== undefined) known.delete(oldest)
    return found
  }
}

const read = async (db: Db, hash: string) => {
  const { source, prompts } = await getDefinition(db, hash)
  return { definition: parsePinned(source, prompts), prompts }
}
