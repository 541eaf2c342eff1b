/**
 * A vendor's description as a judge of both sides. Each member answers with the reasons why the description would refuse
 * what it was shown, as sentences; an empty list means that it would not.
 */
export type Validator = {
  /** What is judged by: "specification 23.0.2". */
  description: string
  request: (request: RequestToJudge) => string[]
  response: (answer: AnswerToJudge) => string[]
}

export type RequestToJudge = {
  method: string
  /** Without the query, still percent-encoded. */
  path: string
  query: URLSearchParams
  /** Parsed JSON; undefined when there was none. */
  body: unknown
}

export type AnswerToJudge = { method: string; path: string; status: number; body: unknown }
