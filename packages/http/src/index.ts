/** Rate limits and honest failures over HTTP. The plugin for Fastify has an entry of its own: `@holdfast/http/fastify`. */
export { type Admission, AdmissionControl, type AdmissionOptions } from './admit.ts'
export { type AddressFacts, clientAddress, comparableAddress } from './client-address.ts'
export { type ClientFacts, clientKeyOf } from './client-key.ts'
export { PROBLEM_JSON, type Problem, problem, problemOf } from './problem.ts'
export { retryAfterSeconds } from './rate-limit-headers.ts'
