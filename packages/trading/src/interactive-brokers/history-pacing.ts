/** What Interactive Brokers allows to those who ask for the past, kept before anything is sent. */
import type { Clock, Timer } from 'holdfast'

/** A request for historical data, as far as its pace is concerned. */
export interface HistoryRequest {
  /** Two requests with the same text are the same request. */
  readonly identity: string
  /** Contract, exchange and kind of data. */
  readonly contract: string
  /** Bids and asks count twice. */
  readonly cost: 1 | 2
}

/** The rules, as published. */
export interface HistoryPace {
  /** How many requests in {@link windowMs}. Default 60. */
  readonly requests: number
  /** In milliseconds. Default 600,000. */
  readonly windowMs: number
  /** How long the very same request is not repeated, in milliseconds. Default 15,000. */
  readonly repeatMs: number
  /** How many requests for one contract in {@link contractMs}: the sixth is one too many. Default 5. */
  readonly contractRequests: number
  /** In milliseconds. Default 2,000. */
  readonly contractMs: number
  /** How many may be under way at a time. Default 50. */
  readonly open: number
  /** How much longer each of these times is taken, in milliseconds: messages travel at different speeds. Default 500. */
  readonly marginMs: number
}

/** What Interactive Brokers publishes. */
export const HISTORY_PACE: HistoryPace = {
  requests: 60,
  windowMs: 600_000,
  repeatMs: 15_000,
  contractRequests: 5,
  contractMs: 2_000,
  open: 50,
  marginMs: 500,
}

interface Waiting {
  readonly request: HistoryRequest
  readonly admit: () => void
}

/**
 * A limiter of requests for historical data: who would break a rule waits, in the order of arrival as far as the rules let
 * him, and leaves when his signal is aborted.
 *
 * @example
 * const done = await pacing.enter({ identity, contract, cost: 1 }, signal)
 * try { await ask() } finally { done() }
 */
export class HistoryPacing {
  readonly #pace: HistoryPace
  readonly #clock: Clock
  readonly #waiting: Waiting[] = []
  /** When the requests of the window were made; one that costs two is there twice. */
  #made: number[] = []
  readonly #byIdentity = new Map<string, number>()
  readonly #byContract = new Map<string, number[]>()
  #open = 0
  #timer: Timer | undefined

  constructor(clock: Clock, pace: HistoryPace = HISTORY_PACE) {
    this.#clock = clock
    this.#pace = pace
  }

  /**
   * Waits until the rules allow the request, and counts it.
   *
   * @returns a function to call when it is answered; a second call does nothing
   * @throws the signal's reason when that is aborted first; then nothing was counted
   */
  async enter(request: HistoryRequest, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted()
    if (this.#waiting.length > 0 || this.#waitMs(request) > 0) await this.#wait(request, signal)
    else this.#count(request)
    let isOpen = true
    return () => {
      if (!isOpen) return
      isOpen = false
      this.#open--
      this.#dispatch()
    }
  }

  /** How many wait. */
  get queued(): number {
    return this.#waiting.length
  }

  #wait(request: HistoryRequest, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(signal.reason)
      }
      const waiting: Waiting = {
        request,
        admit: () => {
          signal.removeEventListener('abort', leave)
          resolve()
        },
      }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(waiting)
      this.#dispatch()
    })
  }

  /** Admits whom the rules allow, and looks again when they allow the next. */
  #dispatch(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    let soonest = Number.POSITIVE_INFINITY
    for (const waiting of [...this.#waiting]) {
      const waitMs = this.#waitMs(waiting.request)
      if (waitMs > 0) {
        soonest = Math.min(soonest, waitMs)
        continue
      }
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
      this.#count(waiting.request)
      waiting.admit()
    }
    // Those for whom there is no place among the open ones are admitted as one of them is answered.
    if (soonest < Number.POSITIVE_INFINITY) this.#timer = this.#clock.setTimer(() => this.#dispatch(), soonest)
  }

  /** How long a request has to wait by now; infinity for as long as too many are open. */
  #waitMs({ identity, contract, cost }: HistoryRequest): number {
    const now = this.#clock.now()
    const { requests, contractRequests, open } = this.#pace
    const [windowMs, repeatMs, contractMs] = this.#times()
    if (this.#open >= open) return Number.POSITIVE_INFINITY
    this.#made = this.#made.filter((at) => at > now - windowMs)
    const recent = (this.#byContract.get(contract) ?? []).filter((at) => at > now - contractMs)
    if (recent.length === 0) this.#byContract.delete(contract)
    const lastSame = this.#byIdentity.get(identity) ?? Number.NEGATIVE_INFINITY
    return Math.max(
      roomAfter(this.#made, requests - cost, windowMs, now),
      roomAfter(recent, contractRequests - 1, contractMs, now),
      lastSame + repeatMs - now,
      0,
    )
  }

  /** Window, repetition and contract, with the margin. */
  #times(): readonly [number, number, number] {
    const { windowMs, repeatMs, contractMs, marginMs } = this.#pace
    return [windowMs + marginMs, repeatMs + marginMs, contractMs + marginMs]
  }

  #count({ identity, contract, cost }: HistoryRequest): void {
    const now = this.#clock.now()
    const [, repeatMs, contractMs] = this.#times()
    for (let time = 0; time < cost; time++) this.#made.push(now)
    const recent = (this.#byContract.get(contract) ?? []).filter((at) => at > now - contractMs)
    this.#byContract.set(contract, [...recent, now])
    for (const [known, at] of this.#byIdentity) if (at <= now - repeatMs) this.#byIdentity.delete(known)
    this.#byIdentity.set(identity, now)
    this.#open++
  }
}

/** How long until no more than so many of these times lie within a window. */
function roomAfter(times: readonly number[], most: number, windowMs: number, now: number): number {
  const blocking = times[times.length - 1 - most]
  return blocking === undefined ? 0 : blocking + windowMs - now
}
