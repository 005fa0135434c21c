import { describe, expect, it } from 'vitest'
import { UpstreamStatistics } from '../src/upstream-statistics.ts'

describe('the counts of an upstream', () => {
  it('tell requests, effects, statuses, keys, and how many were under way at a time', () => {
    const statistics = new UpstreamStatistics()
    statistics.begin()
    statistics.begin()
    statistics.countKey('desk')
    statistics.end(200, true)
    statistics.begin()
    statistics.end(429, false)
    statistics.end(undefined, true)
    expect(statistics.snapshot()).toEqual({
      requests: 3,
      executed: 2,
      byStatus: { 200: 1, 429: 1, none: 1 },
      rateViolations: 0,
      bannedUntil: null,
      concurrentMax: 2,
      byKey: { desk: 1 },
    })
  })

  it('that begin anew still know what is under way', () => {
    const statistics = new UpstreamStatistics()
    statistics.begin()
    statistics.begin()
    statistics.reset()
    expect(statistics.snapshot()).toMatchObject({ requests: 0, concurrentMax: 2 })
    statistics.end(200, true)
    statistics.begin()
    expect(statistics.snapshot()).toMatchObject({ requests: 1, concurrentMax: 2 })
  })
})
