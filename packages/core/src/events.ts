/** Listeners, hooks and loggers: code of the user's that is told things and whose mistakes must not reach a call. */
import { isThenable } from './pipeline/thenable.ts'

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

/** Tells code of the user's something. Nobody waits for it if it is asynchronous, but a rejection is reported like a throw. */
export function tellHook(tell: () => unknown, where: string, report: HookErrorReporter): void {
  guardHook(() => whenRejected(tell(), (error) => reportHookError(error, where, report)), where, report, undefined)
}

/** A reporter that throws as well is the end of the line: its error goes to the console. */
export function reportHookError(error: unknown, where: string, report: HookErrorReporter): void {
  const toConsole = (reporterError: unknown): void => reportToConsole(reporterError, 'onHookError')
  try {
    whenRejected(report(error, where), toConsole)
  } catch (reporterError) {
    toConsole(reporterError)
  }
}

/** A function that is typed to return nothing may return a promise, and one that nobody looks at ends the process. */
function whenRejected(answer: unknown, onRejected: (error: unknown) => void): void {
  if (isThenable(answer)) Promise.resolve(answer).then(undefined, onRejected)
}

/**
 * Listeners to events of one type. An event that a listener causes is delivered after the current one, in order, so that
 * every listener sees the same history; a listener that throws, or rejects, is reported and the others are still told.
 */
export class Listeners<E> {
  readonly #listeners: ((event: E) => unknown)[] = []
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
    const entry = (event: E): unknown => listener(event)
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
        tellHook(() => listener(current), this.#where, this.#report)
      }
    }
    this.#delivering = false
  }
}
