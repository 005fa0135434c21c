/** The record of one call: what it is, what the guards have given it, how far it has come. */
import type { Parking } from '../circuit-breaker/parking.ts'
import type { ShardCall } from '../circuit-breaker/shards.ts'
import type { AttemptRecord } from '../errors.ts'
import type { Priority } from '../gate/priority.ts'
import type { QueuePlace } from '../gate/queue-place.ts'
import type { ClientKey } from '../rate-limiter/key-hash.ts'
import { Answer } from './answer.ts'
import type { CallOptions, Guarded } from './call.ts'
import type { GuardMarks, Slot } from './guard.ts'
import type { Plan } from './plan.ts'

/** The clock has not been read in this phase. */
export const UNREAD: number = Number.NEGATIVE_INFINITY

/** It is what the guards write their marks on. It is used for one call after the other. */
export abstract class CallRecord implements GuardMarks {
  attempt = 1
  deadlineAt: number = Number.POSITIVE_INFINITY
  circuitGeneration = 0
  circuitProbe = -1
  circuitShard: ShardCall | undefined = undefined
  shardGeneration = 0
  parking: Parking | undefined = undefined
  readonly mayPark = true
  admittedAt = -1
  slot: Slot | undefined = undefined
  queue: QueuePlace | undefined = undefined

  protected plan: Plan<unknown>
  protected fn: Guarded<unknown> | undefined = undefined
  protected options: CallOptions | undefined = undefined
  /** Where a call is that has a promise of its own; one that has none cannot be ended from outside. */
  protected phase: 'entering' | 'parked' | 'waiting' | 'running' | 'settling' | 'backing-off' | 'ended' = 'entering'
  protected answer: Answer | undefined = undefined
  /** Whether there is anything that may end it from outside, or anybody who wants to know its times. */
  protected isWatched = false
  protected time: number = UNREAD
  protected startedAt: number = UNREAD
  protected attemptStartedAt: number = UNREAD
  /** How long our own event loop had stood still when the attempt began. */
  protected stalledBeforeMs = 0
  protected hasRun = false
  protected attempts: AttemptRecord[] | undefined = undefined

  constructor(plan: Plan<unknown>) {
    this.plan = plan
  }

  get service(): string | undefined {
    return this.plan.service
  }

  get operation(): string | undefined {
    return this.options?.operation
  }

  get client(): ClientKey | undefined {
    return this.options?.client
  }

  get cost(): number {
    return this.options?.cost ?? 1
  }

  get key(): string | undefined {
    return this.options?.key
  }

  get priority(): Priority {
    return this.options?.priority ?? 'normal'
  }

  protected get hasEnded(): boolean {
    return this.phase === 'ended'
  }

  remainingMs(): number {
    return Math.max(0, this.deadlineAt - this.plan.clock.now())
  }

  /** The clock is read once in a phase, and only when somebody needs it. */
  now(): number {
    if (this.time === UNREAD) this.time = this.plan.reading.now()
    return this.time
  }

  durationMs(): number {
    return this.now() - this.attemptStartedAt
  }

  /** Gives the call a promise of its own. */
  protected ownAnswer(): Answer {
    if (this.answer === undefined) this.answer = new Answer()
    return this.answer
  }

  /** Notes an attempt that has failed. */
  protected record(error: unknown, delayMs: number): AttemptRecord[] {
    const durationMs = this.attemptStartedAt === UNREAD ? undefined : this.now() - this.attemptStartedAt
    this.attempts ??= []
    this.attempts.push({ attempt: this.attempt, error, durationMs, delayMs })
    return this.attempts
  }

  /** Makes it ready for another call. */
  protected clear(): void {
    this.fn = undefined
    this.time = UNREAD
    if (!this.isWatched && this.answer === undefined) return
    this.answer = undefined
    this.options = undefined
    this.isWatched = false
    this.phase = 'entering'
    this.attempt = 1
    this.hasRun = false
    this.attempts = undefined
    this.attemptStartedAt = UNREAD
    this.deadlineAt = Number.POSITIVE_INFINITY
  }
}
