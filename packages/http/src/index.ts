/** Rate limits and honest failures over HTTP. Each framework has an entry of its own: `@holdfast/http/fastify` and so on. */
export { Caller, type CallerOptions } from './caller/caller.ts'
export { DEADLINE_HEADER, type DeadlineOptions } from './caller/deadlines.ts'
export { CallerGoneError, DeadlinePassedError } from './caller/errors.ts'
export { ClientAddresses, type ClientAddressOptions, type TrustProxy } from './client/client-address.ts'
export type { ClientOptions, RequestReader } from './client/client-identity.ts'
export { clientKey } from './client/client-key.ts'
export { type Admission, AdmissionControl, type AdmissionOptions } from './limit/admission-control.ts'
export {
  type LimitedRequest,
  type RateLimitOptions,
  RequestLimits,
  type RouteLimit,
  type RouteRule,
} from './limit/request-limits.ts'
export { retryAfterSeconds } from './limit/retry-after.ts'
export { PROBLEM_JSON, type Problem, problem, problemOf } from './problem.ts'
export { requestProblemOf } from './request-problem.ts'
export {
  LoadShedder,
  type LoadSheddingOptions,
  type LoadSheddingSnapshot,
  type Priority,
  type Shed,
} from './shedding/load-shedder.ts'
export type { RoutedSheddingOptions } from './shedding/routed-shedding.ts'
