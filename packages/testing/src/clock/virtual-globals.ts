import type { Timer } from 'holdfast'
import type { VirtualClock } from './virtual-clock.ts'

/** The globals of time, while they are virtual. */
export interface VirtualGlobals {
  /** Goes on with another clock: what was set with the one before stays with that. */
  use(clock: VirtualClock): void
  /** Gives the real ones back. */
  uninstall(): void
}

type Callback = (...args: unknown[]) => void

/** What `setTimeout` returns: as much of Node's `Timeout` as programs use. */
class VirtualTimeout {
  #timer: Timer | undefined
  #keepsAlive = true
  readonly #start: (keepsAlive: boolean) => Timer

  constructor(start: (keepsAlive: boolean) => Timer) {
    this.#start = start
    this.#timer = start(true)
  }

  ref(): this {
    this.#keepsAlive = true
    return this
  }

  unref(): this {
    // A clock's timer keeps alive or not from the beginning; the order among those of the same moment may change by this.
    if (this.#keepsAlive) this.#restart(false)
    return this
  }

  hasRef(): boolean {
    return this.#keepsAlive
  }

  refresh(): this {
    this.#restart(this.#keepsAlive)
    return this
  }

  close(): this {
    this.#timer?.cancel()
    this.#timer = undefined
    return this
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #restart(keepsAlive: boolean): void {
    this.#keepsAlive = keepsAlive
    this.#timer?.cancel()
    this.#timer = this.#start(keepsAlive)
  }
}

/**
 * Makes time virtual for a whole process: `setTimeout`, `setInterval` and `setImmediate` with their opposites, the same
 * from `node:timers` and `node:timers/promises`, `Date`, `performance.now`, `process.hrtime` and `AbortSignal.timeout`. For
 * programs and libraries that take no clock. Install it before they are loaded: many keep what they find then.
 *
 * @example
 * const clock = new VirtualClock()
 * const globals = installVirtualGlobals(clock)
 * const { default: Opossum } = await import('opossum')
 * await clock.advance(30_000)
 * globals.uninstall()
 */
export function installVirtualGlobals(first: VirtualClock): VirtualGlobals {
  // Asked for here and not imported, so that the rest of the package loads where there are no such modules.
  const timers = process.getBuiltinModule('node:timers')
  const timersPromises = process.getBuiltinModule('node:timers/promises')
  const { syncBuiltinESMExports } = process.getBuiltinModule('node:module')
  let clock = first
  const restore: (() => void)[] = []
  const replace = (target: object, key: string, value: unknown): void => {
    const before = Object.getOwnPropertyDescriptor(target, key)
    Object.defineProperty(target, key, { configurable: true, writable: true, enumerable: true, value })
    restore.push(() => {
      if (before === undefined) Reflect.deleteProperty(target, key)
      else Object.defineProperty(target, key, before)
    })
  }

  const setTimeout = (callback: Callback, delayMs = 1, ...args: unknown[]): VirtualTimeout => {
    const delay = atLeastOne(delayMs)
    return new VirtualTimeout((keepsAlive) => clock.setTimer(() => callback(...args), delay, keepsAlive))
  }
  const setInterval = (callback: Callback, delayMs = 1, ...args: unknown[]): VirtualTimeout => {
    const interval = setTimeout(() => {
      // First, so that the callback can end it.
      interval.refresh()
      callback(...args)
    }, delayMs)
    return interval
  }
  const setImmediate = (callback: Callback, ...args: unknown[]): VirtualTimeout =>
    new VirtualTimeout(() => clock.setImmediate(() => callback(...args)))
  /** What was set before the globals were replaced is still called off by the real ones. */
  const clearOr =
    <Handle>(real: (handle: Handle) => void) =>
    (handle: VirtualTimeout | Handle): void => {
      if (handle instanceof VirtualTimeout) handle.close()
      else real(handle)
    }
  const sleep = (delayMs = 1, value?: unknown, options: { signal?: AbortSignal } = {}): Promise<unknown> =>
    wait(options.signal, value, (done) => setTimeout(done, delayMs))
  const turn = (value?: unknown, options: { signal?: AbortSignal } = {}): Promise<unknown> =>
    wait(options.signal, value, (done) => setImmediate(done))

  const callbacks = {
    setTimeout,
    setInterval,
    setImmediate,
    clearTimeout: clearOr(clearTimeout),
    clearInterval: clearOr(clearInterval),
    clearImmediate: clearOr(clearImmediate),
  }
  for (const target of [globalThis, timers]) {
    for (const [key, value] of Object.entries(callbacks)) replace(target, key, value)
  }
  replace(timersPromises, 'setTimeout', sleep)
  replace(timersPromises, 'setImmediate', turn)
  replace(
    globalThis,
    'Date',
    virtualDate(() => clock.wallTime()),
  )
  replace(performance, 'now', () => clock.now())
  const hrtime = (since: readonly [number, number] = [0, 0]): [number, number] => {
    const nanoseconds = Math.round(clock.now() * 1e6) - since[0] * 1e9 - since[1]
    return [Math.floor(nanoseconds / 1e9), nanoseconds % 1e9]
  }
  replace(process, 'hrtime', Object.assign(hrtime, { bigint: () => BigInt(Math.round(clock.now() * 1e6)) }))
  replace(AbortSignal, 'timeout', (delayMs: number): AbortSignal => {
    const controller = new AbortController()
    const expire = (): void =>
      controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    setTimeout(expire, delayMs).unref()
    return controller.signal
  })
  syncBuiltinESMExports()

  return {
    use(next) {
      clock = next
    },
    uninstall() {
      for (const undo of restore.splice(0).reverse()) undo()
      syncBuiltinESMExports()
    },
  }
}

/** As Node does with what is no delay. */
function atLeastOne(delayMs: unknown): number {
  const delay = Number(delayMs)
  return delay >= 1 && delay <= 2_147_483_647 ? Math.trunc(delay) : 1
}

function wait(
  signal: AbortSignal | undefined,
  value: unknown,
  start: (done: () => void) => VirtualTimeout,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason)
      return
    }
    const abort = (): void => {
      handle.close()
      reject(signal?.reason)
    }
    const handle = start(() => {
      signal?.removeEventListener('abort', abort)
      resolve(value)
    })
    signal?.addEventListener('abort', abort, { once: true })
  })
}

function virtualDate(now: () => number): DateConstructor {
  return new Proxy(Date, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: (target) => new target(now()).toString(),
    get: (target, key, receiver) => (key === 'now' ? now : Reflect.get(target, key, receiver)),
  })
}
