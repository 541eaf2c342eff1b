export type Answer = {
  status: number
  /** JSON; undefined is an empty body. */
  body?: unknown
  /** Instead of JSON: another media type that was asked for. */
  text?: string
  headers?: Record<string, string>
}

export type FieldError = { resource: string; code: string; field?: string; message?: string }

const documentation = 'https://docs.github.com/rest'

export const ok = (body: unknown, headers: Record<string, string> = {}): Answer => ({ status: 200, body, headers })
export const created = (body: unknown): Answer => ({ status: 201, body })
export const noContent = (): Answer => ({ status: 204 })

/** An error in GitHub's shape. */
export const refused = (status: number, message: string): Answer => ({
  status,
  body: { message, documentation_url: documentation, status: String(status) },
})

export const notFound = (): Answer => refused(404, 'Not Found')
export const badCredentials = (): Answer => refused(401, 'Bad credentials')
export const forbidden = (): Answer => refused(403, 'Resource not accessible by integration')

export const validationFailed = (...errors: FieldError[]): Answer => ({
  status: 422,
  body: { message: 'Validation Failed', errors, documentation_url: documentation, status: '422' },
})
