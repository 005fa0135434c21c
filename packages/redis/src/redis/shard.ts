/** One server of Redis, as far as this process knows it: whether it answers, and what time it has. */
import { CircuitBreaker, type CircuitPermit, type Clock, type Timer } from 'holdfast'
import { FleetUnavailableError } from '../errors.ts'
import { BE_PRESENT } from '../scripts/be-present.ts'
import { LEASE_TOKENS } from '../scripts/lease-tokens.ts'
import type { Script } from '../scripts/script.ts'
import type { RedisPort } from './port.ts'
import { MEMORY_MS, PACE, type Timing, timingFor } from './timing.ts'

/** What a script answered. */
export interface Answer {
  /** When the question was sent, on this process's monotonic clock: whatever was granted counts from then. */
  readonly sentAt: number
  /** For how long after `sentAt` nothing is given yet, in milliseconds, because Redis has begun to remember anew. */
  readonly settlingMs: number
  /** What follows the head. */
  readonly values: readonly unknown[]
}

/** Limits are shared out without Redis, since then on the monotonic clock; this process has so much of each, from 0 to 1. */
export interface ShareFrom {
  readonly at: number
  readonly part: number
}

/** All shares together, in the units in which Redis allots them. */
export const WHOLE = 1_000_000

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
  readonly membersKey: string
  readonly breaker: CircuitBreaker
  readonly timing: Timing
  readonly #port: RedisPort
  readonly #clock: Clock
  readonly #processId: string
  readonly #timeLimitMs: number
  readonly #changed: () => void
  readonly #answered: () => void
  #processes: number | undefined
  /** What Redis has allotted to this process, and it knows of. */
  #allotted = 0
  /** When the last question was sent that Redis may have heard. */
  #heardAt = Number.NEGATIVE_INFINITY
  #share: ShareFrom | undefined
  #timer: Timer | undefined
  #away = false
  /** What Redis's clock said, in microseconds, and when that was here. */
  #redisTime: { readonly us: number; readonly at: number } | undefined
  #lastAnsweredAt = Number.NEGATIVE_INFINITY
  /** Before tokens flow again after Redis has begun to remember anew, on the monotonic clock; past when they do. */
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
    this.memoryKey = `${around.keyPrefix}:{${tag}}:memory`
    this.membersKey = `${around.keyPrefix}:{${tag}}:members`
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

  /** How many processes reach it, this one included; undefined before its first answer. */
  get processes(): number | undefined {
    return this.#processes
  }

  /** Which part of a limit this process has when limits are shared out, from 0 to 1. */
  get part(): number {
    return this.#allotted / WHOLE
  }

  /**
   * From when on limits are shared out without this server, and which part this process has; undefined while it is asked.
   * It is not asked while it is cut off, and after its return until it gives tokens again.
   */
  shareFrom(now: number): ShareFrom | undefined {
    const share = this.#share
    if (share !== undefined) {
      // Once it is known when Redis gives tokens again the share ends then, whether Redis answers at that moment or not.
      const ends = this.#knowsEndOf(share) ? now >= this.#settledAt : this.available
      if (!ends) return share
      this.#share = undefined
    }
    if (this.available) return undefined
    const at = this.#heardAt + this.timing.shareAfterMs
    // Who has not been allotted anything yet does not know what the others do.
    if (now < at || this.#allotted === 0) return undefined
    this.#share = { at, part: this.part }
    return this.#share
  }

  #knowsEndOf(share: ShareFrom): boolean {
    return this.#settledAt > share.at
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

  /** Says that this process is there, or leaves, and learns what part it has. Never asked twice at a time. */
  async bePresent(stays: boolean): Promise<void> {
    const { values } = await this.ask(BE_PRESENT, [], [stays ? '1' : '0'])
    this.#allotted = Number(values[0])
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
      String(this.timing.silentMs * 1_000),
      String(this.timing.keptMs * 1_000),
      String(this.#allotted),
      this.#usesShare(sentAt) ? '1' : '0',
    ]
    const heardAt = this.#heardAt
    try {
      const reply = await this.#inTime(
        this.#sent(() => {
          this.#heardAt = sentAt
          return this.#port.run(script, [this.memoryKey, this.membersKey, ...keys], [...head, ...args])
        }),
      )
      const answer = this.#read(reply, sentAt)
      permit.succeed()
      return answer
    } catch (cause) {
      permit.fail(cause)
      // What Redis has refused it has not done.
      if (isRefusal(cause) && this.#heardAt === sentAt) this.#heardAt = heardAt
      this.#lost()
      throw cause instanceof FleetUnavailableError ? cause : new FleetUnavailableError(messageOf(cause), { cause })
    }
  }

  #read(reply: unknown, sentAt: number): Answer {
    if (!Array.isArray(reply) || reply.length < 4) throw new FleetUnavailableError('redis answered what is no answer')
    const [us, late, settlingUs, processes, ...values] = reply
    const now = this.#clock.now()
    this.#redisTime = { us: Number(us), at: now }
    if (Number(late) === 1) throw new FleetUnavailableError('the question reached redis too late')
    this.#lastAnsweredAt = Math.max(this.#lastAnsweredAt, sentAt)
    this.#processes = Number(processes)
    const settlingMs = Number(settlingUs) / 1_000
    if (settlingMs > 0) this.#settledAt = sentAt + settlingMs * PACE
    this.#roundTripMs += (now - sentAt - this.#roundTripMs) / 8
    this.#answered()
    return { sentAt, settlingMs, values }
  }

  /** Whether it goes on its share and does not know until when: Redis must keep it until it says that it has ended. */
  #usesShare(now: number): boolean {
    const share = this.shareFrom(now)
    return share !== undefined && !this.#knowsEndOf(share)
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
    // An answer that waited while this process stood still may be too old for the breaker, which then stays open.
    if (!back || !this.available) return this.#lookAfter(this.timing.probeMs)
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

/** Whether it is Redis that says no: `OOM …`, `READONLY …`, and all others that begin with their kind. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && /^[A-Z]{2,} /.test(error.message)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
