/** Listeners, hooks and loggers: code of the user's that is told things and whose mistakes must not reach a call. */

/** Takes back a subscription. */
export type Unsubscribe = () => void

/** Told when a hook, listener, predicate or logger of the user's has thrown. `where` names it. */
export type HookErrorReporter = (error: unknown, where: string) => void

/** What is done with a hook's error unless the user says otherwise: it is written to the console. */
export const reportToConsole: HookErrorReporter = (error, where) => {
  console.error(`holdfast: ${where} threw; the call was not affected. Mend it, or pass onHookError.`, error)
}

/** Where records are written. pino, console and most loggers fit. */
export interface Logger {
  debug(record: object, message: string): void
  info(record: object, message: string): void
  warn(record: object, message: string): void
  error(record: object, message: string): void
}

/** Runs code of the user's; an error of it is reported and goes no further. */
export function guardHook<T>(run: () => T, where: string, report: HookErrorReporter, otherwise: T): T {
  try {
    return run()
  } catch (error) {
    reportHookError(error, where, report)
    return otherwise
  }
}

/** A reporter that throws as well is the end of the line: its error goes to the console. */
export function reportHookError(error: unknown, where: string, report: HookErrorReporter): void {
  try {
    report(error, where)
  } catch (reporterError) {
    reportToConsole(reporterError, 'onHookError')
  }
}

/**
 * Listeners to events of one type. An event that a listener causes is delivered after the current one, in order, so that
 * every listener sees the same history; a listener that throws is reported and the others are still told.
 */
export class Listeners<E> {
  readonly #listeners: ((event: E) => void)[] = []
  readonly #where: string
  readonly #report: HookErrorReporter
  readonly #pending: E[] = []
  #delivering = false

  constructor(where: string, report: HookErrorReporter) {
    this.#where = where
    this.#report = report
  }

  /** Whether anybody listens: ask before making an event. */
  get any(): boolean {
    return this.#listeners.length > 0
  }

  /** Adds a listener. Adding one twice tells it twice; each subscription is taken back by its own function. */
  subscribe(listener: (event: E) => void): Unsubscribe {
    const entry = (event: E): void => listener(event)
    this.#listeners.push(entry)
    return () => {
      const index = this.#listeners.indexOf(entry)
      if (index >= 0) this.#listeners.splice(index, 1)
    }
  }

  emit(event: E): void {
    this.#pending.push(event)
    if (this.#delivering) return
    this.#delivering = true
    for (let next = this.#pending.shift(); next !== undefined; next = this.#pending.shift()) {
      const current = next
      for (const listener of [...this.#listeners]) {
        guardHook(() => listener(current), this.#where, this.#report, undefined)
      }
    }
    this.#delivering = false
  }
}
