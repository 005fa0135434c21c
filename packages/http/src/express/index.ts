/** The way into an Express application. */
export { type ExpressMiddleware, type ExpressRateLimitOptions, rateLimit } from './rate-limit.ts'
