/** The gate: the one queue of a service, where a call waits for a slot and for tokens at once, and holds neither. */
import type { Bulkhead } from '../bulkhead/bulkhead.ts'
import type { Clock, Timer } from '../clock.ts'
import type { RefusalError } from '../errors.ts'
import type { Verdict } from '../failures.ts'
import type { DeadlineQueue } from '../pipeline/deadline.ts'
import { type Deadlines, deadlinesOf } from '../pipeline/deadlines.ts'
import { type Admission, type GuardMarks, type Slot, WAITING } from '../pipeline/guard.ts'
import { type ClientKey, nameOfKey } from '../rate-limiter/key-hash.ts'
import type { RateLimiter } from '../rate-limiter/rate-limiter.ts'
import { type NotBy, refuseForDeadline, refuseForSlots, refuseForStuckSlots, refuseForTokens } from './gate-refusals.ts'
import { Latencies } from './latencies.ts'
import { laneOf, PRIORITIES } from './priority.ts'
import { type QueuedCall, QueuePlace } from './queue-place.ts'
import { standsStill } from './standstill.ts'
import { WaitQueue } from './wait-queue.ts'

/** What a call lacks, `turn` when others wait before it. */
export type Lack = 'nothing' | 'turn' | 'slot' | 'tokens' | "client's tokens" | "key's slot"

/** The part of a call that is admitted at once. */
type GateMarks = Pick<GuardMarks, 'operation' | 'client' | 'cost' | 'key' | 'priority' | 'admittedAt' | 'slot' | 'now'>

/** What a call wants, and the slot that it is given. */
type Wants = Pick<GuardMarks, 'client' | 'cost' | 'key' | 'priority' | 'slot'>

/** The part of a call that a refusal looks at. */
type RefusedCall = Pick<QueuedCall, 'service' | 'operation' | 'attempt' | 'client' | 'cost' | 'key' | 'priority'>

/** Nobody lacks what all need. */
const NO_LANE = PRIORITIES.length

/** A call without a deadline is not timed. */
const UNTIMED = -1

/**
 * Whose tokens come so much later than it waits, in milliseconds, is refused without another look at the clock, though the
 * last may be some time ago: a look is an eighth of what a refusal costs (bench: `rate-limited`).
 */
const SURELY_LATE_MS = 100

/** Of the calls that succeed, one in so many is timed: reading the clock costs as much as all else here. A power of two. */
const TIMED_EVERY = 4

/**
 * Admits calls by priority, and in the order of their arrival, as soon as a slot (of the bulkhead) and tokens (of the rate
 * limiter) are there, whichever of the two it has. A call that waits holds nothing; one that could not be admitted and
 * answered in time is refused when it arrives; one that leaves is forgotten at once. A client that has used up its own
 * tokens holds nobody else up.
 */
export class Gate {
  readonly #limiter: RateLimiter | undefined
  readonly #bulkhead: Bulkhead | undefined
  /** Whether it wants to know how long each call takes. */
  readonly isAdaptive: boolean
  readonly #maxQueue: number = 0
  readonly #maxWaitMs: number = 0
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #reading: Pick<Clock, 'now'>
  readonly #patience: DeadlineQueue
  readonly #queue = new WaitQueue()
  readonly #latencies = new Latencies()
  /** What the first call lacks that all after it lack too, and in which lane that is. */
  #blockedBy: 'nothing' | 'slot' | 'tokens' = 'nothing'
  #blockedLane = NO_LANE
  #dispatching = false
  #dispatchAgain = false
  #timer: Timer | undefined
  #timerAt = Number.POSITIVE_INFINITY
  /** How long what was lacking at the last look takes to come, in milliseconds; Infinity when no timer can tell. */
  #lackMs = 0
  /** When the tokens were looked for that were not there. */
  #lookedAt = Number.NEGATIVE_INFINITY
  /** When a slot last came free by a success, or tokens did, or the queue began. */
  #movedAt = 0
  #successes = 0

  constructor(options: {
    readonly limiter?: RateLimiter | undefined
    readonly bulkhead?: Bulkhead | undefined
    readonly maxQueue: number
    readonly maxWaitMs: number
    readonly clock: Clock
  }) {
    this.#limiter = options.limiter
    this.#bulkhead = options.bulkhead
    this.isAdaptive = options.bulkhead?.isAdaptive === true
    this.#maxQueue = options.maxQueue
    this.#maxWaitMs = options.maxWaitMs
    this.#clock = options.clock
    this.#deadlines = deadlinesOf(options.clock)
    this.#reading = this.#deadlines.reading
    this.#patience = this.#deadlines.queueFor(options.maxWaitMs)
  }

  /** How many calls wait. */
  get length(): number {
    return this.#queue.length
  }

  enter(call: QueuedCall): Admission {
    const { deadlineAt } = call
    if (deadlineAt !== Number.POSITIVE_INFINITY) {
      const now = call.now()
      const typicalMs = this.#latencies.of(call.operation).typicalMs(now)
      if (typicalMs > deadlineAt - now) return refuseForDeadline(call, 0, typicalMs, deadlineAt - now)
      call.admittedAt = now
    } else {
      call.admittedAt = this.isAdaptive ? call.now() : UNTIMED
    }
    const lack = this.#tryAtOnce(call)
    return lack === 'nothing' ? undefined : this.enterLater(call, lack)
  }

  /** Admits a call that is not timed, if it can run now and nobody waits. */
  enterAtOnce(call: GateMarks): boolean {
    if (this.isAdaptive) call.admittedAt = call.now()
    return this.#tryAtOnce(call) === 'nothing'
  }

  /**
   * Admits a call that says nothing of itself, if it can run now and nobody waits: {@link #take} without what such a call
   * cannot want. Its slot is the {@link plainSlot}. @returns what it lacks otherwise
   */
  enterPlain(): Lack {
    if (this.#queue.length > 0) return 'turn'
    const bulkhead = this.#bulkhead
    if (bulkhead !== undefined && !bulkhead.hasFreeSlot(false)) {
      this.#lackMs = Number.POSITIVE_INFINITY
      return 'slot'
    }
    const limiter = this.#limiter
    if (limiter !== undefined) {
      // Read here and not by who calls: a number that is handed over is boxed (bench: `rate-limiter`).
      const now = this.#reading.now()
      const wait = limiter.tryTake(undefined, 1, false, now)
      if (wait !== 0) return this.#lacksTokens(wait, now)
    }
    if (bulkhead !== undefined) bulkhead.take()
    return 'nothing'
  }

  #tryAtOnce(call: GateMarks): Lack {
    if (this.#queue.length > 0) return 'turn'
    return this.#take(call, this.#limiter === undefined ? 0 : call.now())
  }

  /** Lets a call wait that could not be admitted at once for that reason, or refuses it. */
  enterLater(call: QueuedCall, lacks: Lack): Admission {
    if (this.#isFull(call)) return this.#refuseFull(call, 'now')
    const lacksTokens = lacks === 'tokens' || lacks === "client's tokens"
    if (lacksTokens && this.#lackMs - SURELY_LATE_MS > this.#longestWaitMs(call, this.#lookedAt)) {
      return this.#refusal(call, 'in time', this.#lackMs)
    }
    const now = this.#clock.now()
    if (lacksTokens) {
      // The clock that it was judged by may be a little late.
      const tokensMs = this.#lackMs - (now - this.#lookedAt)
      if (tokensMs > this.#longestWaitMs(call, now)) return this.#refusal(call, 'in time', tokensMs)
    }
    if (this.#queue.length > 0) this.dispatch(now)
    const lack = this.#queue.length > 0 && this.#comesAfter(call) ? this.#lackBehind(call, now) : this.#take(call, now)
    return lack === 'nothing' ? undefined : this.#wait(call, lack, now)
  }

  /** The refusal of a call that was not admitted at once, and does not wait. */
  refuseNow(call: RefusedCall): RefusalError {
    return this.#refusal(call, 'now', this.#tokenWaitMs(call, this.#clock.now()))
  }

  exit(call: GateMarks, verdict: Verdict): void {
    const { slot } = call
    call.slot = undefined
    if (verdict === 'not-run') {
      // As if it had never been here: nothing of it stays in any count.
      this.#limiter?.giveBack(call.client, call.cost, call.now())
      slot?.giveBack()
      return
    }
    if (call.admittedAt !== UNTIMED && verdict !== 'neutral') this.#learn(call, verdict)
    if (verdict === 'success') this.#bulkhead?.succeeded()
    const movedAt = this.#movedAt
    slot?.release()
    // That a call has been given up does not show that others come to an end.
    if (verdict !== 'success') this.#movedAt = movedAt
  }

  /** A call without a key that was not timed has succeeded. */
  exitPlain(): void {
    const bulkhead = this.#bulkhead
    if (bulkhead === undefined) return
    bulkhead.succeeded()
    bulkhead.release()
  }

  /** The slot that calls without a key hold. */
  get plainSlot(): Slot | undefined {
    return this.#bulkhead
  }

  /** How long a call is expected to run, in milliseconds; 0 when nobody knows. */
  expectedMs(operation: string | undefined, now: number): number {
    return this.#latencies.of(operation).typicalMs(now)
  }

  /** A call that is given up leaves the queue. */
  leave(call: QueuedCall): void {
    const place = call.queue
    if (place?.gate !== this) return
    this.#remove(place)
    // What it waited for may be enough for the next.
    this.dispatch()
  }

  /** Has all those who wait ask the guards before this one again: a circuit may have opened. */
  recheck(now: number = this.#clock.now()): void {
    for (const place of this.#queue.all()) if (place.gate === this) place.call.askAgain(now)
  }

  /** How many tokens are wanted by queued calls that a newcomer of this client, one outside the queue, may not overtake. */
  costAhead(client: ClientKey | undefined, lane: number): number {
    // Who waits for a slot lays no claim to tokens.
    if (this.#blockedBy === 'slot') return 0
    return this.#blockedLane <= lane ? this.#queue.costUpTo(lane) : this.#costOfClient(client, lane)
  }

  /** Admits whom it can, and sets the timer for the next occasion. */
  dispatch(now: number = this.#clock.now()): void {
    if (this.#dispatching) {
      this.#dispatchAgain = true
      return
    }
    this.#dispatching = true
    do {
      this.#dispatchAgain = false
      if (this.#queue.length > 0) this.#dispatchOnce(now)
    } while (this.#dispatchAgain)
    this.#dispatching = false
  }

  /** The time of somebody who waits is over. Who can be admitted is, even at the last moment. */
  expire(place: QueuePlace, now: number): void {
    this.dispatch(now)
    if (place.gate !== this) return
    const { call, runMs } = place
    this.#remove(place)
    const refusal =
      runMs === 0
        ? this.#refusal(call, 'in time', this.#tokenWaitMs(call, now))
        : refuseForDeadline(call, 0, runMs, call.deadlineAt - now)
    call.refused(refusal, now)
    // What it waited for may be enough for the next.
    this.dispatch(now)
  }

  #dispatchOnce(now: number): void {
    const admitted: QueuedCall[] = []
    const wakeInMs = this.#admitInto(admitted, now)
    this.#setTimer(now + wakeInMs, now)
    // Only now that everything is consistent: what is called here may come back to this gate.
    for (const call of admitted) call.admitted(now)
  }

  /** @returns how long until somebody else can be admitted, as far as a timer can tell */
  #admitInto(admitted: QueuedCall[], now: number): number {
    let waitingClients: Set<string | number | undefined> | undefined
    let wakeInMs = Number.POSITIVE_INFINITY
    this.#blockedBy = 'nothing'
    this.#blockedLane = NO_LANE
    for (let lane = 0; lane < PRIORITIES.length; lane++) {
      for (let place = this.#queue.firstOf(lane); place !== undefined; ) {
        const { call, client, next } = place
        const lack = waitingClients?.has(client) ? "client's tokens" : this.#take(call, now)
        if (lack === 'nothing') {
          this.#remove(place)
          const isTimed = call.deadlineAt !== Number.POSITIVE_INFINITY || this.isAdaptive
          call.admittedAt = isTimed ? now : UNTIMED
          this.#movedAt = now
          admitted.push(call)
        } else if (lack === "key's slot") {
          // Comes with the end of another call of the key; the others need not wait for that.
        } else if (lack === "client's tokens") {
          if (!waitingClients?.has(client)) wakeInMs = Math.min(wakeInMs, this.#lackMs)
          waitingClients = (waitingClients ?? new Set()).add(client)
        } else {
          this.#blockedBy = lack
          this.#blockedLane = lane
          return Math.min(wakeInMs, this.#lackMs)
        }
        place = next
      }
    }
    return wakeInMs
  }

  /** Takes what the call needs, all or nothing. */
  #take(call: Wants, now: number): Exclude<Lack, 'turn'> {
    const limiter = this.#limiter
    const bulkhead = this.#bulkhead
    const critical = call.priority === 'critical'
    if (bulkhead !== undefined && !bulkhead.hasFreeSlot(critical)) {
      this.#lackMs = Number.POSITIVE_INFINITY
      return 'slot'
    }
    if (bulkhead !== undefined && !bulkhead.hasFreeSlotFor(call.key)) {
      this.#lackMs = Number.POSITIVE_INFINITY
      return "key's slot"
    }
    if (limiter !== undefined) {
      const wait = limiter.tryTake(call.client, call.cost, critical, now)
      if (wait !== 0) return this.#lacksTokens(wait, now)
    }
    if (bulkhead !== undefined) {
      call.slot = bulkhead.take(call.key)
    }
    return 'nothing'
  }

  /** @param wait what {@link Levels.tryTake} has said at that time */
  #lacksTokens(wait: number, now: number): 'tokens' | "client's tokens" {
    this.#lackMs = Math.abs(wait)
    this.#lookedAt = now
    return wait > 0 ? 'tokens' : "client's tokens"
  }

  /** Whether somebody waits whom the call may not overtake. */
  #comesAfter({ client, priority }: QueuedCall): boolean {
    const lane = laneOf(priority)
    return this.#blockedLane <= lane || this.#costOfClient(client, lane) > 0
  }

  /** What a call lacks that may not overtake; the queue's own timer tells when that changes. */
  #lackBehind(call: QueuedCall, now: number): Lack {
    this.#lackMs = Number.POSITIVE_INFINITY
    const critical = call.priority === 'critical'
    if (this.#bulkhead !== undefined && !this.#bulkhead.hasFreeSlot(critical)) return 'slot'
    const forAll = this.#limiter?.levels.globalWaitMs(call.cost, critical, now) ?? 0
    return forAll > 0 ? 'tokens' : "client's tokens"
  }

  /** Puts a call into the queue, if it makes sense to wait. */
  #wait(call: QueuedCall, lack: Lack, now: number): Admission {
    const lane = laneOf(call.priority)
    const maxWaitMs = call.maxWaitMs ?? this.#maxWaitMs
    const leftMs = call.deadlineAt - now
    const tokensMs = this.#tokenWaitMs(call, now)
    const lacksSlot = lack === 'slot' || lack === "key's slot"
    if (!lacksSlot && tokensMs > this.#longestWaitMs(call, now)) return this.#refusal(call, 'in time', tokensMs)
    if (this.#queue.length === 0) this.#movedAt = now
    else if (lack === 'slot' && call.priority !== 'critical' && this.#isStuck(now)) return this.#refuseStuck(call, now)
    const runMs = leftMs === Number.POSITIVE_INFINITY ? 0 : this.#latencies.of(call.operation).cautiousMs(now)
    const waitMs = lack === 'slot' ? Math.max(tokensMs, this.#slotWaitMs(lane, now)) : tokensMs
    if (waitMs > leftMs - runMs) return refuseForDeadline(call, waitMs, runMs, leftMs)
    if (maxWaitMs === 0 || !this.#makeRoom(lane, now)) return this.#refusal(call, 'now', tokensMs)
    if ((lack === 'slot' || lack === 'tokens') && lane < this.#blockedLane) {
      this.#blockedBy = lack
      this.#blockedLane = lane
    }
    this.#enqueue(call, lane, maxWaitMs, runMs, now)
    this.#setTimer(Math.min(this.#timerAt, now + this.#lackMs), now)
    return WAITING
  }

  /** How long a call waits for tokens at most. */
  #longestWaitMs({ maxWaitMs = this.#maxWaitMs, deadlineAt }: QueuedCall, now: number): number {
    return Math.min(maxWaitMs, this.#limiter?.maxWaitMs ?? maxWaitMs, deadlineAt - now)
  }

  /** Whether there is room in the queue; of those who are less urgent one may have to go. */
  #makeRoom(lane: number, now: number): boolean {
    while (this.#queue.length >= this.#maxQueue) {
      const last = this.#queue.lastBehind(lane)
      if (last === undefined) return false
      this.#remove(last)
      last.call.refused(this.#refusal(last.call, 'now', this.#tokenWaitMs(last.call, now)), now)
    }
    return true
  }

  #enqueue(call: QueuedCall, lane: number, maxWaitMs: number, runMs: number, now: number): void {
    const place = call.queue ?? new QueuePlace(call)
    // As long as nobody knows how long it will run, the deadline is left to the limit of the whole call.
    const untilTooLateMs = runMs === 0 ? Number.POSITIVE_INFINITY : call.deadlineAt - now - runMs
    const patienceMs = Math.min(maxWaitMs, untilTooLateMs)
    call.queue = place
    place.gate = this
    place.client = nameOfKey(call.client)
    place.runMs = untilTooLateMs < maxWaitMs ? runMs : 0
    this.#queue.add(place, lane)
    const queue = patienceMs === this.#maxWaitMs ? this.#patience : this.#deadlines.queueFor(patienceMs)
    queue.add(place.deadline, now)
    if (this.#queue.length > 1) return
    this.#limiter?.addQueue(this)
    this.#bulkhead?.addQueue(this)
  }

  #remove(place: QueuePlace): void {
    this.#queue.remove(place)
    place.gate = undefined
    place.deadline.cancel()
    if (this.#queue.length > 0) return
    this.#blockedBy = 'nothing'
    this.#blockedLane = NO_LANE
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

  #costOfClient(client: ClientKey | undefined, lane: number): number {
    return this.#limiter?.levels.isPerClient ? this.#queue.costOfClient(nameOfKey(client), lane) : 0
  }

  /** About how long until the tokens are there for a call that goes to the end of its lane. */
  #tokenWaitMs(call: RefusedCall, now: number): number {
    if (this.#limiter === undefined) return 0
    const { client, cost, priority } = call
    const lane = laneOf(priority)
    const ahead = { all: this.#queue.costUpTo(lane), client: this.#costOfClient(client, lane) }
    return this.#limiter.levels.estimateMs(client, cost, priority === 'critical', ahead, now)
  }

  /** About how long until a slot comes free for it: those before take theirs for as long as a call takes on average. */
  #slotWaitMs(lane: number, now: number): number {
    const slots = this.#bulkhead?.maxConcurrent ?? 1
    return (this.#latencies.overall.meanMs(now) * (this.#queue.lengthUpTo(lane) + 1)) / slots
  }

  #isStuck(now: number): boolean {
    const active = this.#bulkhead?.active ?? 0
    return standsStill(this.#movedAt, now, active, this.#latencies.overall, this.#deadlines.stalls)
  }

  #learn(call: GateMarks, verdict: Verdict): void {
    const succeeded = verdict === 'success'
    const isTimed = !succeeded || (++this.#successes & (TIMED_EVERY - 1)) === 0
    if (!isTimed && !this.isAdaptive) return
    const now = call.now()
    // What our own stall made long says nothing about the service.
    if (this.#deadlines.stalls.distorts(call.admittedAt, now)) return
    if (this.isAdaptive) this.#bulkhead?.observe(now - call.admittedAt, !succeeded, now)
    if (isTimed) this.#latencies.learn(call.operation, now - call.admittedAt, succeeded, now)
  }

  /** Whether there is neither a slot for it nor a place to wait for one. */
  #isFull({ priority, maxWaitMs = this.#maxWaitMs }: QueuedCall): boolean {
    if (this.#bulkhead === undefined || this.#bulkhead.hasFreeSlot(priority === 'critical')) return false
    if (maxWaitMs === 0) return true
    return this.#queue.length >= this.#maxQueue && this.#queue.lastBehind(laneOf(priority)) === undefined
  }

  /** @param waitMs about how long its tokens take to come */
  #refusal(call: RefusedCall, by: NotBy, waitMs: number): RefusalError {
    const limiter = this.#limiter
    const bulkhead = this.#bulkhead
    const isFull = bulkhead?.hasFreeSlot(call.priority === 'critical') === false
    if (limiter === undefined || isFull || bulkhead?.hasFreeSlotFor(call.key) === false)
      return this.#refuseFull(call, by)
    limiter.countRefusal()
    return refuseForTokens(call, by, this.#queue.length, waitMs)
  }

  #refuseStuck(call: RefusedCall, now: number): RefusalError {
    this.#bulkhead?.countRefusal()
    const slots = { count: this.#bulkhead?.slotsFor(false) ?? 0, waiting: this.#queue.length }
    const usualMs = this.#latencies.overall.cautiousMs(now)
    return refuseForStuckSlots(call, slots, now - this.#movedAt, usualMs, this.#maxWaitMs)
  }

  #refuseFull(call: RefusedCall, by: NotBy): RefusalError {
    this.#bulkhead?.countRefusal()
    const bulkhead = this.#bulkhead
    const isKeyed = bulkhead?.hasFreeSlotFor(call.key) === false
    const slots = {
      count: (isKeyed ? bulkhead?.maxPerKey : bulkhead?.slotsFor(call.priority === 'critical')) ?? 0,
      key: isKeyed ? call.key : undefined,
    }
    return refuseForSlots(call, by, this.#queue.length, slots, this.#maxWaitMs)
  }
}
