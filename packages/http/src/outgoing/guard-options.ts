/** What the guards of `fetch`, undici and axios have in common: whom they ask, and what a user can say. */
import type { CallOptions, RateLimiter, Service } from 'holdfast'
import { callback, checkOptions, type Rule, type Rules } from 'holdfast/options'

/** What a request is guarded by: a service, or a pipeline. */
export type GuardedBy = Pick<Service, 'execute'> & {
  /** Learns what the service says is left of its own limit. */
  readonly rateLimiter?: Pick<RateLimiter, 'learnFrom'> | undefined
}

/** A request that is about to be made. */
export interface OutgoingRequest {
  /** In capitals. */
  readonly method: string
  readonly url: string
}

/** What can be said of outgoing requests. */
export interface GuardOptions {
  /**
   * Options of the call that a request is: its priority, its cost, its name, whether it is idempotent. By default it is named
   * for its method, and idempotent if the method is or if it has an `Idempotency-Key`. What this throws the request fails with.
   */
  readonly call?: ((request: OutgoingRequest) => Omit<CallOptions, 'signal'>) | undefined
  /**
   * Whether a POST or PATCH that has no `Idempotency-Key` is given one, the same for all its attempts, and so may be repeated.
   * Only for services that honour it. `true` makes a UUID in quotation marks, as the IETF draft has it; a function makes its
   * own. Default false.
   */
  readonly idempotencyKey?: boolean | (() => string) | undefined
}

const KEY_RULE: Rule = {
  allows: (value) => typeof value === 'boolean' || typeof value === 'function',
  says: 'it must be true, false or a function that makes a key',
}

/** The rules that {@link GuardOptions} are held to. */
export const GUARD_RULES: Rules<GuardOptions> = { call: callback, idempotencyKey: KEY_RULE }

/** @throws InvalidOptionError that names the field */
export function checkGuardOptions(where: string, options: GuardOptions): void {
  checkOptions(where, options, GUARD_RULES)
}
