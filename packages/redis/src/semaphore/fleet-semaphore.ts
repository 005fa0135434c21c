/** A semaphore that a fleet shares: for what an upstream counts per account, such as streaming connections. */
import { BulkheadFullError, type BulkheadOptions, type Timer } from 'holdfast'
import { check, checkOptions, durationMs, nameText, type Rules, wholeNumber } from 'holdfast/options'
import { FleetSlotLostError } from '../errors.ts'
import type { Fleet, Member } from '../fleet.ts'
import type { Answer, Shard } from '../redis/shard.ts'
import { PACE } from '../redis/timing.ts'
import { HOLD_SLOTS } from '../scripts/hold-slots.ts'

/** How often those who wait ask again, in milliseconds. */
const ASK_EVERY_MS = 50

/** Options of a semaphore: as those of a bulkhead, for all processes together; `acquireTimeoutMs` is at least 1. */
export interface FleetSemaphoreOptions
  extends Pick<BulkheadOptions, 'maxConcurrent' | 'maxQueue' | 'acquireTimeoutMs'> {
  /** How long a slot is held without word from its holder, in milliseconds: what one that dies takes with it. Default 5,000. */
  readonly slotLeaseMs?: number | undefined
}

const SEMAPHORE_RULES: Rules<FleetSemaphoreOptions> = {
  maxConcurrent: wholeNumber(1),
  maxQueue: wholeNumber(0),
  acquireTimeoutMs: durationMs(1),
  slotLeaseMs: durationMs(100),
}

/** How a slot is asked for. */
export interface SlotOptions {
  /** How long to wait at most, in milliseconds, instead of the semaphore's `acquireTimeoutMs`. */
  readonly maxWaitMs?: number | undefined
  /** Ends the wait: rejects with the signal's reason. */
  readonly signal?: AbortSignal | undefined
}

/** A slot that is held. */
export interface FleetSlot {
  /** Aborted with a {@link FleetSlotLostError} when the slot has lapsed: somebody else may hold it now, so stop. */
  readonly signal: AbortSignal
  /** Gives it back. Only the first call does anything. */
  release(): void
}

/** A semaphore at one moment, as plain data. */
export interface FleetSemaphoreSnapshot {
  readonly maxConcurrent: number
  /** Slots that this process holds. */
  readonly held: number
  /** Slots that all processes held when Redis was last asked. */
  readonly heldByAll: number
  /** Those who wait in this process. */
  readonly queued: number
  readonly totals: { readonly admitted: number; readonly refused: number; readonly lost: number }
}

interface Waiting {
  readonly name: string
  readonly admit: (sentAt: number) => void
}

interface Held {
  readonly name: string
  readonly controller: AbortController
  lapsesAt: number
}

/**
 * At most `maxConcurrent` holders in all processes together. A holder that dies frees its slot when its lease lapses; one
 * whose lease lapsed although it lives (Redis was away, or it stood still) is told, and must stop.
 *
 * @example
 * const streams = fleetSemaphore(fleet, 'alpaca-stream', { maxConcurrent: 1 })
 * await streams.execute(({ signal }) => readStream(url, { signal }))
 */
export class FleetSemaphore implements Member {
  readonly maxConcurrent: number
  readonly #fleet: Fleet
  readonly #shard: Shard
  readonly #key: string
  readonly #maxQueue: number
  readonly #acquireTimeoutMs: number
  readonly #slotLeaseMs: number
  #waiting: Waiting[] = []
  readonly #held = new Map<string, Held>()
  #heldByAll = 0
  #named = 0
  #isAsking = false
  #askedAt = Number.NEGATIVE_INFINITY
  #timer: Timer | undefined
  #admitted = 0
  #refused = 0
  #lost = 0

  /** Made by {@link fleetSemaphore}. @throws InvalidOptionError */
  constructor(fleet: Fleet, name: string, options: FleetSemaphoreOptions) {
    check('fleetSemaphore.name', name, nameText)
    checkOptions('fleetSemaphore', options, SEMAPHORE_RULES)
    this.#fleet = fleet
    this.#shard = fleet.shard(`${name}:slots`).shard
    this.#key = fleet.key(this.#shard, 'slots', name)
    this.maxConcurrent = options.maxConcurrent ?? 10
    this.#maxQueue = options.maxQueue ?? 100
    this.#acquireTimeoutMs = options.acquireTimeoutMs ?? 1_000
    this.#slotLeaseMs = options.slotLeaseMs ?? 5_000
    fleet.join(this)
  }

  /**
   * Waits for a slot and takes it.
   *
   * @throws BulkheadFullError when none comes free in time, or too many wait; the signal's reason when it is aborted
   */
  acquire(options: SlotOptions = {}): Promise<FleetSlot> {
    const { signal, maxWaitMs = this.#acquireTimeoutMs } = options
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      if (this.#waiting.length >= this.#maxQueue) return reject(this.#refusal('now'))
      const leave = (): void => {
        timer.cancel()
        signal?.removeEventListener('abort', onAbort)
        this.#waiting = this.#waiting.filter((other) => other !== waiting)
      }
      const waiting: Waiting = {
        name: `${this.#fleet.processId}:${this.#named++}`,
        admit: (sentAt) => {
          leave()
          resolve(this.#hold(waiting.name, sentAt))
        },
      }
      const onAbort = (): void => {
        leave()
        reject(signal?.reason)
      }
      const timer = this.#fleet.clock.setTimer(() => {
        leave()
        reject(this.#refusal('in time'))
      }, maxWaitMs)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiting.push(waiting)
      this.#ask()
    })
  }

  /**
   * Calls the function once there is a slot, and gives it back at the end.
   *
   * @throws BulkheadFullError when there is none in time; otherwise what the function throws
   */
  async execute<T>(fn: (slot: { readonly signal: AbortSignal }) => T, options?: SlotOptions): Promise<Awaited<T>> {
    const slot = await this.acquire(options)
    try {
      return await fn(slot)
    } finally {
      slot.release()
    }
  }

  snapshot(): FleetSemaphoreSnapshot {
    return {
      maxConcurrent: this.maxConcurrent,
      held: this.#held.size,
      heldByAll: this.#heldByAll,
      queued: this.#waiting.length,
      totals: { admitted: this.#admitted, refused: this.#refused, lost: this.#lost },
    }
  }

  tend(now: number): void {
    for (const slot of this.#held.values()) if (now >= slot.lapsesAt) this.#lose(slot)
    if (this.#held.size > 0 && now - this.#askedAt >= this.#slotLeaseMs / 4) this.#ask()
  }

  leave(): void {
    for (const { name } of this.#held.values()) this.#give(name)
    for (const slot of this.#held.values()) this.#lose(slot)
  }

  #hold(name: string, sentAt: number): FleetSlot {
    const controller = new AbortController()
    this.#admitted++
    this.#held.set(name, { name, controller, lapsesAt: sentAt + this.#slotLeaseMs * PACE })
    return {
      signal: controller.signal,
      release: () => {
        if (this.#held.delete(name)) this.#give(name)
      },
    }
  }

  #lose({ name, controller }: Held): void {
    this.#held.delete(name)
    this.#lost++
    controller.abort(
      new FleetSlotLostError(
        'the slot has lapsed: Redis was away, or this process stood still, for too long; stop, and acquire another',
      ),
    )
  }

  /** A slot that Redis does not hear of any more lapses by itself. */
  #give(name: string): void {
    this.#asks(['give', name]).catch(() => undefined)
  }

  /** Keeps what is held and asks for what is waited for, in one question. */
  #ask(): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.#askedAt = this.#fleet.clock.now()
    const kept = [...this.#held.values()]
    const wanted = this.#waiting.slice(0, this.maxConcurrent)
    const words = [...kept.flatMap(({ name }) => ['keep', name]), ...wanted.flatMap(({ name }) => ['take', name])]
    this.#asks(words)
      .then((answer) => this.#read(answer, kept, wanted))
      // Without an answer nothing is known: what is held lapses unless the next question is answered.
      .catch(() => undefined)
      .finally(() => this.#askAgain(wanted))
  }

  #asks(words: readonly string[]): Promise<Answer> {
    const figures = [String(this.maxConcurrent), String(this.#slotLeaseMs * 1_000)]
    return this.#shard.ask(HOLD_SLOTS, [this.#key], [...figures, ...words])
  }

  #read({ values, sentAt }: Answer, kept: readonly Held[], wanted: readonly Waiting[]): void {
    const answers = values.map(Number)
    this.#heldByAll = answers.at(-2) ?? 0
    for (const [index, slot] of kept.entries()) {
      if (!this.#held.has(slot.name)) continue
      if (answers[index] === 1) slot.lapsesAt = sentAt + this.#slotLeaseMs * PACE
      else this.#lose(slot)
    }
    for (const [index, waiting] of wanted.entries()) {
      if (answers[kept.length + index] !== 1) continue
      if (this.#waiting.includes(waiting)) waiting.admit(sentAt)
      else this.#give(waiting.name)
    }
  }

  #askAgain(asked: readonly Waiting[]): void {
    this.#isAsking = false
    // Who came meanwhile has not been asked for yet.
    if (this.#waiting.slice(0, this.maxConcurrent).some((waiting) => !asked.includes(waiting))) return this.#ask()
    if (this.#waiting.length === 0 || this.#timer !== undefined) return
    this.#timer = this.#fleet.clock.setTimer(() => {
      this.#timer = undefined
      if (this.#waiting.length > 0) this.#ask()
    }, ASK_EVERY_MS)
  }

  #refusal(when: 'now' | 'in time'): BulkheadFullError {
    this.#refused++
    const waiting = this.#waiting.length
    const message = `no slot ${when}: all ${this.maxConcurrent} of the fleet are taken and ${waiting} wait here; come back later`
    return new BulkheadFullError(message, {}, Math.max(1, this.#acquireTimeoutMs))
  }
}

/**
 * A semaphore whose slots all processes of a fleet share.
 *
 * @param name of the semaphore: the same in every process
 * @throws InvalidOptionError when an option makes no sense
 * @example
 * const sessions = fleetSemaphore(fleet, 'ib-session', { maxConcurrent: 1, acquireTimeoutMs: 30_000 })
 * const slot = await sessions.acquire()
 */
export function fleetSemaphore(fleet: Fleet, name: string, options: FleetSemaphoreOptions = {}): FleetSemaphore {
  return new FleetSemaphore(fleet, name, options)
}
