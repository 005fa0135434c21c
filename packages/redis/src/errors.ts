/** What can be wrong with a fleet. None of it reaches a call: a call is admitted or refused. */

/** Codes of the fleet's errors. */
export type FleetErrorCode =
  | 'HOLDFAST_FLEET_UNAVAILABLE'
  | 'HOLDFAST_FLEET_LIMIT_MISMATCH'
  | 'HOLDFAST_FLEET_UNSAFE_REDIS'
  | 'HOLDFAST_FLEET_SLOT_LOST'

/** What the fleet's errors have in common. */
export abstract class FleetError extends Error {
  abstract readonly code: FleetErrorCode
}

/** Redis did not do what it was asked: no connection, no answer in time, or an answer that says no. */
export class FleetUnavailableError extends FleetError {
  override readonly name = 'FleetUnavailableError'
  readonly code = 'HOLDFAST_FLEET_UNAVAILABLE'
}

/** Two users of one Redis have different limits under one name. */
export class FleetLimitMismatchError extends FleetError {
  override readonly name = 'FleetLimitMismatchError'
  readonly code = 'HOLDFAST_FLEET_LIMIT_MISMATCH'
  /** Name of the limit. */
  readonly limit: string
  /** What this process was configured with. */
  readonly own: FleetLimit
  /** What those use who came first. */
  readonly other: FleetLimit

  constructor(limit: string, own: FleetLimit, other: FleetLimit) {
    const advice =
      'give both the same limit, or one of them another name or keyPrefix; until then its calls are refused'
    const tells = own.isShared !== other.isShared
    super(`limit ${limit} is ${show(own, tells)} here and ${show(other, tells)} with others on this Redis; ${advice}`)
    this.limit = limit
    this.own = own
    this.other = other
  }
}

/** A limit in figures. */
export interface FleetLimit {
  readonly tokensPerSecond: number
  readonly burstSize: number
  /** Whether it is shared out among the processes while Redis is away: `whenUnavailable: 'local-share'`. */
  readonly isShared: boolean
}

/** Redis may throw buckets away while they are in use, so that no limit could be kept. */
export class FleetUnsafeRedisError extends FleetError {
  override readonly name = 'FleetUnsafeRedisError'
  readonly code = 'HOLDFAST_FLEET_UNSAFE_REDIS'
}

/** The slot of a semaphore lapsed before it was given back: Redis was away, or this process stood still, for too long. */
export class FleetSlotLostError extends FleetError {
  override readonly name = 'FleetSlotLostError'
  readonly code = 'HOLDFAST_FLEET_SLOT_LOST'
}

function show({ tokensPerSecond, burstSize, isShared }: FleetLimit, tellsWhetherShared: boolean): string {
  const shared = isShared ? ', shared out without Redis' : ', not shared out without Redis'
  return `${tokensPerSecond} tokens a second with a burst of ${burstSize}${tellsWhetherShared ? shared : ''}`
}
