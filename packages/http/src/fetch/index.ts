/** `fetch` behind the guards of a service. */
export type { GuardedBy, GuardOptions, OutgoingRequest } from '../outgoing/guard-options.ts'
export { type Fetch, type GuardFetchOptions, guardFetch } from './guard-fetch.ts'
