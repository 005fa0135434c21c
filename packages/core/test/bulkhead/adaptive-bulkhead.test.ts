import { VirtualClock } from '@holdfast/testing'
import { Bulkhead, pipeline } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { networkError } from '../support.ts'

/** Six times as many callers as the service can serve at once, for two minutes; beyond its capacity it takes longer. */
async function load(bulkhead: Bulkhead, clock: VirtualClock, capacity: number): Promise<void> {
  const until = clock.now() + 120_000
  let inside = 0
  const client = async (): Promise<void> => {
    while (clock.now() < until) {
      await bulkhead
        .execute(async () => {
          inside++
          const durationMs = 50 * Math.max(1, inside / capacity)
          await new Promise<void>((resolve) => clock.setTimer(resolve, durationMs))
          inside--
        })
        .catch(() => undefined)
    }
  }
  const clients = Array.from({ length: 6 * capacity }, client)
  await clock.advance(125_000)
  await Promise.all(clients)
}

describe('a bulkhead that adapts', () => {
  it('begins where it is told and finds a limit near what the service can do', async () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ clock, maxConcurrent: 4, acquireTimeoutMs: 60_000, adaptive: { maxLimit: 60 } })
    expect(bulkhead.maxConcurrent).toBe(4)
    await load(bulkhead, clock, 10)
    expect(bulkhead.maxConcurrent).toBeGreaterThanOrEqual(8)
    expect(bulkhead.maxConcurrent).toBeLessThanOrEqual(30)
    expect(bulkhead.snapshot()).toMatchObject({ active: 0, queued: 0 })
  })

  it('learns from blocking calls too', () => {
    const clock = new VirtualClock()
    const bulkhead = new Bulkhead({ clock, maxConcurrent: 4, adaptive: { algorithm: 'aimd', maxLimit: 60 } })
    for (let n = 0; n < 20; n++) pipeline({ clock, bulkhead }).executeSync(() => clock.block(10))
    expect(bulkhead.snapshot()).toMatchObject({ maxConcurrent: 4, active: 0, totals: { admitted: 20, refused: 0 } })
    const broken = (): never => {
      throw networkError('ECONNRESET')
    }
    for (let n = 0; n < 3; n++) expect(() => pipeline({ clock, bulkhead }).executeSync(broken)).toThrow('ECONNRESET')
    expect(bulkhead.maxConcurrent).toBe(2)
  })

  it('has no other limit than the adaptive one’s bounds', () => {
    expect(new Bulkhead({ adaptive: { initialLimit: 33 } }).maxConcurrent).toBe(33)
    expect(new Bulkhead({ maxConcurrent: 500, adaptive: { maxLimit: 60 } }).maxConcurrent).toBe(60)
    expect(() => new Bulkhead({ adaptive: { minLimit: 0 } })).toThrow('adaptiveLimit.minLimit is 0')
  })
})
