/** Code of the user's that comes back to the service whenever it is called: hooks, listeners, predicates and the functions themselves. */
import { seededRandom, VirtualClock } from '@holdfast/testing'
import { type CallOptions, createResilience, type Service, type ServiceOptions } from 'holdfast'
import { expect, it } from 'vitest'
import { networkError, statusError } from '../support.ts'

const SEEDS = 100
const STEPS = 120

class Mischief {
  readonly clock = new VirtualClock()
  readonly service: Service
  readonly #random: () => number
  /** Of the last calls. */
  readonly #controllers: AbortController[] = []
  readonly #settled = new Set<number>()
  readonly #madeTooLate: number[] = []
  #calls = 0
  #depth = 0
  #isOver = false

  constructor(seed: number) {
    this.#random = seededRandom(seed)
    const resilience = createResilience({
      clock: this.clock,
      random: this.#random,
      onHookError: () => undefined,
      services: { odd: { profile: 'INTERNAL', ...this.#settings() } },
    })
    resilience.events.subscribe(this.#mischief)
    this.service = resilience.service('odd')
    this.service.circuitBreaker?.onStateChange(this.#mischief)
  }

  async run(): Promise<void> {
    for (let step = 0; step < STEPS; step++) {
      for (let calls = this.#pick(0, 1, 1, 3, 8); calls > 0; calls--) this.#call()
      if (this.#chance(0.2)) this.#abortOne()
      if (this.#chance(0.1)) this.clock.block(this.#pick(5, 100, 700))
      await this.clock.advance(this.#pick(0, 1, 5, 30, 200))
    }
    this.#isOver = true
    this.service.circuitBreaker?.reset()
    await this.clock.runToRest()
    // Slots of abandoned calls and idle timers.
    await this.clock.advance(2_000)
  }

  /** What there must be nothing of at rest. */
  get left(): object {
    const { bulkhead, circuitBreaker, rateLimiter, calls } = this.service.snapshot()
    return {
      madeTooLate: this.#madeTooLate,
      unsettled: this.#calls - this.#settled.size,
      inFlight: calls.inFlight,
      active: bulkhead?.active,
      abandoned: bulkhead?.abandoned,
      waiting: (bulkhead?.queued ?? 0) + (rateLimiter?.queued ?? 0) + (circuitBreaker?.parked ?? 0),
      timers: this.clock.pendingTimersThatKeepAlive,
    }
  }

  #settings(): ServiceOptions {
    const judge = (value: unknown): boolean => {
      this.#mischief()
      return value !== 1
    }
    return {
      profile: this.#pick('BROKER', 'DATA_PROVIDER', 'INTERNAL'),
      timeoutMs: this.#pick(300, 2_000, 60_000),
      attemptTimeoutMs: this.#pick(50, 200, 5_000),
      circuitBreaker: {
        failureThreshold: this.#pick(1, 2, 4),
        recoveryTimeoutMs: this.#pick(50, 500),
        probeShare: this.#pick(undefined, 0.5, 1),
        minProbeIntervalMs: 20,
        parkingMs: this.#pick(0, 600),
        maxKeys: this.#pick(0, 3),
        maxProbes: this.#pick(1, 2),
        probeTimeoutMs: this.#pick(100, 30_000),
        criticalProbes: this.#pick(true, false),
        isFailure: judge,
        isFailureResult: judge,
      },
      retry: {
        maxRetries: this.#pick(0, 2),
        baseDelayMs: this.#pick(0, 20),
        retryOn: this.#pick(undefined, [judge]),
        onRetry: this.#mischief,
      },
      hedge: this.#pick<ServiceOptions['hedge']>(false, { delayMs: 20 }),
      throttle: this.#pick<ServiceOptions['throttle']>(false, { minCalls: 5 }),
      rateLimiter: this.#pick<ServiceOptions['rateLimiter']>(false, {
        tokensPerSecond: 100,
        burstSize: 5,
        maxWaitMs: 500,
        criticalShare: 0.2,
      }),
      bulkhead: {
        maxConcurrent: this.#pick(1, 3),
        maxQueue: this.#pick(0, 2, 10),
        acquireTimeoutMs: this.#pick(0, 100, 1_000),
        maxPerKey: this.#pick(undefined, 1),
        criticalShare: this.#pick(0, 0.5),
      },
    }
  }

  readonly #mischief = (): void => {
    if (this.#isOver || this.#depth > 2 || !this.#chance(0.15)) return
    const { circuitBreaker, bulkhead, rateLimiter } = this.service
    this.#depth++
    try {
      this.#pick(
        () => this.#abortOne(),
        () => this.#abortOne(),
        () => this.#call(),
        () => circuitBreaker?.trip(),
        () => circuitBreaker?.reset(),
        () => bulkhead?.setMaxConcurrent(this.#pick(1, 2, 6)),
        () => bulkhead?.ramp(),
        () => rateLimiter?.pauseFor(300),
        () => {
          throw new Error('mischief')
        },
      )()
    } finally {
      this.#depth--
    }
  }

  #call(): void {
    const call = this.#calls++
    const controller = new AbortController()
    this.#controllers.push(controller)
    if (this.#controllers.length > 30) this.#controllers.shift()
    const settled = (): unknown => this.#settled.add(call)
    this.service
      .execute((): unknown => {
        if (this.#settled.has(call)) this.#madeTooLate.push(call)
        this.#mischief()
        return this.#answer()
      }, this.#options(controller.signal))
      .then(settled, settled)
  }

  #options(signal: AbortSignal): CallOptions | undefined {
    return this.#pick<CallOptions | undefined>(
      undefined,
      { signal },
      {
        signal,
        key: this.#pick('AAPL', 'TSLA'),
        priority: this.#pick('critical', 'normal', 'background'),
        idempotent: this.#pick(true, false),
        timeoutMs: this.#pick(20, 500, 5_000),
      },
    )
  }

  #answer(): unknown {
    const reset = networkError('ECONNRESET')
    const later = <T>(settle: (value: T) => void, value: T): unknown =>
      this.clock.setTimer(() => settle(value), 300 * this.#random())
    return this.#pick<() => unknown>(
      () => 1,
      () => 2,
      () => Promise.resolve(1),
      () => Promise.reject(reset),
      () => Promise.reject(statusError(this.#pick(404, 429))),
      () => {
        throw reset
      },
      () => new Promise((resolve) => later(resolve, 1)),
      () => new Promise((_, reject) => later(reject, reset)),
      () => new Promise(() => undefined),
    )()
  }

  #abortOne(): void {
    this.#pick(new AbortController(), ...this.#controllers).abort(new Error('no longer wanted'))
  }

  #chance(share: number): boolean {
    return this.#random() < share
  }

  /** Only the first may be undefined. */
  #pick<T>(first: T, ...others: readonly T[]): T {
    const index = Math.floor(this.#random() * (others.length + 1))
    return others[index - 1] ?? first
  }
}

it('leaves nothing behind, makes no call that is over, and loses none', async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const mischief = new Mischief(seed)
    await mischief.run()
    expect(mischief.left, `seed ${seed}`).toEqual({
      madeTooLate: [],
      unsettled: 0,
      inFlight: 0,
      active: 0,
      abandoned: 0,
      waiting: 0,
      timers: 0,
    })
  }
})
