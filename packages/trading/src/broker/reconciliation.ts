/** Looks for one order in doubt until it is found, however long that takes. */
import { type Clock, describeFailure, type Timer } from 'holdfast'
import type { Order } from './order.ts'

/** How doubt is looked into. */
export interface ReconciliationOptions {
  /** How many times the broker must say that it knows no such order, before it is believed for the time being. Default 3. */
  readonly looks?: number | undefined
  /** Over how long those looks are spread, in milliseconds: brokers find new orders a little later. Default 5,000. */
  readonly settleMs?: number | undefined
}

/** When the first look is due, in milliseconds: after a reset the broker has the order at once or not at all. */
const FIRST_LOOK_MS = 10

/** How long is waited after a look that got no answer, and after a series that found nothing, in milliseconds. */
const UNANSWERED_MS = { least: 250, most: 5_000 }
const NOT_FOUND_MS = { least: 30_000, most: 300_000 }

/**
 * A series of looks, spread over the settle time, first at once and then rarer. An answer "no such order" counts as a look;
 * no answer does not. After the series it goes on at longer and longer intervals: "not found" is not proof.
 */
export class Reconciliation {
  readonly #find: () => Promise<Order | undefined>
  readonly #clock: Clock
  readonly #looks: number
  readonly #settleMs: number
  readonly #onFound: (order: Order) => void
  readonly #onNotFound: () => void
  #timer: Timer | undefined
  #series = 0
  #seriesStartedAt = 0
  #looked = 0
  #unanswered = 0
  /** How many looks have begun. */
  #begun = 0
  #waiters: { readonly since: number; readonly tell: (found: Order | undefined) => void }[] = []
  #isOver = false
  #isConcluded = false

  constructor(options: {
    readonly find: () => Promise<Order | undefined>
    readonly clock: Clock
    readonly looks: number
    readonly settleMs: number
    /** The broker has it. */
    readonly onFound: (order: Order) => void
    /** A first series of looks is over and found nothing. */
    readonly onNotFound: () => void
  }) {
    this.#find = options.find
    this.#clock = options.clock
    this.#looks = options.looks
    this.#settleMs = options.settleMs
    this.#onFound = options.onFound
    this.#onNotFound = options.onNotFound
    this.#begin()
  }

  /**
   * The order, or undefined when a whole series of looks has found nothing; of the present series, or of a new one. The last
   * of these looks begins after the question: what is under way already may not see what the caller has seen.
   */
  conclude(): Promise<Order | undefined> {
    const concluded = new Promise<Order | undefined>((tell) => this.#waiters.push({ since: this.#begun, tell }))
    if (this.#isConcluded) this.#begin()
    return concluded
  }

  /** The broker can be asked again, as far as anybody knows: a look that got no answer is not put off any longer. */
  hurry(): void {
    if (this.#unanswered === 0 || this.#isOver) return
    this.#unanswered = 0
    this.#lookIn(0)
  }

  /** Ends it: the order was found, here or elsewhere, or (undefined) nobody need look any more. */
  end(order: Order | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#timer?.cancel()
    this.#tellWaiters(order)
  }

  #begin(): void {
    this.#series++
    this.#isConcluded = false
    this.#looked = 0
    this.#seriesStartedAt = this.#clock.now()
    this.#lookIn(FIRST_LOOK_MS)
  }

  /** The timer keeps no process alive: whoever waits for a look has a deadline of his own. */
  #lookIn(delayMs: number): void {
    this.#timer?.cancel()
    this.#timer = this.#clock.setTimer(() => void this.#look(), delayMs, false)
  }

  async #look(): Promise<void> {
    const series = this.#series
    const look = ++this.#begun
    try {
      const order = await this.#find()
      if (this.#isOver) return
      if (order !== undefined) {
        this.end(order)
        this.#onFound(order)
        return
      }
      this.#unanswered = 0
      if (series === this.#series) this.#lookedInVain(look)
    } catch (error) {
      if (this.#isOver || series !== this.#series) return
      const { retryAfterMs = 0, kind } = describeFailure(error)
      // Our own guard knows when; a broker that fails is asked ever rarer.
      const patience = kind === 'ours' ? UNANSWERED_MS.least : growing(UNANSWERED_MS, this.#unanswered)
      this.#unanswered++
      this.#lookIn(Math.max(retryAfterMs, patience))
    }
  }

  #lookedInVain(look: number): void {
    this.#looked++
    if (this.#looked < this.#looks) {
      // Looks come ever rarer, the last at the end of the settle time.
      const due = this.#settleMs * (this.#looked / (this.#looks - 1)) ** 2
      this.#lookIn(Math.max(FIRST_LOOK_MS, this.#seriesStartedAt + due - this.#clock.now()))
      return
    }
    const isFirst = !this.#isConcluded && this.#looked === this.#looks
    this.#isConcluded = true
    const late = this.#waiters.filter(({ since }) => since >= look)
    this.#waiters = this.#waiters.filter(({ since }) => since < look)
    this.#tellWaiters(undefined)
    this.#waiters = late
    if (isFirst) this.#onNotFound()
    if (this.#isOver) return
    if (late.length > 0) this.#begin()
    else this.#lookIn(growing(NOT_FOUND_MS, this.#looked - this.#looks))
  }

  #tellWaiters(found: Order | undefined): void {
    for (const { tell } of this.#waiters.splice(0)) tell(found)
  }
}

function growing({ least, most }: { readonly least: number; readonly most: number }, times: number): number {
  return Math.min(most, least * 2 ** Math.min(times, 20))
}
