/** How long callers wait, as they say in a header. */
import { type Clock, systemClock } from 'holdfast'
import { checkOptions, clockRule, durationMs, type Rules } from 'holdfast/options'
import { type Problem, problem } from '../problem.ts'
import { Caller } from './caller.ts'

/** The header in which a caller says for how many more milliseconds it waits. */
export const DEADLINE_HEADER = 'x-request-deadline-ms'

/** How deadlines are read. */
export interface DeadlineOptions {
  /** The longest that is believed, in milliseconds. Default 60,000. */
  readonly maxDeadlineMs?: number | undefined
  /** What holds for requests that name none, in milliseconds. Default: no limit. */
  readonly defaultDeadlineMs?: number | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
}

const DEADLINE_RULES: Rules<DeadlineOptions> = {
  maxDeadlineMs: durationMs(1),
  defaultDeadlineMs: durationMs(1),
  clock: clockRule,
}

/** Reads deadlines from requests. */
export class Deadlines {
  readonly #maxDeadlineMs: number
  readonly #defaultDeadlineMs: number
  readonly #clock: Clock

  /** @throws InvalidOptionError when an option makes no sense */
  constructor(options: DeadlineOptions = {}) {
    checkOptions('deadlines', options, DEADLINE_RULES)
    this.#maxDeadlineMs = options.maxDeadlineMs ?? 60_000
    this.#defaultDeadlineMs = options.defaultDeadlineMs ?? Number.POSITIVE_INFINITY
    this.#clock = options.clock ?? systemClock
  }

  /**
   * Who asks.
   *
   * @param header {@link DEADLINE_HEADER} as it came
   * @returns a problem, if the header makes no sense or the time has passed already
   */
  read(header: string | undefined): Caller | Problem {
    if (header === undefined) return new Caller(this.#clock, this.#defaultDeadlineMs)
    if (!/^\d{1,10}$/.test(header)) {
      const detail = `The header ${DEADLINE_HEADER} must be a whole number of milliseconds.`
      return problem('invalid-request', 400, 'The request makes no sense', detail)
    }
    const deadlineMs = Number(header)
    if (deadlineMs > 0) return new Caller(this.#clock, Math.min(deadlineMs, this.#maxDeadlineMs))
    return problem('deadline-passed', 504, 'The deadline has passed', 'Nobody waits for the answer any more.')
  }
}
