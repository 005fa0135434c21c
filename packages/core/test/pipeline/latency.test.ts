import { seededRandom, VirtualClock } from '@holdfast/testing'
import { createResilience } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { LatencyStatistics } from '../../src/pipeline/latency.ts'
import { networkError, rejection } from '../support.ts'

describe('latency statistics', () => {
  const setUp = () => {
    const clock = new VirtualClock()
    return { clock, latency: new LatencyStatistics(clock) }
  }

  it('know nothing before the first attempt', () => {
    const { latency } = setUp()
    expect(latency.snapshot()).toBeNull()
    expect(latency.quantileMs(0.5)).toBeUndefined()
  })

  it('are right to 4 %, from a tenth of a millisecond to an hour', () => {
    const random = seededRandom(2026)
    for (const scale of [0.1, 3, 250, 40_000, 2_400_000]) {
      const { clock, latency } = setUp()
      const durations = Array.from({ length: 2_000 }, () => scale * (0.5 + random()))
      for (const duration of durations) latency.record(duration, clock.now())
      const sorted = durations.toSorted((a, b) => a - b)
      for (const share of [0.5, 0.9, 0.99]) {
        const exact = sorted[Math.ceil(share * 2_000) - 1] ?? Number.NaN
        expect(Math.abs((latency.quantileMs(share) ?? 0) / exact - 1)).toBeLessThan(0.04)
      }
    }
  })

  it('take what is beyond either end for the end', () => {
    const { clock, latency } = setUp()
    for (const duration of [-1, 0, 1e-9]) latency.record(duration, clock.now())
    expect(latency.quantileMs(1)).toBeLessThan(0.02)
    latency.record(1e12, clock.now())
    expect(latency.quantileMs(1)).toBeGreaterThan(4_000_000)
  })

  it('forget what is older than a minute, ten seconds at a time', async () => {
    const { clock, latency } = setUp()
    for (let second = 0; second < 60; second++) {
      latency.record(second < 30 ? 10 : 1_000, clock.now())
      await clock.advance(1_000)
    }
    expect(latency.snapshot()?.count).toBe(50)
    await clock.advance(20_000)
    expect(latency.snapshot()?.count).toBe(30)
    expect(latency.quantileMs(0)).toBeGreaterThan(900)
    await clock.advance(40_000)
    expect(latency.snapshot()).toBeNull()
    latency.record(5, clock.now())
    expect(latency.snapshot()?.count).toBe(1)
  })
})

describe('the latency of a service', () => {
  it('is that of its attempts, waits not counted, and stands in its snapshot', async () => {
    const clock = new VirtualClock()
    const resilience = createResilience({
      clock,
      random: () => 0.5,
      services: { alpaca: { profile: 'BROKER', bulkhead: { maxConcurrent: 1 }, retry: { assumeIdempotent: true } } },
    })
    const alpaca = resilience.service('alpaca')
    expect(alpaca.snapshot().latency).toBeNull()
    const after = (durationMs: number, error?: Error) => () =>
      new Promise<void>((resolve, reject) => {
        clock.setTimer(() => (error === undefined ? resolve() : reject(error)), durationMs)
      })
    const settled = Promise.all([alpaca.execute(after(100)), alpaca.execute(after(100))])
    await clock.advance(200)
    await settled
    let attempts = 0
    const retried = alpaca.execute(() => after(400, attempts++ === 0 ? networkError('ECONNRESET') : undefined)())
    await clock.runToRest()
    await retried
    const { latency } = alpaca.snapshot()
    expect(latency?.count).toBe(4)
    expect(latency?.p50Ms).toBeCloseTo(100, -1)
    expect(Math.abs((latency?.p99Ms ?? 0) / 400 - 1)).toBeLessThan(0.04)
    expect(alpaca.latency.quantileMs(0.5)).toBe(latency?.p50Ms)
  })

  it('leaves out what says nothing about it', async () => {
    const clock = new VirtualClock()
    const resilience = createResilience({ clock, services: { alpaca: { profile: 'INTERNAL' } } })
    const alpaca = resilience.service('alpaca')
    const controller = new AbortController()
    const settled = rejection(alpaca.execute(() => new Promise(() => undefined), { signal: controller.signal }))
    controller.abort()
    await settled
    expect(alpaca.snapshot().latency).toBeNull()
  })
})
