/** axios behind the guards of a service. */
export type { GuardedBy, GuardOptions, OutgoingRequest } from '../outgoing/guard-options.ts'
export { type GuardAxiosOptions, guardAxios } from './guard-axios.ts'
