/**
 * The address of a step in the journal. Decided before the first row was written, since a row must be found again by
 * any later version, inside any construct:
 *
 *   address  = segment { "/" segment }
 *   segment  = name [ "[" index "]" ] [ ":" branch ]
 *   name     = the step's name, or "@" + a built-in place ("@prerequisites", "@always", "@on_success", "@on_failure", "@rollback")
 *   index    = the iteration of a loop, from 0
 *   branch   = "then" | "else"
 *
 * A container appears in the address of what it contains, with the iteration or branch that was taken:
 *
 *   get_task                                 a step
 *   choose:then/fix                          `fix` in the `then` of the conditional `choose`
 *   fan_out/each_task[3]/generate_code       `generate_code`, fourth turn of the loop `each_task`, in the parallel group `fan_out`
 *   sub/review                               `review` in the sub-workflow that `sub` uses
 *   @rollback/create_branch                  the compensation of `create_branch`
 *
 * Attempts are not part of the address: they are tries at the same place, counted in its row.
 */
export type Branch = 'then' | 'else'

export const stepName = /^[a-z][a-z0-9_]{0,62}$/

/** Whether something is done there to undo what a step had done. */
export const isUndoing = (address: string): boolean => address.startsWith('@rollback/')

export const within = (parent: string, name: string): string => (parent === '' ? name : `${parent}/${name}`)
export const iteration = (address: string, index: number): string => `${address}[${index}]`
export const branch = (address: string, taken: Branch): string => `${address}:${taken}`

/** The addresses of the steps that hold one, innermost first. */
export const holdersOf = (address: string): string[] => {
  const holders: string[] = []
  for (let at = address.lastIndexOf('/'); at > 0; at = address.lastIndexOf('/', at - 1))
    holders.push(address.slice(0, at).replace(/(?:\[\d+\])?(?::\w+)?$/, ''))
  return holders
}

export type Segment = { name: string; index: number | null; branch: Branch | null }

/** An address of a sub-workflow in a loop in a sub-workflow is some hundred characters; nothing of ours comes near. */
const maxAddressCharacters = 4_000
const segment = /^(@?[a-z][a-z0-9_]{0,62})(?:\[(0|[1-9]\d{0,8})\])?(?::(then|else))?$/

/** The way back from a row: what an address is made of, outermost first. null for what is none. */
export const parseAddress = (address: string): Segment[] | null => {
  if (address.length > maxAddressCharacters) return null
  const segments = address.split('/').map(segmentOf)
  return segments.every((one) => one !== null) ? segments : null
}

const segmentOf = (text: string): Segment | null => {
  const match = segment.exec(text)
  if (!match) return null
  const [, name, index, taken] = match
  return { name: name as string, index: index === undefined ? null : Number(index), branch: (taken as Branch) ?? null }
}
