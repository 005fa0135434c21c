/** How fast messages go to TWS: cancellations before everything else. */
import { type Clock, RateLimiter, type Timer } from 'holdfast'

/** Which lane a message waits in. */
export type Lane = 'critical' | 'normal'

interface Waiting {
  readonly lane: Lane
  readonly admit: () => void
}

/** Of the tokens, how many are kept for critical messages, as a share. */
const KEPT_SHARE = 0.2

/**
 * So many messages in any second, and no more. Who is critical goes before who is not, and a share of what can be sent at
 * once is kept for him; within a lane, first come is first served.
 */
export class MessagePacer {
  readonly #limiter: RateLimiter
  readonly #kept: number
  readonly #tokensPerSecond: number
  readonly #clock: Clock
  readonly #waiting: Waiting[] = []
  #timer: Timer | undefined

  constructor(messagesPerSecond: number, clock: Clock) {
    // In no second more than the burst and what comes back within it.
    const burstSize = Math.max(1, Math.floor(messagesPerSecond / 5))
    this.#tokensPerSecond = Math.max(1, messagesPerSecond - burstSize)
    this.#limiter = new RateLimiter({ tokensPerSecond: this.#tokensPerSecond, burstSize, clock })
    this.#kept = Math.floor(burstSize * KEPT_SHARE)
    this.#clock = clock
  }

  /** Waits until a message may be sent. @throws the signal's reason when that is aborted first */
  enter(signal: AbortSignal, lane: Lane): Promise<void> {
    signal.throwIfAborted()
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1)
        reject(signal.reason)
      }
      const admit = (): void => {
        signal.removeEventListener('abort', leave)
        resolve()
      }
      const waiting: Waiting = { lane, admit }
      signal.addEventListener('abort', leave, { once: true })
      this.#waiting.push(waiting)
      this.#dispatch()
    })
  }

  /** How many messages wait. */
  get queued(): number {
    return this.#waiting.length
  }

  /** Sends nothing for a while. */
  pauseFor(durationMs: number): void {
    this.#limiter.pauseFor(durationMs)
  }

  #dispatch(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    for (let next = this.#first(); next !== undefined; next = this.#first()) {
      const waitMs = this.#take(next.lane)
      if (waitMs > 0) {
        this.#timer = this.#clock.setTimer(() => this.#dispatch(), waitMs)
        return
      }
      this.#waiting.splice(this.#waiting.indexOf(next), 1)
      next.admit()
    }
  }

  #first(): Waiting | undefined {
    return this.#waiting.find(({ lane }) => lane === 'critical') ?? this.#waiting[0]
  }

  /** Takes a token. @returns how long to wait when there is none for that lane, in milliseconds; 0 when it was taken */
  #take(lane: Lane): number {
    const { remaining } = this.#limiter.snapshot()
    const missing = lane === 'critical' || remaining === null ? 0 : this.#kept + 1 - remaining
    if (missing > 0) return (missing * 1_000) / this.#tokensPerSecond
    const { allowed, retryAfterMs } = this.#limiter.tryAcquire()
    return allowed ? 0 : Math.max(1, retryAfterMs)
  }
}
