/** What the executor asks of a guard: a pattern that admits or refuses a call and learns from its outcome. */

import type { Parking } from '../circuit-breaker/parking.ts'
import type { ShardCall } from '../circuit-breaker/shards.ts'
import type { RefusalError } from '../errors.ts'
import type { Verdict } from '../failures.ts'
import type { Priority } from '../gate/priority.ts'
import type { QueuePlace } from '../gate/queue-place.ts'
import type { ClientKey } from '../rate-limiter/key-hash.ts'

/** The guard has put the call into its queue and will call `admitted` or `refused`. */
export const WAITING: unique symbol = Symbol('waiting')

/** A guard's answer: admitted (undefined), refused (the error), or {@link WAITING}. */
export type Admission = undefined | RefusalError | typeof WAITING

/** A place among those that may run at once, held until it is released. */
export interface Slot {
  /** Gives it back. */
  release(): void
  /** Gives it back for a call that then did not run, and counts as if it had never been taken. */
  giveBack(): void
  /** The call was given up, but its function still runs and the slot stays taken. */
  abandon(): void
  /** The function of an abandoned call has ended, or has had its time. */
  releaseAbandoned(): void
}

/** What the guards need of a call that they admit at once. The fields are theirs: what each gave the call stands here. */
export interface GuardMarks {
  readonly operation: string | undefined
  /** Whose tokens it takes. */
  readonly client: ClientKey | undefined
  /** How many. */
  readonly cost: number
  /** Which part of the service it is about: a symbol, an account, a host. */
  readonly key: string | undefined
  readonly priority: Priority
  /** The circuit breaker's: generation of the state that admitted the call. */
  circuitGeneration: number
  /** The circuit breaker's: number of the probe's lease, −1 for a call that is no probe. */
  circuitProbe: number
  /** The circuit breaker's: the call as its shard's own circuit sees it, if the shard has one. */
  circuitShard: ShardCall | undefined
  /** The circuit breaker's: how many changes the shards had seen when the call was admitted. */
  shardGeneration: number
  /** The gate's: when it was admitted, −1 for a call without a deadline. */
  admittedAt: number
  /** The gate's: the slot that it holds. */
  slot: Slot | undefined
  /** What time it is, on the clock's monotonic scale: read once for all guards, and only when one of them asks. */
  now(): number
  /** How long the attempt has run, in milliseconds. Asked only where the guard has said that it is timed. */
  durationMs(): number
}

/** A call as the guards see it. */
export interface GuardedCall extends GuardMarks {
  readonly service: string | undefined
  readonly attempt: number
  /** When the whole call must be done, on the clock's monotonic scale; Infinity without a limit. */
  readonly deadlineAt: number
  /** Whether a circuit can let it wait. */
  readonly mayPark: boolean
  /** The circuit breaker's: where it waits for a probe. */
  parking: Parking | undefined
  /** The gate's: its place in the queue, once it has had one. */
  queue: QueuePlace | undefined
  /** The gate's: goes on with a call that had to wait. */
  admitted(now: number): void
  /** The gate's: has a call that waits ask the circuit whether it would still admit it. */
  askAgain(now: number): void
  /** The gate's: ends the wait of a call that cannot be admitted. */
  refused(refusal: RefusalError, now: number): void
  /** A guard's: a call that it let wait asks all guards once more. */
  reenter(now: number): void
}

/** A call that a guard may refuse, or let wait. */
export type NamedCall = GuardMarks & CircuitCall

/** The part of a call that a circuit breaker looks at. */
export type CircuitCall = CircuitMarks &
  Pick<GuardedCall, 'service' | 'operation' | 'attempt' | 'priority' | 'mayPark' | 'parking' | 'reenter'>

/** The part of a call that a circuit breaker writes on. */
export type CircuitMarks = Pick<
  GuardMarks,
  'key' | 'circuitGeneration' | 'circuitProbe' | 'circuitShard' | 'shardGeneration' | 'now' | 'durationMs'
>

/** A pattern that admits or refuses. */
export interface Guard {
  /** Whether it must know how long calls take. */
  readonly isTimed: boolean
  /** Generation of the calls that need not ask, because they have no key and the circuit is closed; −1 when all must. */
  readonly closedGeneration: number
  /** Asks for admission. A guard that admits a call is told how that ended by {@link Guard.exit}, exactly once. */
  enter(call: NamedCall): Admission
  /** The end of an attempt that was admitted; `not-run` when a later guard refused it: give back what it took. */
  exit(call: CircuitMarks, verdict: Verdict, error?: unknown): void
  /** A call that it let wait is given up. */
  leave(call: GuardedCall): void
}
