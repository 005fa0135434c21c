/** The gate: the one queue of a service, where a call waits for a slot and for tokens at once, and holds neither. */
import type { Bulkhead } from '../bulkhead/bulkhead.ts'
import type { Clock, Timer } from '../clock.ts'
import { BulkheadFullError, type ErrorContext, makeRefusal, RateLimitedError, type RefusalError } from '../errors.ts'
import type { Verdict } from '../failures.ts'
import { type Admission, type GuardedCall, type GuardMarks, WAITING } from '../pipeline/guard.ts'
import { type ClientKey, nameOfKey } from '../rate-limiter/key-hash.ts'
import type { RateLimiter } from '../rate-limiter/rate-limiter.ts'

/** A call as the gate sees it. */
export type QueuedCall = Pick<
  GuardedCall,
  | 'service'
  | 'operation'
  | 'attempt'
  | 'client'
  | 'cost'
  | 'deadlineAt'
  | 'slot'
  | 'queue'
  | 'now'
  | 'admitted'
  | 'refused'
> & {
  /** How long it waits at most, in milliseconds, instead of the gate's own limit. */
  readonly maxWaitMs?: number | undefined
}

/** The part of a call that the gate writes on. */
type GateMarks = Pick<GuardMarks, 'slot' | 'client' | 'cost' | 'now'>

/** A call's place in a queue. */
export interface QueuePlace {
  readonly call: QueuedCall
  /** Whose tokens it wants, in a form that can be compared. */
  readonly client: string | number | undefined
  /** When it is refused if it has not been admitted, on the monotonic scale. */
  readonly expiresAt: number
  next: QueuePlace | undefined
  previous: QueuePlace | undefined
}

/** What a call lacks. */
type Lack = 'slot' | 'tokens' | "client's tokens"

/**
 * Admits calls in the order of their arrival as soon as a slot (of the bulkhead) and tokens (of the rate limiter) are
 * there, whichever of the two it has. A call that waits holds nothing; one that could not be admitted in time is refused
 * when it arrives; one that leaves is forgotten at once. A client that has used up its own tokens holds nobody else up.
 */
export class Gate {
  readonly #limiter: RateLimiter | undefined
  readonly #bulkhead: Bulkhead | undefined
  readonly #maxQueue: number
  readonly #maxWaitMs: number
  readonly #clock: Clock
  #first: QueuePlace | undefined
  #last: QueuePlace | undefined
  #length = 0
  /** What the first call lacks that every other would lack too. */
  #blockedBy: 'nothing' | 'slot' | 'tokens' = 'nothing'
  #dispatching = false
  #dispatchAgain = false
  #timer: Timer | undefined
  #timerAt = Number.POSITIVE_INFINITY
  /** How long what was lacking at the last look takes to come, in milliseconds; Infinity when no timer can tell. */
  #lackMs = 0

  constructor(options: {
    readonly limiter?: RateLimiter | undefined
    readonly bulkhead?: Bulkhead | undefined
    readonly maxQueue: number
    readonly maxWaitMs: number
    readonly clock: Clock
  }) {
    this.#limiter = options.limiter
    this.#bulkhead = options.bulkhead
    this.#maxQueue = options.maxQueue
    this.#maxWaitMs = options.maxWaitMs
    this.#clock = options.clock
  }

  /** How many calls wait. */
  get length(): number {
    return this.#length
  }

  enter(call: QueuedCall): Admission {
    if (this.enterAtOnce(call)) return undefined
    if (this.#isFull(call)) return this.#refuseFull(call, 'now')
    const now = this.#clock.now()
    if (this.#length > 0) this.dispatch(now)
    const behind = this.#length > 0 && (this.#blockedBy !== 'nothing' || this.#clientWaits(call.client))
    if (!behind && this.#tryTake(call, now)) return undefined
    const lack = this.#lackOf(call, behind, now)
    const refusal = this.#refusalOnArrival(call, lack, now)
    if (refusal !== undefined) return refusal
    this.#enqueue(call, lack, now)
    return WAITING
  }

  /** Admits a call if it can run now and nobody waits. */
  enterAtOnce(call: GateMarks): boolean {
    return this.#length === 0 && this.#tryTake(call, this.#limiter === undefined ? 0 : call.now())
  }

  exit(call: GateMarks, verdict: Verdict): void {
    const { slot } = call
    call.slot = undefined
    if (verdict === 'not-run') this.#limiter?.giveBack(call.client, call.cost, call.now())
    slot?.release()
  }

  /** A call that is given up leaves the queue. */
  leave(call: QueuedCall): void {
    if (call.queue === undefined) return
    this.#unlink(call.queue)
    // What it waited for may be enough for the next.
    this.dispatch()
  }

  /** How many tokens are wanted by queued calls that a newcomer of this client, one outside the queue, may not overtake. */
  costAhead(client: ClientKey | undefined): number {
    // Who waits for a slot lays no claim to tokens.
    if (this.#blockedBy === 'slot') return 0
    let cost = 0
    const name = nameOfKey(client)
    for (let place = this.#first; place !== undefined; place = place.next) {
      if (this.#blockedBy === 'tokens' || place.client === name) cost += place.call.cost
    }
    return cost
  }

  /** Admits whom it can, refuses whose time is over, and sets the timer for the next occasion. */
  dispatch(now: number = this.#clock.now()): void {
    if (this.#dispatching) {
      this.#dispatchAgain = true
      return
    }
    this.#dispatching = true
    do {
      this.#dispatchAgain = false
      if (this.#length > 0) this.#dispatchOnce(now)
    } while (this.#dispatchAgain)
    this.#dispatching = false
  }

  #dispatchOnce(now: number): void {
    const expired: QueuedCall[] = []
    const admitted: QueuedCall[] = []
    let waitingClients: Set<string | number | undefined> | undefined
    let wakeAt = Number.POSITIVE_INFINITY
    this.#blockedBy = 'nothing'
    for (let place = this.#first; place !== undefined; ) {
      const { call, client, next, expiresAt } = place
      // Who can be admitted is, even at the last moment: on arrival it was told that it would be in time.
      if (this.#blockedBy === 'nothing' && !waitingClients?.has(client)) {
        if (this.#tryTake(call, now)) {
          this.#unlink(place)
          admitted.push(call)
        } else if (now < expiresAt) {
          const lack = this.#lackOf(call, false, now)
          wakeAt = Math.min(wakeAt, now + this.#lackMs)
          if (lack === "client's tokens") waitingClients = (waitingClients ?? new Set()).add(client)
          else this.#blockedBy = lack
        }
      }
      if (call.queue === place) {
        if (now >= expiresAt) {
          this.#unlink(place)
          expired.push(call)
        } else {
          wakeAt = Math.min(wakeAt, expiresAt)
        }
      }
      place = next
    }
    this.#setTimer(wakeAt, now)
    // Only now that everything is consistent: what is called here may come back to this gate.
    for (const call of expired) call.refused(this.#refusal(call, 'in time', this.#tokenWaitMs(call, now)), now)
    for (const call of admitted) call.admitted(now)
  }

  /** Takes what the call needs, all or nothing. The time matters to a limiter only. */
  #tryTake(call: GateMarks, now: number): boolean {
    const bulkhead = this.#bulkhead
    const limiter = this.#limiter
    if (bulkhead !== undefined && !bulkhead.hasFreeSlot) return false
    if (limiter !== undefined && !limiter.tryTake(call.client, call.cost, now)) return false
    if (bulkhead !== undefined) {
      bulkhead.take()
      call.slot = bulkhead
    }
    return true
  }

  /** What a call lacks that cannot be admitted, and how long that takes to come. */
  #lackOf(call: QueuedCall, behind: boolean, now: number): Lack {
    this.#lackMs = Number.POSITIVE_INFINITY
    if (this.#bulkhead !== undefined && !this.#bulkhead.hasFreeSlot) return 'slot'
    if (this.#limiter === undefined) return 'slot'
    const forAll = this.#limiter.globalWaitMs(call.cost, now)
    // Who may not overtake is told by the queue's own timer when that changes.
    if (!behind) this.#lackMs = forAll > 0 ? forAll : this.#limiter.clientWaitMs(call.client, call.cost, now)
    return forAll > 0 ? 'tokens' : "client's tokens"
  }

  #refusalOnArrival(call: QueuedCall, lack: Lack, now: number): RefusalError | undefined {
    const maxWaitMs = call.maxWaitMs ?? this.#maxWaitMs
    const longest = Math.min(maxWaitMs, call.deadlineAt - now, this.#limiter?.maxWaitMs ?? maxWaitMs)
    const waitMs = lack === 'slot' ? 0 : this.#tokenWaitMs(call, now)
    if (waitMs > longest) return this.#refusal(call, 'in time', waitMs)
    return this.#length >= this.#maxQueue || maxWaitMs === 0 ? this.#refusal(call, 'now', waitMs) : undefined
  }

  #enqueue(call: QueuedCall, lack: Lack, now: number): void {
    const expiresAt = now + (call.maxWaitMs ?? this.#maxWaitMs)
    const client = nameOfKey(call.client)
    const place: QueuePlace = { call, client, expiresAt, next: undefined, previous: this.#last }
    call.queue = place
    if (this.#last === undefined) this.#first = place
    else this.#last.next = place
    this.#last = place
    this.#length++
    if (this.#length === 1) {
      this.#limiter?.addQueue(this)
      this.#bulkhead?.addQueue(this)
    }
    if (lack === 'slot' || lack === 'tokens') this.#blockedBy = lack
    this.#setTimer(Math.min(this.#timerAt, now + this.#lackMs, expiresAt), now)
  }

  #unlink(place: QueuePlace): void {
    const { call, previous, next } = place
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    call.queue = undefined
    this.#length--
    if (this.#length > 0) return
    this.#blockedBy = 'nothing'
    this.#setTimer(Number.POSITIVE_INFINITY, 0)
    this.#limiter?.removeQueue(this)
    this.#bulkhead?.removeQueue(this)
  }

  #setTimer(at: number, now: number): void {
    if (at === this.#timerAt) return
    this.#timer?.cancel()
    this.#timer = undefined
    this.#timerAt = at
    if (at === Number.POSITIVE_INFINITY) return
    this.#timer = this.#clock.setTimer(
      () => {
        this.#timerAt = Number.POSITIVE_INFINITY
        this.dispatch()
      },
      Math.max(0, at - now),
    )
  }

  #clientWaits(client: ClientKey | undefined): boolean {
    const name = nameOfKey(client)
    for (let place = this.#first; place !== undefined; place = place.next) {
      if (place.client === name) return true
    }
    return false
  }

  /** About how long until the tokens are there for a call that goes to the end of the queue. */
  #tokenWaitMs(call: QueuedCall, now: number): number {
    if (this.#limiter === undefined) return 0
    let all = 0
    let own = 0
    const name = nameOfKey(call.client)
    for (let ahead = this.#first; ahead !== undefined; ahead = ahead.next) {
      all += ahead.call.cost
      if (ahead.client === name) own += ahead.call.cost
    }
    return this.#limiter.estimateMs(call.client, call.cost, { all, client: own }, now)
  }

  /** Whether there is neither a slot for it nor a place to wait for one. */
  #isFull({ maxWaitMs = this.#maxWaitMs }: QueuedCall): boolean {
    if (this.#bulkhead === undefined || this.#bulkhead.hasFreeSlot) return false
    return this.#length >= this.#maxQueue || maxWaitMs === 0
  }

  /** @param waitMs about how long its tokens take to come */
  #refusal(call: QueuedCall, when: 'now' | 'in time', waitMs: number): RefusalError {
    const limiter = this.#limiter
    const isFull = this.#bulkhead !== undefined && !this.#bulkhead.hasFreeSlot
    if (limiter === undefined || isFull) return this.#refuseFull(call, when)
    limiter.countRefusal()
    const waiting = this.#length
    const retryAfterMs = Math.max(1, Math.ceil(waitMs))
    const message = (): string => `no token ${when} (${waiting} calls wait); come back in ${retryAfterMs} ms`
    return makeRefusal(() => new RateLimitedError(message, contextOf(call), retryAfterMs))
  }

  #refuseFull(call: QueuedCall, when: 'now' | 'in time'): RefusalError {
    this.#bulkhead?.countRefusal()
    const retryAfterMs = Math.max(1, this.#maxWaitMs)
    const waiting = this.#length
    const slots = this.#bulkhead?.maxConcurrent ?? 0
    const message = (): string =>
      `no slot ${when}: all ${slots} are taken and ${waiting} calls wait; come back in ${retryAfterMs} ms or raise maxConcurrent`
    return makeRefusal(() => new BulkheadFullError(message, contextOf(call), retryAfterMs))
  }
}

function contextOf({ service, operation, attempt }: QueuedCall): ErrorContext {
  return { service, operation, attempt }
}
