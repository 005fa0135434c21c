/** What a process knows of one server of Redis, in virtual time. */
import { RedisModel, VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { member } from '../support/virtual-member.ts'

describe('a server that was cut off', () => {
  it('is looked after until its circuit is closed: the answer to the probe may be read too late for that', async () => {
    const clock = new VirtualClock()
    const { fleet, connection } = member(clock, new RedisModel(clock), { tokensPerSecond: 10, latencyMs: 5 })
    await clock.advance(2_000)
    connection.connected = false
    await clock.advance(1_000)
    expect(fleet.home.available).toBe(false)
    connection.connected = true
    while (fleet.home.breaker.state !== 'HALF_OPEN') await clock.advance(1)
    // Redis has answered, and this process stands still before it reads that.
    await clock.advance(7)
    clock.block(600)
    await clock.advance(1_000)
    expect(fleet.home.available).toBe(true)
    expect(fleet.home.lastAnsweredAt).toBeGreaterThan(clock.now() - 500)
  })
})
