/** Load shedding: what is turned away when there is more than the process can carry, least important first. */
import { type Clock, InvalidOptionError, systemClock } from 'holdfast'
import { checkOptions, clockRule, durationMs, type Rules, wholeNumber } from 'holdfast/options'
import { problem } from '../problem.ts'
import { EventLoopDelay, type IdleTime } from './event-loop-delay.ts'

/**
 * How much a request matters: `critical` for what reduces risk (a cancellation, an order), `background` for what can wait
 * (a report, a prefetch), `normal` for the rest.
 */
export type Priority = 'critical' | 'normal' | 'background'

/** When requests are turned away. Give one of the two bounds, or both. */
export interface LoadSheddingOptions {
  /**
   * The event loop's delay, in milliseconds, from which on `background` is turned away; from twice as much on `normal` is too,
   * and from ten times as much on everything. On Node, half the time for which the loop has had nothing but work counts as
   * such a delay, for `background` and `normal`: what waits for it may stand where nobody sees it.
   */
  readonly maxEventLoopDelayMs?: number | undefined
  /** How many requests may be under way. Half of them may be `background`; the last fifth is for `critical` alone. */
  readonly maxInFlight?: number | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

/** The rules that {@link LoadSheddingOptions} are held to. */
export const LOAD_SHEDDING_RULES: Rules<LoadSheddingOptions> = {
  maxEventLoopDelayMs: durationMs(1),
  maxInFlight: wholeNumber(1),
  clock: clockRule,
}

/** The answer to a request that is turned away: a 503. */
export interface Shed {
  readonly headers: Readonly<Record<string, string>>
  /** A problem, as JSON. */
  readonly body: string
}

/** A shedder at one moment, as plain data. */
export interface LoadSheddingSnapshot {
  readonly inFlight: number
  readonly eventLoopDelayMs: number
  readonly admitted: number
  /** Turned away, by priority. */
  readonly shed: Readonly<Record<Priority, number>>
}

interface Level {
  /** Of `maxEventLoopDelayMs`. */
  readonly delayShare: number
  /** Of `maxInFlight`. */
  readonly inFlightShare: number
  /** What matters less comes back later, so that what matters more finds room first. */
  readonly retryAfterSeconds: number
}

const LEVELS: Readonly<Record<Priority, Level>> = {
  critical: { delayShare: 10, inFlightShare: 1, retryAfterSeconds: 1 },
  normal: { delayShare: 2, inFlightShare: 0.8, retryAfterSeconds: 2 },
  background: { delayShare: 1, inFlightShare: 0.5, retryAfterSeconds: 5 },
}

/**
 * Turns requests away before they cost anything, as soon as the process has more to do than it can: `background` first,
 * `critical` last. Never waits.
 *
 * @example
 * const shedder = new LoadShedder({ maxEventLoopDelayMs: 50, maxInFlight: 500 })
 * const shed = shedder.refusal('background')
 * if (shed === undefined) { shedder.begin(); try { await work() } finally { shedder.end() } }
 */
export class LoadShedder {
  readonly #delay: EventLoopDelay
  readonly #maxDelayMs: number
  readonly #maxInFlight: number
  #inFlight = 0
  #admitted = 0
  readonly #shed: Record<Priority, number> = { critical: 0, normal: 0, background: 0 }

  /**
   * @param idleTime how long the event loop has waited. Default: as the runtime tells it, if it does and the clock is its own
   * @throws InvalidOptionError when an option makes no sense, or there is no bound
   */
  constructor(options: LoadSheddingOptions, idleTime?: IdleTime) {
    checkOptions('loadShedding', options, LOAD_SHEDDING_RULES)
    const { maxEventLoopDelayMs, maxInFlight, clock = systemClock } = options
    if (maxEventLoopDelayMs === undefined && maxInFlight === undefined) {
      throw new InvalidOptionError(
        'loadShedding.maxInFlight',
        undefined,
        'give maxInFlight, maxEventLoopDelayMs, or both',
      )
    }
    this.#delay = new EventLoopDelay(clock, idleTime)
    this.#maxDelayMs = maxEventLoopDelayMs ?? Number.POSITIVE_INFINITY
    this.#maxInFlight = maxInFlight ?? Number.POSITIVE_INFINITY
  }

  /** Whether a request is turned away, and how; undefined when it may come in. */
  refusal(priority: Priority): Shed | undefined {
    const { delayShare, inFlightShare } = LEVELS[priority]
    if (this.#inFlight >= Math.max(1, Math.floor(this.#maxInFlight * inFlightShare)))
      return this.#refuse(priority, 'full')
    if (this.#maxDelayMs === Number.POSITIVE_INFINITY) return undefined
    return this.#delayFor(priority) > this.#maxDelayMs * delayShare ? this.#refuse(priority, 'slow') : undefined
  }

  /** Who is critical is turned away only for a delay that was measured: a busy loop may have no queue at all. */
  #delayFor(priority: Priority): number {
    const delayMs = this.#delay.read()
    return priority === 'critical' ? delayMs : Math.max(delayMs, this.#delay.busyForMs / 2)
  }

  /** A request that may come in begins to be worked on. */
  begin(): void {
    this.#inFlight++
    this.#admitted++
  }

  /** It is over. To be called once for each {@link begin}. */
  end(): void {
    this.#inFlight--
  }

  /** Everything there is to see, as plain data. */
  snapshot(): LoadSheddingSnapshot {
    return {
      inFlight: this.#inFlight,
      eventLoopDelayMs: this.#delay.read(),
      admitted: this.#admitted,
      shed: { ...this.#shed },
    }
  }

  #refuse(priority: Priority, reason: keyof typeof TEXTS): Shed {
    this.#shed[priority]++
    return TEXTS[reason][priority]
  }
}

/** What is told is the same every time: under too much load nothing is made that could be made before. */
const TEXTS = {
  full: answers('as many requests as it may have are under way'),
  slow: answers('its event loop is late'),
}

function answers(reason: string): Readonly<Record<Priority, Shed>> {
  return {
    critical: answer('critical', reason),
    normal: answer('normal', reason),
    background: answer('background', reason),
  }
}

function answer(priority: Priority, reason: string): Shed {
  const { retryAfterSeconds } = LEVELS[priority]
  const detail = `The server has more to do than it can (${reason}), so it turns ${priority} requests away; come back in ${retryAfterSeconds} s.`
  const told = problem('overloaded', 503, 'The server is overloaded', detail, {
    retryAfterMs: retryAfterSeconds * 1_000,
  })
  return { headers: { 'retry-after': String(retryAfterSeconds) }, body: JSON.stringify({ ...told, priority }) }
}
