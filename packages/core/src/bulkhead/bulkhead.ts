/** The bulkhead: at most so many calls at once, and a short, orderly queue for the next. */

import { type Clock, systemClock } from '../clock.ts'
import { BulkheadFullError } from '../errors.ts'
import { reportToConsole } from '../events.ts'
import { Gate } from '../gate/gate.ts'
import {
  check,
  checkOptions,
  clockRule,
  durationMs,
  isOptions,
  type Rules,
  shareOfCritical,
  wholeNumber,
} from '../options.ts'
import type { CallOptions, Guarded } from '../pipeline/call.ts'
import { executeSync, type SyncCallOptions, type SyncGuarded } from '../pipeline/execute-sync.ts'
import { Executor } from '../pipeline/executor.ts'
import type { Slot } from '../pipeline/guard.ts'
import { Judge } from '../pipeline/judge.ts'
import { makePlan } from '../pipeline/plan.ts'
import { AdaptiveLimit, type AdaptiveLimitOptions } from './adaptive-limit.ts'
import { KeyedSlot } from './keyed-slot.ts'

/** Options of a bulkhead. */
export interface BulkheadOptions {
  /** How many calls run at once. Default 10. */
  readonly maxConcurrent?: number | undefined
  /** How many more may wait for a slot. Default 100; 0 refuses at once. */
  readonly maxQueue?: number | undefined
  /** How long a call waits for a slot at most, in milliseconds. Default 1,000; 0 refuses at once. */
  readonly acquireTimeoutMs?: number | undefined
  /** The share of the slots that is kept for calls with the priority `critical`, from 0 to 0.9. Default 0. */
  readonly criticalShare?: number | undefined
  /** How many calls with the same `key` run at once. Default: no limit but `maxConcurrent`. */
  readonly maxPerKey?: number | undefined
  /** Finds `maxConcurrent` out and follows it: where it begins, and its bounds. Default: it stays as it is. */
  readonly adaptive?: AdaptiveLimitOptions | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

/** The rules that {@link BulkheadOptions} are held to. */
export const BULKHEAD_RULES: Rules<BulkheadOptions> = {
  maxConcurrent: wholeNumber(1),
  maxQueue: wholeNumber(0),
  acquireTimeoutMs: durationMs(0),
  criticalShare: shareOfCritical,
  maxPerKey: wholeNumber(1),
  adaptive: { allows: isOptions, says: 'it must be an object of adaptive limit settings' },
  clock: clockRule,
}

/** A bulkhead at one moment, as plain data. */
export interface BulkheadSnapshot {
  readonly maxConcurrent: number
  /** How many run at once at present: fewer than `maxConcurrent` while a service that has come back is spared. */
  readonly ceiling: number
  /** Slots in use, those of abandoned calls included. */
  readonly active: number
  /** Slots whose call was given up (timeout, abort) while its function still runs. */
  readonly abandoned: number
  /** Calls that wait. */
  readonly queued: number
  readonly totals: { readonly admitted: number; readonly refused: number }
}

/** A slot taken by hand. */
export interface BulkheadPermit {
  /** Gives the slot back. Only the first call does anything. */
  release(): void
}

/**
 * Keeps one slow service from taking every connection and worker: at most `maxConcurrent` calls run, at most `maxQueue`
 * wait, first come, first served, and none longer than `acquireTimeoutMs`. A call that is aborted leaves the queue at once.
 *
 * @example
 * const bulkhead = new Bulkhead({ maxConcurrent: 10, maxQueue: 100, acquireTimeoutMs: 1_000 })
 * const bars = await bulkhead.execute(({ signal }) => fetch(url, { signal }))
 */
export class Bulkhead implements Slot {
  /** How many calls may wait. */
  readonly maxQueue: number
  /** How long a call waits at most, in milliseconds. */
  readonly acquireTimeoutMs: number
  /** The queue of those who wait for a slot alone. */
  readonly gate: Gate

  readonly #clock: Clock
  readonly #executor: Executor
  readonly #gates = new Set<Gate>()
  #hasQueues = false
  readonly #criticalShare: number = 0
  readonly #maxPerKey: number = 0
  /** How many calls of a key run; keys of which none does are not kept. */
  readonly #activeByKey = new Map<string, number>()
  readonly #adaptive: AdaptiveLimit | undefined
  #maxConcurrent = 0
  /** So many may be taken at present by critical calls, and by others, for whom some are not there: at least one is. */
  #openToCritical = 0
  #openToAll = 0
  /** So many run at once while a service that has just come back is spared; Infinity otherwise. */
  #ceiling = Number.POSITIVE_INFINITY
  #active = 0
  #abandoned = 0
  #admitted = 0
  #refused = 0

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: BulkheadOptions = {}) {
    checkOptions('bulkhead', options, BULKHEAD_RULES)
    this.#criticalShare = options.criticalShare ?? 0
    this.#maxPerKey = options.maxPerKey ?? Number.POSITIVE_INFINITY
    const { adaptive, maxConcurrent = adaptive?.initialLimit ?? 10 } = options
    if (adaptive !== undefined) this.#adaptive = new AdaptiveLimit({ initialLimit: maxConcurrent, ...adaptive })
    this.#setSlots(this.#adaptive?.limit ?? maxConcurrent)
    this.maxQueue = options.maxQueue ?? 100
    this.acquireTimeoutMs = options.acquireTimeoutMs ?? 1_000
    this.#clock = options.clock ?? systemClock
    this.gate = new Gate({
      bulkhead: this,
      maxQueue: this.maxQueue,
      maxWaitMs: this.acquireTimeoutMs,
      clock: this.#clock,
    })
    const judge = new Judge({ clock: this.#clock, report: reportToConsole })
    this.#executor = new Executor(makePlan({ service: undefined, gate: this.gate, judge, clock: this.#clock }))
  }

  /** How many calls run at once. */
  get maxConcurrent(): number {
    return this.#maxConcurrent
  }

  /** Slots in use. */
  get active(): number {
    return this.#active
  }

  /** Calls that wait. */
  get queued(): number {
    let queued = 0
    for (const gate of this.#gates) queued += gate.length
    return queued
  }

  /** For gates: whether a slot is free, for a call of that kind. */
  hasFreeSlot(critical: boolean): boolean {
    return this.#active < (critical ? this.#openToCritical : this.#openToAll)
  }

  /** For gates: how many slots there are at present for a call of that kind. */
  slotsFor(critical: boolean): number {
    return critical ? this.#openToCritical : this.#openToAll
  }

  /**
   * Calls the function once there is a slot.
   *
   * @throws BulkheadFullError when none is, or comes free, in time; otherwise what the function throws
   */
  execute<T>(fn: Guarded<T>, options?: CallOptions): Promise<Awaited<T>> {
    return this.#executor.execute(fn, options)
  }

  /**
   * The same for a function that returns a value and no promise: now or not at all. It does not wait for a slot.
   *
   * @throws BulkheadFullError; what the function throws; TypeError when it returns a promise
   */
  executeSync<T>(fn: SyncGuarded<T>, options?: SyncCallOptions): T {
    return executeSync(this.#executor.plan, fn, options)
  }

  /**
   * Takes a slot if one is free and nobody waits, for those who write the `try` themselves. Never waits.
   *
   * @throws BulkheadFullError
   * @example
   * const permit = bulkhead.tryEnter()
   * try { return await ask() } finally { permit.release() }
   */
  tryEnter(): BulkheadPermit {
    if (!this.hasFreeSlot(false)) {
      this.#refused++
      const message = `no slot now: all ${this.slotsFor(false)} are taken; come back later or raise maxConcurrent`
      throw new BulkheadFullError(message, {}, Math.max(1, this.acquireTimeoutMs))
    }
    this.take()
    let held = true
    return {
      release: () => {
        if (!held) return
        held = false
        this.release()
      },
    }
  }

  /**
   * Changes how many calls run at once, while it works. When there are fewer slots than calls that run, those are finished
   * and nobody is admitted meanwhile; when there are more, those who wait get them at once.
   *
   * @throws InvalidOptionError
   */
  setMaxConcurrent(maxConcurrent: number): void {
    check('bulkhead.maxConcurrent', maxConcurrent, BULKHEAD_RULES.maxConcurrent)
    this.#setSlots(maxConcurrent)
    this.#serveQueues()
  }

  /**
   * Lets few calls run at once, a tenth of `maxConcurrent` but at least two, and one more after each success: for a service
   * that has just come back. A service does it when its circuit closes.
   */
  ramp(): void {
    this.#ceiling = Math.max(2, Math.ceil(this.#maxConcurrent / 10))
    this.#open()
  }

  /** Everything there is to see, as plain data. */
  snapshot(): BulkheadSnapshot {
    return {
      maxConcurrent: this.maxConcurrent,
      ceiling: Math.min(this.#ceiling, this.maxConcurrent),
      active: this.#active,
      abandoned: this.#abandoned,
      queued: this.queued,
      totals: { admitted: this.#admitted, refused: this.#refused },
    }
  }

  /** For gates: how many calls of a key may run at once. */
  get maxPerKey(): number {
    return this.#maxPerKey
  }

  /** For gates: whether the key has a slot left. */
  hasFreeSlotFor(key: string | undefined): boolean {
    return key === undefined || this.#maxPerKey === Number.POSITIVE_INFINITY || this.#hasFreeSlotOfKey(key)
  }

  #hasFreeSlotOfKey(key: string): boolean {
    return this.#maxPerKey > (this.#activeByKey.get(key) ?? 0)
  }

  /** For gates: takes a slot that {@link hasFreeSlot} and {@link hasFreeSlotFor} have shown to be free. */
  take(key?: string): Slot {
    this.#active++
    this.#admitted++
    if (key === undefined || this.#maxPerKey === Number.POSITIVE_INFINITY) return this
    this.#activeByKey.set(key, (this.#activeByKey.get(key) ?? 0) + 1)
    return new KeyedSlot(this, key)
  }

  /** For slots of keys: one of the key is free again. */
  releaseKey(key: string): void {
    const left = (this.#activeByKey.get(key) ?? 1) - 1
    if (left > 0) this.#activeByKey.set(key, left)
    else this.#activeByKey.delete(key)
  }

  /** For gates: whether how long calls take is to be told to {@link observe}. */
  get isAdaptive(): boolean {
    return this.#adaptive !== undefined
  }

  /** For gates: a call has ended. */
  observe(durationMs: number, isDropped: boolean, now: number): void {
    const adaptive = this.#adaptive
    if (adaptive === undefined) return
    adaptive.observe({ durationMs, inFlight: this.#active, isDropped }, now)
    if (adaptive.limit !== this.#maxConcurrent) this.#setSlots(adaptive.limit)
  }

  /** For gates: a call has succeeded. */
  succeeded(): void {
    if (this.#ceiling === Number.POSITIVE_INFINITY) return
    if (++this.#ceiling >= this.#maxConcurrent) this.#ceiling = Number.POSITIVE_INFINITY
    this.#open()
  }

  release(): void {
    this.#active--
    if (this.#hasQueues) this.#serveQueues()
  }

  giveBack(): void {
    this.#admitted--
    this.release()
  }

  #setSlots(maxConcurrent: number): void {
    this.#maxConcurrent = maxConcurrent
    this.#open()
  }

  #open(): void {
    const most = this.#maxConcurrent
    const kept = Math.floor(this.#criticalShare * most)
    this.#openToCritical = Math.min(this.#ceiling, most)
    this.#openToAll = Math.min(this.#ceiling, Math.max(1, most - kept))
  }

  #serveQueues(): void {
    for (const gate of [...this.#gates]) {
      // The queue that was served goes to the end, so that several share the slots.
      if (!this.hasFreeSlot(true)) return
      this.#gates.delete(gate)
      this.#gates.add(gate)
      gate.dispatch()
    }
  }

  abandon(): void {
    this.#abandoned++
  }

  releaseAbandoned(): void {
    this.#abandoned--
    this.release()
  }

  /** For gates: a call was refused for want of a slot. */
  countRefusal(): void {
    this.#refused++
  }

  /** For gates: calls wait there for a slot. */
  addQueue(gate: Gate): void {
    this.#gates.add(gate)
    this.#hasQueues = true
  }

  /** For gates: no call waits there any more. */
  removeQueue(gate: Gate): void {
    this.#gates.delete(gate)
    this.#hasQueues = this.#gates.size > 0
  }
}
