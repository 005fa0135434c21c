/** The way into a Hono application. */
export { type HonoRateLimitOptions, rateLimit } from './rate-limit.ts'
export { remoteAddress } from './remote-address.ts'
