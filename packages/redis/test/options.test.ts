/** Options are checked once, where they are given: the error names the field, the value and the rule. */
import { RedisModel, VirtualClock } from '@holdfast/testing'
import { InvalidOptionError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { Fleet } from '../src/fleet.ts'
import { connectFleet, fleetCircuitBreaker, fleetRateLimiter, fleetSemaphore } from '../src/index.ts'

const address = 'redis://127.0.0.1:6379'

describe('options that make no sense are refused', () => {
  it.each([
    [{ redis: '127.0.0.1:6379' }, /^fleet\.redis is .*it must be an address such as/],
    [{ redis: address, keyPrefix: 'a{b}' }, /^fleet\.keyPrefix is .*without braces/],
    [{ redis: address, processId: '' }, /^fleet\.processId is /],
    [{ redis: address, timeLimitMs: 0 }, /^fleet\.timeLimitMs is 0/],
    [{ redis: address, leaseMs: Number.NaN }, /^fleet\.leaseMs is NaN/],
    [{ redis: address, leaseMs: 501 }, /^fleet\.leaseMs is 501: it must be at most 10 times timeLimitMs \(50\)/],
    [{ redis: address, timeLimit: 50 }, /did you mean timeLimitMs\?/],
  ])('of connectFleet: %j', async (options, message) => {
    const connecting = connectFleet(options)
    await expect(connecting).rejects.toThrow(InvalidOptionError)
    await expect(connecting).rejects.toThrow(message)
  })

  it.each([
    ['fleetRateLimiter.name', (fleet: Fleet) => fleetRateLimiter(fleet, '', { tokensPerSecond: 1, burstSize: 1 })],
    ['burstSize', (fleet: Fleet) => fleetRateLimiter(fleet, 'alpaca', { tokensPerSecond: 1, burstSize: 0 })],
    ['fleetCircuitBreaker.quorum', (fleet: Fleet) => fleetCircuitBreaker(fleet, 'alpaca', { quorum: 0 })],
    ['fleetCircuitBreaker.windowMs', (fleet: Fleet) => fleetCircuitBreaker(fleet, 'alpaca', { windowMs: 0 })],
    ['fleetCircuitBreaker.rampStepMs', (fleet: Fleet) => fleetCircuitBreaker(fleet, 'alpaca', { rampStepMs: -1 })],
    ['fleetSemaphore.name', (fleet: Fleet) => fleetSemaphore(fleet, '', {})],
    ['fleetSemaphore.maxConcurrent', (fleet: Fleet) => fleetSemaphore(fleet, 'stream', { maxConcurrent: 0.5 })],
    ['fleetSemaphore.maxQueue', (fleet: Fleet) => fleetSemaphore(fleet, 'stream', { maxQueue: -1 })],
    ['fleetSemaphore.acquireTimeoutMs', (fleet: Fleet) => fleetSemaphore(fleet, 'stream', { acquireTimeoutMs: 0 })],
    ['fleetSemaphore.slotLeaseMs', (fleet: Fleet) => fleetSemaphore(fleet, 'stream', { slotLeaseMs: 1 })],
  ])('%s', (field, make) => {
    const clock = new VirtualClock()
    const connection = new RedisModel(clock).connect()
    const fleet = new Fleet(connection, { redis: connection, clock })
    expect(() => make(fleet)).toThrow(InvalidOptionError)
    expect(() => make(fleet)).toThrow(field)
  })
})
