import { seededRandom } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { Latencies } from '../../src/gate/latencies.ts'
import { LatencyEstimate } from '../../src/gate/latency-estimate.ts'

describe('an estimate of latency', () => {
  it('knows nothing before the first call', () => {
    const estimate = new LatencyEstimate()
    expect([estimate.typicalMs(0), estimate.cautiousMs(0), estimate.meanMs(0)]).toEqual([0, 0, 0])
  })

  it('settles where half of the calls, and nearly all of them, are', () => {
    const estimate = new LatencyEstimate()
    const random = seededRandom(3)
    const took: number[] = []
    for (let call = 0; call < 2_000; call++) {
      // Most take 40 to 60 ms, one in ten up to 150.
      const ms = random() < 0.9 ? 40 + 20 * random() : 60 + 90 * random()
      took.push(ms)
      estimate.learn(ms, call * 10)
    }
    const sorted = took.toSorted((a, b) => a - b)
    const below = (ms: number): number => sorted.filter((each) => each < ms).length / sorted.length
    expect(below(estimate.typicalMs(20_000))).toBeGreaterThan(0.3)
    expect(below(estimate.typicalMs(20_000))).toBeLessThan(0.7)
    expect(below(estimate.cautiousMs(20_000))).toBeGreaterThan(0.9)
  })

  it('follows a service that becomes slower within some twenty calls, and one that recovers', () => {
    const estimate = new LatencyEstimate()
    for (let call = 0; call < 100; call++) estimate.learn(20, call)
    for (let call = 0; call < 20; call++) estimate.learn(200, 100 + call)
    expect(estimate.meanMs(120)).toBeGreaterThan(150)
    for (let call = 0; call < 60; call++) estimate.learn(20, 120 + call)
    expect(estimate.meanMs(180)).toBeLessThan(40)
  })

  it('is nothing, and no number close to nothing, when calls take no time any more', () => {
    const estimate = new LatencyEstimate()
    estimate.learn(20, 0)
    for (let call = 0; call < 1_000; call++) estimate.learn(0, 0)
    expect([estimate.meanMs(0), estimate.cautiousMs(0)]).toEqual([0, 0])
  })

  it('takes a call that was given up for one that would have taken longer', () => {
    const estimate = new LatencyEstimate()
    estimate.learn(100, 0)
    estimate.learnLonger(5, 1)
    expect(estimate.meanMs(1)).toBe(100)
    estimate.learnLonger(300, 2)
    expect(estimate.meanMs(2)).toBe(120)
  })

  it('is forgotten when nothing has confirmed it for a second, or for four times as long as a call takes', () => {
    const estimate = new LatencyEstimate()
    estimate.learn(100, 0)
    expect(estimate.typicalMs(1_000)).toBe(100)
    expect(estimate.typicalMs(1_001)).toBe(0)
    estimate.learn(500, 2_000)
    expect(estimate.typicalMs(4_000)).toBe(500)
    expect(estimate.cautiousMs(4_001)).toBe(0)
  })
})

describe('estimates by operation', () => {
  it('keep a quick operation apart from a slow one', () => {
    const latencies = new Latencies()
    for (let call = 0; call < 50; call++) {
      latencies.learn('getQuote', 10, true, call)
      latencies.learn('getHistory', 900, true, call)
    }
    expect(latencies.of('getQuote').typicalMs(50)).toBe(10)
    expect(latencies.of('getHistory').typicalMs(50)).toBe(900)
    expect(latencies.of('neverSeen')).toBe(latencies.overall)
  })

  it('are bounded in number', () => {
    const latencies = new Latencies()
    for (let operation = 0; operation < 200; operation++) latencies.learn(`operation ${operation}`, 10, true, 0)
    expect(latencies.of('operation 99')).not.toBe(latencies.overall)
    expect(latencies.of('operation 100')).toBe(latencies.overall)
  })
})
