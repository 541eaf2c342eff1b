/** What does not hold: the invariant's number, and a sentence. */
export type Fault = { invariant: string; what: string }
