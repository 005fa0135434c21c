import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { Bulkhead, isRejection, type Priority, pipeline, type RateLimit, RateLimiter } from 'holdfast'
import { describe, expect, it } from 'vitest'

const PRIORITIES: readonly Priority[] = ['critical', 'normal', 'background']

type Step =
  | {
      readonly do: 'call'
      readonly priority: Priority
      readonly cost: number
      readonly timeoutMs: number | undefined
      readonly abortAfterMs: number | undefined
      readonly tookMs: number
      readonly ending: 'returns' | 'throws' | 'throws at once'
    }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'resize'; readonly maxConcurrent: number }
  | { readonly do: 'limit'; readonly limit: RateLimit }
  | { readonly do: 'pause'; readonly ms: number }
  | { readonly do: 'recheck' }

const call = fc.record({
  do: fc.constant('call' as const),
  priority: fc.constantFrom(...PRIORITIES),
  cost: fc.integer({ min: 1, max: 3 }),
  timeoutMs: fc.option(fc.integer({ min: 1, max: 3_000 }), { nil: undefined }),
  abortAfterMs: fc.option(fc.integer({ min: 0, max: 800 }), { nil: undefined, freq: 4 }),
  tookMs: fc.integer({ min: 0, max: 900 }),
  ending: fc.constantFrom('returns' as const, 'returns' as const, 'throws' as const, 'throws at once' as const),
})
const wait = fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 500 }) })
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: call },
  { weight: 8, arbitrary: wait },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('resize' as const), maxConcurrent: fc.integer({ min: 1, max: 6 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('limit' as const),
      limit: fc.record({
        tokensPerSecond: fc.integer({ min: 1, max: 40 }),
        burstSize: fc.integer({ min: 5, max: 12 }),
      }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('pause' as const), ms: fc.integer({ min: 1, max: 600 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('recheck' as const) }) },
)

/** A call of the test, and what is known of it. */
interface Known {
  readonly order: number
  readonly lane: number
  /** How many had begun when it came. */
  readonly begunBefore: number
  waiting: boolean
}

/** Runs the steps on a gate, and holds the order in which calls begin against that in which they came. */
async function run(steps: readonly Step[], criticalShare: number) {
  const clock = new VirtualClock()
  const rateLimiter = new RateLimiter({ tokensPerSecond: 20, burstSize: 10, criticalShare, clock })
  const bulkhead = new Bulkhead({ maxConcurrent: 3, maxQueue: 8, acquireTimeoutMs: 1_500, criticalShare, clock })
  const guarded = pipeline({ rateLimiter, bulkhead, clock })
  const known: Known[] = []
  const begun: Known[] = []
  const complaints: string[] = []
  const pending: Promise<unknown>[] = []
  let running = 0

  const begin = (step: Step & { readonly do: 'call' }): void => {
    const own: Known = {
      order: known.length,
      lane: PRIORITIES.indexOf(step.priority),
      begunBefore: begun.length,
      waiting: true,
    }
    known.push(own)
    const controller = new AbortController()
    if (step.abortAfterMs !== undefined) clock.setTimer(() => controller.abort('given up'), step.abortAfterMs, false)
    const ended = guarded.execute(
      () => {
        own.waiting = false
        running++
        const overtaker = begun
          .slice(own.begunBefore)
          .find((other) => other.lane > own.lane || (other.lane === own.lane && other.order > own.order))
        if (overtaker !== undefined) complaints.push(`${overtaker.order} overtook ${own.order}, which was as urgent`)
        begun.push(own)
        if (step.ending === 'throws at once') {
          running--
          throw new Error('at once')
        }
        return new Promise<void>((resolve, reject) => {
          clock.setTimer(() => {
            running--
            if (step.ending === 'returns') resolve()
            else reject(new Error('later'))
          }, step.tookMs)
        })
      },
      { priority: step.priority, cost: step.cost, timeoutMs: step.timeoutMs, signal: controller.signal },
    )
    pending.push(
      ended
        .catch((error: unknown) => error)
        .then((outcome) => {
          if (isRejection(outcome) && !own.waiting) complaints.push(`${own.order} was refused after it had begun`)
          own.waiting = false
        }),
    )
  }

  for (const step of steps) {
    if (step.do === 'call') begin(step)
    else if (step.do === 'wait') await clock.advance(step.ms)
    else if (step.do === 'resize') bulkhead.setMaxConcurrent(step.maxConcurrent)
    else if (step.do === 'limit') rateLimiter.setLimit(step.limit)
    else if (step.do === 'pause') rateLimiter.pauseFor(step.ms)
    else bulkhead.gate.recheck()
    await clock.settle()
    const { active } = bulkhead.snapshot()
    // Of a call that was given up the slot is free at the latest a second later, though it may still run.
    if (active > running) complaints.push(`${active} slots are taken for ${running} calls that run`)
  }
  await clock.runToRest()
  await Promise.all(pending)
  await clock.advance(5_000)
  return { clock, complaints, rateLimiter, bulkhead, guarded, started: begun.length, known }
}

describe('the gate, whatever happens', () => {
  it('keeps the order, loses no slot and no token, and is at rest in the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.constantFrom(0, 0, 0.3), async (steps, criticalShare) => {
        const { clock, complaints, rateLimiter, bulkhead, guarded, started, known } = await run(steps, criticalShare)
        expect(complaints).toEqual([])
        expect(bulkhead.snapshot()).toMatchObject({ active: 0, abandoned: 0, queued: 0, totals: { admitted: started } })
        expect(rateLimiter.snapshot()).toMatchObject({ queued: 0, totals: { admitted: started } })
        const { succeeded, failed, refused, cancelled, inFlight } = guarded.totals
        expect(succeeded + failed + refused + cancelled).toBe(known.length)
        expect(inFlight).toBe(0)
        expect(clock.pendingTimers).toBe(0)
        // Every slot can be had again.
        const { maxConcurrent } = bulkhead
        const slots = Math.max(1, maxConcurrent - Math.floor(criticalShare * maxConcurrent))
        const permits = Array.from({ length: slots }, () => bulkhead.tryEnter())
        expect(() => bulkhead.tryEnter()).toThrow('no slot now')
        for (const permit of permits) permit.release()
      }),
      { numRuns: 150 },
    )
  })

  it('admits no more than the limit, in any window, whatever is refused, given up, or timed out', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.oneof(call, wait), { maxLength: 60 }), async (steps) => {
        const clock = new VirtualClock()
        const rateLimiter = new RateLimiter({ tokensPerSecond: 10, burstSize: 5, clock })
        const guarded = pipeline({ rateLimiter, bulkhead: new Bulkhead({ acquireTimeoutMs: 2_000, clock }), clock })
        const admitted: { at: number; cost: number }[] = []
        const pending: Promise<unknown>[] = []
        for (const step of steps) {
          if (step.do === 'wait') {
            await clock.advance(step.ms)
            continue
          }
          const { cost, priority, timeoutMs, tookMs } = step
          const begun = guarded.execute(
            () => {
              admitted.push({ at: clock.now(), cost })
              return new Promise<void>((resolve) => void clock.setTimer(resolve, tookMs))
            },
            { cost, priority, timeoutMs },
          )
          pending.push(begun.catch(() => undefined))
        }
        await clock.runToRest()
        await Promise.all(pending)
        for (let first = 0; first < admitted.length; first++) {
          let sum = 0
          for (const { at, cost } of admitted.slice(first)) {
            sum += cost
            const windowMs = at - (admitted[first]?.at ?? 0)
            expect(sum).toBeLessThanOrEqual(5 + windowMs / 100 + 1e-9)
          }
        }
      }),
      { numRuns: 100 },
    )
  })
})
