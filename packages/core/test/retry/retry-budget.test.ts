import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { InvalidOptionError, pipeline, RetryBudget } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError, rejection, statusError } from '../support.ts'

const retryNow = { maxRetries: 3, baseDelayMs: 0, jitter: 'none' } as const

describe('a retry budget', () => {
  it('never spends more than it began with and was earned, whatever happens in which order', () => {
    const step = fc.oneof(
      fc.constant('success' as const),
      fc.constant('retry' as const),
      fc.constant('retry after timeout' as const),
    )
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 500 }),
        fc.double({ min: 1, max: 50, noNaN: true }),
        fc.double({ min: 0, max: 2, noNaN: true }),
        (steps, capacity, tokensPerSuccess) => {
          const budget = new RetryBudget({ capacity, tokensPerSuccess })
          let earned = capacity / 2
          let spent = 0
          for (const what of steps) {
            if (what === 'success') {
              budget.earn()
              earned += tokensPerSuccess
              continue
            }
            const isTimeout = what === 'retry after timeout'
            if (budget.tryTake(isTimeout)) spent += isTimeout ? Math.min(5, capacity) : 1
            expect(spent).toBeLessThanOrEqual(earned + 1e-6)
          }
          const { tokens } = budget.snapshot()
          expect(tokens).toBeGreaterThanOrEqual(0)
          expect(tokens).toBeLessThanOrEqual(capacity)
        },
      ),
    )
  })

  it('counts retries that still sleep: it is paid when they are decided on', async () => {
    const clock = new VirtualClock()
    const retryBudget = new RetryBudget({ capacity: 6 })
    const retry = { maxRetries: 1, baseDelayMs: 1_000, jitter: 'none' } as const
    const guarded = pipeline({ clock, retry, retryBudget })
    const results = Array.from({ length: 10 }, () =>
      rejection(guarded.execute(() => Promise.reject(networkError('ECONNRESET')))),
    )
    await clock.settle()
    expect(retryBudget.snapshot()).toEqual({ tokens: 0, capacity: 6, totals: { granted: 3, refused: 7 } })
    await clock.runToRest()
    const reasons = (await Promise.all(results)).map((error) => Reflect.get(Object(error), 'reason'))
    expect(reasons.filter((reason) => reason === 'retry-budget')).toHaveLength(7)
    expect(reasons.filter((reason) => reason === 'max-retries')).toHaveLength(3)
  })

  it('is dearer after a timeout, and is earned by successes', async () => {
    const clock = new VirtualClock()
    const retryBudget = new RetryBudget()
    const guarded = pipeline({ clock, retry: { ...retryNow, maxRetries: 1 }, retryBudget, attemptTimeoutMs: 100 })
    const hung = rejection(guarded.execute(() => new Promise(() => undefined)))
    await clock.runToRest()
    await hung
    expect(retryBudget.snapshot().tokens).toBe(5)
    await guarded.execute(() => 1)
    // A "no" is an answer.
    expect(await rejection(guarded.execute(() => Promise.reject(statusError(404))))).toMatchObject({ status: 404 })
    expect(retryBudget.snapshot().tokens).toBe(7)
    const retried = guarded.execute(({ attempt }) => (attempt === 1 ? Promise.reject(networkError('ECONNRESET')) : 1))
    await clock.runToRest()
    await retried
    expect(retryBudget.snapshot().tokens).toBe(7)
  })

  it('is shared by the pipelines that it is handed to', async () => {
    const retryBudget = new RetryBudget({ capacity: 2, tokensPerSuccess: 0 })
    const [one, other] = [1, 2].map(() => pipeline({ retry: retryNow, retryBudget }))
    const fail = (): Promise<never> => Promise.reject(networkError('ECONNRESET'))
    expect(await rejection(one?.execute(fail) ?? Promise.resolve())).toMatchObject({
      reason: 'retry-budget',
      attempts: { length: 2 },
    })
    expect(await rejection(other?.execute(fail) ?? Promise.resolve())).toMatchObject({
      reason: 'retry-budget',
      attempts: { length: 1 },
    })
  })

  it('earns from an answer that something is not there: the service has done its work', async () => {
    const retryBudget = new RetryBudget({ capacity: 20 })
    const guarded = pipeline({ retryBudget, clock: new VirtualClock() })
    for (let call = 0; call < 10; call++) await rejection(guarded.execute(() => Promise.reject(statusError(404))))
    expect(retryBudget.snapshot().tokens).toBe(20)
  })

  it('is checked when it is made', () => {
    expect(() => new RetryBudget({ capacity: 0 })).toThrow(InvalidOptionError)
    expect(() => new RetryBudget({ timeoutCost: Number.NaN })).toThrow('retryBudget.timeoutCost is NaN')
  })
})
