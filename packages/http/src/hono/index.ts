/** The way into a Hono application. */
export { callerOf, deadlines } from './deadlines.ts'
export { loadShedding } from './load-shedding.ts'
export { type HonoRateLimitOptions, rateLimit } from './rate-limit.ts'
export { remoteAddress } from './remote-address.ts'
