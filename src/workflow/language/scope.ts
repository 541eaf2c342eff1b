/**
 * The names that an expression can see. A scope is asked, so that variables can be evaluated lazily, at first use.
 * `get` gives undefined for a name that is not set. Data in it is plain JSON; functions of the host are never in it.
 */
export type Scope = { get: (name: string) => unknown; names: () => string[] }
