/** What lies outside the library in the stress test: answers that come later, and callers who give up. */
import type { Clock } from 'holdfast'

/** Things to do at whole milliseconds: a timer each would cost more than the calls that are tested. */
class Agenda {
  waiting = 0
  #doneUntil = -1
  readonly #clock: Clock
  readonly #due = new Map<number, (() => void)[]>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(afterMs: number, callback: () => void): void {
    const at = Math.max(this.#doneUntil + 1, Math.ceil(this.#clock.now()) + afterMs)
    const due = this.#due.get(at)
    if (due === undefined) this.#due.set(at, [callback])
    else due.push(callback)
    this.waiting++
  }

  runDue(): void {
    const now = this.#clock.now()
    this.#doneUntil = now
    const due = this.#due.get(now) ?? []
    this.#due.delete(now)
    this.waiting -= due.length
    for (const callback of due) callback()
  }
}

/** Answers that come after a while. */
export class AnswersLater {
  readonly #agenda: Agenda

  constructor(clock: Clock) {
    this.#agenda = new Agenda(clock)
  }

  /** How many have not come yet. */
  get waiting(): number {
    return this.#agenda.waiting
  }

  resolves<T>(afterMs: number, value: T): Promise<T> {
    return new Promise((resolve) => this.#agenda.add(afterMs, () => resolve(value)))
  }

  rejects(afterMs: number, error: unknown): Promise<never> {
    return new Promise((_, reject) => this.#agenda.add(afterMs, () => reject(error)))
  }

  /** Something that can be awaited but keeps no promise: it answers, answers again, and then fails. */
  twice(afterMs: number, value: unknown, error: unknown): unknown {
    const settleTwice = (onFulfilled: (value: unknown) => void, onRejected: (error: unknown) => void): void =>
      this.#agenda.add(afterMs, () => {
        onFulfilled(value)
        onFulfilled(value)
        onRejected(error)
      })
    return Object.fromEntries([['then', settleTwice]])
  }

  answerDue(): void {
    this.#agenda.runDue()
  }
}

/** Signals of callers who give up, of which it is known how many listeners they have. */
export class WatchedSignals {
  listeners = 0
  readonly reason: Error = new Error('the caller has gone')
  readonly #agenda: Agenda

  constructor(clock: Clock) {
    this.#agenda = new Agenda(clock)
  }

  abortedAfter(ms: number): AbortSignal {
    const controller = new AbortController()
    const { signal } = controller
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    const listening = new Set<unknown>()
    signal.addEventListener = (type: string, listener: EventListenerOrEventListenerObject): void => {
      if (!listening.has(listener)) this.listeners++
      listening.add(listener)
      add(type, listener)
    }
    signal.removeEventListener = (type: string, listener: EventListenerOrEventListenerObject): void => {
      if (listening.delete(listener)) this.listeners--
      remove(type, listener)
    }
    this.#agenda.add(ms, () => controller.abort(this.reason))
    return signal
  }

  abortDue(): void {
    this.#agenda.runDue()
  }
}
