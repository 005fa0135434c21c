import { type Problem, problem } from './problem.ts'

/** How much of a framework's own words is passed on. */
const LONGEST_DETAIL = 200

/**
 * What a framework complains of in a request before any of the application's code has seen it: a URL or a body that cannot
 * be read, or is too large.
 *
 * @returns undefined for every other error
 * @example
 * const told = requestProblemOf(error) ?? problemOf(error, systemClock)
 */
export function requestProblemOf(error: unknown): Problem | undefined {
  if (!(error instanceof Error)) return undefined
  const status = statusOf(error)
  if (status === undefined || !isFrameworks(error)) return undefined
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined
  const detail = error.message === '' ? 'The request was not understood.' : error.message.slice(0, LONGEST_DETAIL)
  return problem('invalid-request', status, 'The request makes no sense', detail, { code })
}

function statusOf(error: object): number | undefined {
  const status: unknown = Reflect.get(error, 'statusCode') ?? Reflect.get(error, 'status')
  return typeof status === 'number' && status >= 400 && status <= 499 ? status : undefined
}

/** Fastify gives its own errors a code, Express's parsers mark theirs as fit to be shown, Hono's can be answered as they are. */
function isFrameworks(error: object): boolean {
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'string' && code.startsWith('FST_ERR_')) return true
  const fromParser = Reflect.get(error, 'expose') === true && typeof Reflect.get(error, 'type') === 'string'
  return fromParser || typeof Reflect.get(error, 'getResponse') === 'function'
}
