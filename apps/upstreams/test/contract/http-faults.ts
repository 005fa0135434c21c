/** The faults of the list, by the names that the tables in docs/upstream-faults.md have for them. */

/** How long a caller waits, in milliseconds: for ever, as tests go; for what never comes, not long. */
export const PATIENT = 25_000
export const IMPATIENT = 100

/** What is set before the call. */
export interface FaultRow {
  readonly action: object
  /** Whether the limit must be exceeded first. */
  readonly overLimit?: boolean
}

const malformed = (mode: string): FaultRow => ({ action: { type: 'malformed', mode } })
const status = (code: number, more: object = {}): FaultRow => ({ action: { type: 'status', code, ...more } })

export const HTTP_FAULTS: ReadonlyMap<string, FaultRow> = new Map<string, FaultRow>([
  ['none', { action: { type: 'latency', ms: 0 } }],
  ['latency', { action: { type: 'latency', ms: 1 } }],
  ['hang', { action: { type: 'hang' } }],
  ['reset, accept', { action: { type: 'reset', where: 'accept' } }],
  ['reset, before', { action: { type: 'reset' } }],
  ['reset, after', { action: { type: 'reset', where: 'after' } }],
  ['fin, before', { action: { type: 'fin' } }],
  ['fin, after', { action: { type: 'fin', where: 'after' } }],
  ['flap', { action: { type: 'flap', upMs: 0, downMs: 60_000 } }],
  ['partial', { action: { type: 'partial' } }],
  ['slowDrip', { action: { type: 'slowDrip', bytes: 50, everyMs: 1 } }],
  ['status 400', status(400)],
  ['status 401', status(401)],
  ['status 403', status(403)],
  ['status 404', status(404)],
  ['status 408', status(408)],
  ['status 422', status(422)],
  ['status 500', status(500)],
  ['status 502', status(502)],
  ['status 503', status(503, { headers: { 'retry-after': '1' } })],
  ['status 504', status(504)],
  ['rate429', { action: { type: 'rate429' } }],
  ['ban', { action: { type: 'ban' }, overLimit: true }],
  ['malformed, truncate', malformed('truncate')],
  ['malformed, garbage', malformed('garbage')],
  ['malformed, html', malformed('html')],
  ['malformed, html 502', { action: { type: 'malformed', mode: 'html', code: 502 } }],
  ['malformed, empty', malformed('empty')],
  ['malformed, nullJson', malformed('nullJson')],
  ['malformed, wrongType', malformed('wrongType')],
  ['malformed, wrongContentType', malformed('wrongContentType')],
  ['drift', { action: { type: 'drift', rename: { bars: 'b', results: 'b', chart: 'b', observations: 'b' } } }],
  ['stale', { action: { type: 'stale' } }],
])
