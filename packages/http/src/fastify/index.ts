/** The way into a Fastify application. */
export { type FastifyRateLimitOptions, rateLimit } from './rate-limit.ts'
