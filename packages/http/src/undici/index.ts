/** undici behind the guards of a service. */
export type { GuardedBy, GuardOptions, OutgoingRequest } from '../outgoing/guard-options.ts'
export { guardUndici } from './guard-undici.ts'
