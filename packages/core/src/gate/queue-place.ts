import { Deadline, type DeadlineOwner } from '../pipeline/deadline.ts'
import type { GuardedCall } from '../pipeline/guard.ts'
import type { Gate } from './gate.ts'

/** A call as the gate sees it. */
export type QueuedCall = Pick<
  GuardedCall,
  | 'service'
  | 'operation'
  | 'attempt'
  | 'client'
  | 'cost'
  | 'key'
  | 'priority'
  | 'deadlineAt'
  | 'admittedAt'
  | 'slot'
  | 'queue'
  | 'now'
  | 'admitted'
  | 'askAgain'
  | 'refused'
> & {
  /** How long it waits at most, in milliseconds, instead of the gate's own limit. */
  readonly maxWaitMs?: number | undefined
}

/** A call's place in a queue. It is made when a call first waits, and used again when the same record waits again. */
export class QueuePlace implements DeadlineOwner {
  readonly call: QueuedCall
  /** When it is refused if it has not been admitted. */
  readonly deadline: Deadline
  /** Whose tokens it wants, in a form that can be compared. */
  client: string | number | undefined = undefined
  /** Where it waits; undefined while it does not. */
  gate: Gate | undefined = undefined
  lane = 0
  /** How long it will run, when that is why it has to leave early, in milliseconds; else 0. */
  runMs = 0
  next: QueuePlace | undefined = undefined
  previous: QueuePlace | undefined = undefined

  constructor(call: QueuedCall) {
    this.call = call
    this.deadline = new Deadline(this)
  }

  due(_deadline: Deadline, now: number): void {
    this.gate?.expire(this, now)
  }
}
