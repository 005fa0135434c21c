/** The way into an Express application. */
export { callerOf, deadlines } from './deadlines.ts'
export { loadShedding } from './load-shedding.ts'
export type { ExpressMiddleware } from './middleware.ts'
export { type ExpressRateLimitOptions, rateLimit } from './rate-limit.ts'
