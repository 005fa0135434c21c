/** What a process knows of one server of Redis, in virtual time. */
import { RedisModel, VirtualClock } from '@holdfast/testing'
import type { Clock } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { Fleet } from '../../src/fleet.ts'
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

describe('a local share', () => {
  it('has ended when Redis gives tokens again, also where the clock of the process goes slower than that of Redis', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const slow: Clock = {
      now: () => clock.now() * 0.985,
      wallTime: () => clock.wallTime(),
      setTimer: (callback, delayMs, keepsAlive) => clock.setTimer(callback, delayMs / 0.985, keepsAlive),
      block: (durationMs) => clock.block(durationMs),
    }
    const connection = redis.connect({ latencyMs: 0 })
    const fleet = new Fleet(connection, { redis: connection, clock: slow })
    void fleet.begin()
    await clock.advance(3_000)
    connection.connected = false
    await clock.advance(3_000)
    expect(fleet.home.shareFrom(slow.now())?.part).toBe(0.5)
    redis.lose()
    connection.connected = true
    while (!fleet.home.available) await clock.advance(1)
    // It has been answered in this very millisecond; Redis gives tokens a second after that.
    await clock.advance(900)
    expect(fleet.home.shareFrom(slow.now())?.part).toBe(0.5)
    await clock.advance(99)
    expect(fleet.home.shareFrom(slow.now())).toBeUndefined()
  })
})
