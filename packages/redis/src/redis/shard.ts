/** One server of Redis, as far as this process knows it: whether it answers, and what time it has. */
import { CircuitBreaker, type CircuitPermit, type Clock, type Timer } from 'holdfast'
import { FleetUnavailableError } from '../errors.ts'
import { LEASE_TOKENS } from '../scripts/lease-tokens.ts'
import type { Script } from '../scripts/script.ts'
import type { RedisPort } from './port.ts'
import { MEMORY_MS, type Timing, timingFor } from './timing.ts'

/** What a script answered. */
export interface Answer {
  /** When the question was sent, on this process's monotonic clock: whatever was granted counts from then. */
  readonly sentAt: number
  /** For how long after `sentAt` nothing is given yet, in milliseconds, because Redis has begun to remember anew. */
  readonly settlingMs: number
  /** What follows the head. */
  readonly values: readonly unknown[]
}

/** Limits are shared out among so many processes, since then on the monotonic clock. */
export interface ShareFrom {
  readonly at: number
  readonly processes: number
}

/** How much later than due a timer may fire before it is our own stall that is suspected, in milliseconds. */
const STALL_MS = 20

/** What the answers that a stalled process finds waiting are given to be read, in milliseconds. */
const GRACE_MS = 5

/**
 * Asks one server, with a time limit and a circuit breaker for every question: the first that fails cuts the server off, and
 * after that no question costs anything until a look every 250 ms finds it back.
 *
 * A question says until when it may be answered, in Redis's own time: one that was held up on its way does nothing there.
 */
export class Shard {
  /** What the keys of this server have between their braces. */
  readonly tag: string
  readonly memoryKey: string
  readonly breaker: CircuitBreaker
  readonly timing: Timing
  readonly #port: RedisPort
  readonly #clock: Clock
  readonly #processId: string
  readonly #timeLimitMs: number
  readonly #changed: () => void
  readonly #answered: () => void
  readonly #processes: () => number | undefined
  #share: ShareFrom | undefined
  #timer: Timer | undefined
  #away = false
  /** What Redis's clock said, in microseconds, and when that was here. */
  #redisTime: { readonly us: number; readonly at: number } | undefined
  #lastAnsweredAt = Number.NEGATIVE_INFINITY
  #settledAt = Number.NEGATIVE_INFINITY
  #roundTripMs = 1
  #closed = false

  constructor(
    tag: string,
    around: {
      readonly port: RedisPort
      readonly clock: Clock
      readonly keyPrefix: string
      readonly processId: string
      readonly timeLimitMs: number
      /** Told when the server is cut off, and when it is back. */
      readonly changed: () => void
      /** Told of every answer. */
      readonly answered: () => void
      /** How many processes there are, if that is known well enough to share a limit by it. */
      readonly processes: () => number | undefined
    },
  ) {
    this.tag = tag
    this.#port = around.port
    this.#clock = around.clock
    this.#processId = around.processId
    this.#timeLimitMs = around.timeLimitMs
    this.timing = timingFor(around.timeLimitMs)
    this.#changed = around.changed
    this.#answered = around.answered
    this.#processes = around.processes
    this.memoryKey = `${around.keyPrefix}:{${tag}}:memory`
    this.breaker = new CircuitBreaker(`redis ${tag}`, {
      failureThreshold: 1,
      recoveryTimeoutMs: 1,
      probeTimeoutMs: 10 * around.timeLimitMs,
      isFailure: () => true,
      clock: around.clock,
    })
  }

  /** Whether it answered the last time it was asked, if it has been. */
  get available(): boolean {
    return this.breaker.state === 'CLOSED'
  }

  /** When the last question was sent that was answered, on the monotonic clock. */
  get lastAnsweredAt(): number {
    return this.#lastAnsweredAt
  }

  /** When tokens flow again after Redis has begun to remember anew, on the monotonic clock; past when they do. */
  get settledAt(): number {
    return this.#settledAt
  }

  /**
   * From when on, and among how many, limits are shared out without this server; undefined while it is asked. It is not
   * asked while it is cut off, and after its return until it gives tokens again.
   */
  shareFrom(now: number): ShareFrom | undefined {
    const share = this.#share
    if (share !== undefined) {
      // Once it is known when Redis gives tokens again the share ends then, whether Redis answers at that moment or not.
      const ends = this.#settledAt > share.at ? now >= this.#settledAt : this.available
      if (!ends) return share
      this.#share = undefined
    }
    if (this.available) return undefined
    const at = this.#lastAnsweredAt + this.timing.shareAfterMs
    const processes = this.#processes()
    // Who has never been answered does not know what the others do.
    if (at === Number.NEGATIVE_INFINITY || now < at || processes === undefined) return undefined
    this.#share = { at, processes }
    return this.#share
  }

  /** How long an answer takes, smoothed, in milliseconds. */
  get roundTripMs(): number {
    return this.#roundTripMs
  }

  /** What Redis's clock says now, about, in microseconds; undefined before the first answer. */
  redisTime(now: number): number | undefined {
    const known = this.#redisTime
    return known === undefined ? undefined : known.us + (now - known.at) * 1_000
  }

  /**
   * Asks, and waits for the answer for the time limit at most.
   *
   * @throws FleetUnavailableError at once while the server is cut off, and when it does not answer in time or says no
   */
  async ask(script: Script, keys: readonly string[], args: readonly string[]): Promise<Answer> {
    if (this.breaker.state !== 'CLOSED')
      throw new FleetUnavailableError(`redis ${this.tag} does not answer; see its breaker`)
    return this.#ask(this.breaker.tryEnter(), script, keys, args)
  }

  /** Touches its memory, so that its silence is noticed. */
  touch(): Promise<Answer> {
    return this.ask(LEASE_TOKENS, [], [])
  }

  /** No question any more. */
  close(): void {
    this.#closed = true
    this.#timer?.cancel()
  }

  async #ask(permit: CircuitPermit, script: Script, keys: readonly string[], args: readonly string[]): Promise<Answer> {
    const sentAt = this.#clock.now()
    const head = [
      this.#processId,
      this.#notAfter(sentAt),
      String(this.timing.quietMs * 1_000),
      String(this.timing.settleMs * 1_000),
      String(MEMORY_MS),
    ]
    try {
      const reply = await this.#inTime(
        this.#sent(() => this.#port.run(script, [this.memoryKey, ...keys], [...head, ...args])),
      )
      const answer = this.#read(reply, sentAt)
      permit.succeed()
      return answer
    } catch (cause) {
      permit.fail(cause)
      this.#lost()
      throw cause instanceof FleetUnavailableError ? cause : new FleetUnavailableError(messageOf(cause), { cause })
    }
  }

  #read(reply: unknown, sentAt: number): Answer {
    if (!Array.isArray(reply) || reply.length < 3) throw new FleetUnavailableError('redis answered what is no answer')
    const [us, late, settlingUs, ...values] = reply
    const now = this.#clock.now()
    this.#redisTime = { us: Number(us), at: now }
    if (Number(late) === 1) throw new FleetUnavailableError('the question reached redis too late')
    this.#lastAnsweredAt = Math.max(this.#lastAnsweredAt, sentAt)
    const settlingMs = Number(settlingUs) / 1_000
    if (settlingMs > 0) this.#settledAt = sentAt + settlingMs
    this.#roundTripMs += (now - sentAt - this.#roundTripMs) / 8
    this.#answered()
    return { sentAt, settlingMs, values }
  }

  #notAfter(now: number): string {
    const time = this.redisTime(now)
    return time === undefined ? '0' : String(Math.round(time + this.#timeLimitMs * 1_000))
  }

  #sent<T>(send: () => Promise<T>): Promise<T> {
    if (!this.#port.connected) return Promise.reject(new FleetUnavailableError('there is no connection to redis'))
    return send()
  }

  /** A timer that fires late because this process stood still is no proof: what has arrived meanwhile is read first. */
  #inTime<T>(answer: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const due = this.#clock.now() + this.#timeLimitMs
      const giveUp = (): void => {
        reject(new FleetUnavailableError(`redis did not answer within ${this.#timeLimitMs} ms`))
      }
      let timer = this.#clock.setTimer(() => {
        if (this.#clock.now() - due < STALL_MS) giveUp()
        else timer = this.#clock.setTimer(giveUp, GRACE_MS)
      }, this.#timeLimitMs)
      answer.then(resolve, reject).finally(() => timer.cancel())
    })
  }

  #lost(): void {
    if (this.#away || this.#closed) return
    this.#away = true
    this.#changed()
    this.#lookAfter(this.#timeLimitMs)
  }

  #lookAfter(delayMs: number): void {
    if (!this.#closed) this.#timer = this.#clock.setTimer(() => void this.#look(), delayMs, false)
  }

  /** A read changes nothing, however late it arrives: only once it has been answered a question follows. */
  async #look(): Promise<void> {
    const read = this.#inTime(this.#sent(() => this.#port.read(this.memoryKey)))
    const back = await read.then(() => this.#isBack(), isNot)
    if (!back) return this.#lookAfter(this.timing.probeMs)
    this.#away = false
    this.#changed()
  }

  #isBack(): Promise<boolean> {
    // Somebody has tripped the breaker by hand.
    if (this.breaker.wouldRefuseAt(this.#clock.now())) return Promise.resolve(false)
    return this.#ask(this.breaker.tryEnter(), LEASE_TOKENS, [], []).then(() => true, isNot)
  }
}

/** A failure that the breaker has counted. */
const isNot = (): boolean => false

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
