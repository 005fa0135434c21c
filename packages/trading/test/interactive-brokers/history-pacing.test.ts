import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HISTORY_PACE, HistoryPacing, type HistoryRequest } from '../../src/interactive-brokers/history-pacing.ts'

const never = new AbortController().signal

/** Requests that are made as soon as the pace allows, with the times at which they were. */
function runner() {
  const clock = new VirtualClock()
  const pacing = new HistoryPacing(clock, { ...HISTORY_PACE, marginMs: 0 })
  const made: { readonly request: HistoryRequest; readonly at: number }[] = []
  const ask = (request: Partial<HistoryRequest>, signal = never): Promise<() => void> => {
    const whole = {
      identity: `request ${made.length} ${Math.random()}`,
      contract: 'AAPL',
      cost: 1 as const,
      ...request,
    }
    return pacing.enter(whole, signal).then((done) => {
      made.push({ request: whole, at: clock.now() })
      return done
    })
  }
  return { clock, pacing, made, ask }
}

describe('the pace of historical data', () => {
  it('repeats the same request only after 15 seconds', async () => {
    const { clock, made, ask } = runner()
    const first = await ask({ identity: 'same' })
    first()
    const second = ask({ identity: 'same' })
    await clock.advance(14_999)
    expect(made).toHaveLength(1)
    await clock.advance(1)
    await second
    expect(made.map(({ at }) => at)).toEqual([0, 15_000])
  })

  it('lets the sixth request for a contract wait until two seconds after the first; another contract does not wait', async () => {
    const { clock, made, ask } = runner()
    for (let request = 0; request < 5; request++) await ask({})
    const sixth = ask({})
    await ask({ contract: 'MSFT' })
    expect(made).toHaveLength(6)
    await clock.advance(2_000)
    await sixth
    expect(made.at(-1)).toMatchObject({ request: { contract: 'AAPL' }, at: 2_000 })
  })

  it('makes 60 in ten minutes, of which bids and asks count twice', async () => {
    const { clock, made, ask } = runner()
    for (let contract = 0; contract < 29; contract++) {
      const done = await ask({ contract: String(contract), cost: 2 })
      done()
    }
    await ask({ contract: 'one more' })
    const double = ask({ contract: 'a pair', cost: 2 })
    await ask({ contract: 'single' })
    await clock.advance(599_999)
    expect(made).toHaveLength(31)
    await clock.advance(1)
    await double
    expect(made).toHaveLength(32)
  })

  it('has 50 open at a time', async () => {
    const { clock, made, ask } = runner()
    const open = await Promise.all(Array.from({ length: 50 }, (_, index) => ask({ contract: String(index) })))
    const next = ask({ contract: 'next' })
    await clock.advance(60_000)
    expect(made).toHaveLength(50)
    open[7]?.()
    open[7]?.()
    await next
    const another = ask({ contract: 'another' })
    await clock.settle()
    expect(made).toHaveLength(51)
    open[8]?.()
    await another
  })

  it('lets go of whoever gives up, without a trace', async () => {
    const { clock, pacing, made, ask } = runner()
    await ask({ identity: 'same' })
    const patience = new AbortController()
    const given = ask({ identity: 'same' }, patience.signal)
    patience.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    expect(pacing.queued).toBe(0)
    await expect(ask({}, patience.signal)).rejects.toThrow('enough')
    await clock.runToRest()
    expect(made).toHaveLength(1)
    expect(clock.pendingTimers).toBe(0)
  })

  it('never breaks a rule, whatever is asked for and when', async () => {
    const request = fc.record({
      contract: fc.constantFrom('AAPL', 'MSFT', 'IBM'),
      what: fc.integer({ min: 0, max: 5 }),
      cost: fc.constantFrom(1 as const, 2 as const),
      afterMs: fc.nat(4_000),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(request, { maxLength: 150 }), async (requests) => {
        const { clock, made, ask } = runner()
        for (const { contract, what, cost, afterMs } of requests) {
          await clock.advance(afterMs)
          void ask({ contract, identity: `${contract} ${what}`, cost }).then((done) => done())
        }
        await clock.runToRest()
        expect(made).toHaveLength(requests.length)
        for (const [index, { at, request: own }] of made.entries()) {
          const before = made.slice(0, index + 1)
          const within = (ms: number) => before.filter((other) => other.at > at - ms)
          const cost = within(HISTORY_PACE.windowMs).reduce((sum, other) => sum + other.request.cost, 0)
          expect(cost).toBeLessThanOrEqual(60)
          expect(within(2_000).filter((other) => other.request.contract === own.contract).length).toBeLessThanOrEqual(5)
          expect(within(15_000).filter((other) => other.request.identity === own.identity)).toHaveLength(1)
        }
      }),
      { numRuns: 20 },
    )
  })
})
