/** How fast messages go to TWS: cancellations before everything else. */
import { type Clock, RateLimiter } from 'holdfast'

/** Which lane a message waits in. */
export type Lane = 'critical' | 'normal'

/** As long as it takes, and as many as come: who sends has a signal of his own. */
const PATIENT = { maxWaitMs: 2 ** 31 - 1, maxQueue: 2 ** 31 - 1 }

/** So many messages in any second, and no more. Who is critical goes before who is not; within a lane, first come is first served. */
export class MessagePacer {
  readonly #limiter: RateLimiter

  constructor(messagesPerSecond: number, clock: Clock) {
    // One by one: with a burst the others would have to come the more slowly.
    this.#limiter = new RateLimiter({ tokensPerSecond: messagesPerSecond, burstSize: 1, ...PATIENT, clock })
  }

  /** Waits until a message may be sent. @throws the signal's reason when that is aborted first */
  async enter(signal: AbortSignal, lane: Lane): Promise<void> {
    await this.#limiter.acquire({ signal, priority: lane })
  }

  /** How many messages wait. */
  get queued(): number {
    return this.#limiter.snapshot().queued
  }

  /** Sends nothing for a while. */
  pauseFor(durationMs: number): void {
    this.#limiter.pauseFor(durationMs)
  }
}
