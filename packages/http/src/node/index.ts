/** For Node's own HTTP server, on which Fastify, Express and Hono run there. */
export { answerClientError } from './client-error.ts'
export { limitSlowClients, type SlowClientOptions } from './slow-clients.ts'
