/** The way into a Fastify application. */
export { deadlines } from './deadlines.ts'
export { loadShedding } from './load-shedding.ts'
export { clientOf, type FastifyRateLimitOptions, rateLimit } from './rate-limit.ts'
