/** The circuit of a fleet, in virtual time: who opens it, who probes, how it recovers. */
import { type ModelConnection, RedisModel, VirtualClock } from '@holdfast/testing'
import { type CircuitBreaker, type CircuitChange, CircuitOpenError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { Fleet } from '../../src/fleet.ts'
import { type FleetCircuitBreakerOptions, fleetCircuitBreaker } from '../../src/index.ts'

interface Member {
  readonly connection: ModelConnection
  readonly breaker: CircuitBreaker
  readonly changes: CircuitChange[]
}

const OPTIONS = { failureThreshold: 3, recoveryTimeoutMs: 5_000, rampStepMs: 1_000 }

async function members(
  clock: VirtualClock,
  count: number,
  quorum = 2,
  more: FleetCircuitBreakerOptions = {},
): Promise<Member[]> {
  const redis = new RedisModel(clock)
  const all = Array.from({ length: count }, (_, index) => {
    const connection = redis.connect()
    const fleet = new Fleet(connection, { redis: connection, clock, processId: `p${index}` })
    void fleet.begin()
    const changes: CircuitChange[] = []
    const onStateChange = (change: CircuitChange): void => void changes.push(change)
    const breaker = fleetCircuitBreaker(fleet, 'alpaca', { ...OPTIONS, quorum, onStateChange, ...more })
    return { connection, breaker, changes }
  })
  await clock.advance(1_500)
  return all
}

const fail = (member: Member): Promise<unknown> =>
  member.breaker.execute(() => Promise.reject(new Error('socket hang up'))).catch((error: unknown) => error)

const succeed = (member: Member): Promise<unknown> =>
  member.breaker.execute(() => Promise.resolve('account')).catch((error: unknown) => error)

async function failsThrice(member: Member): Promise<void> {
  for (let call = 0; call < 3; call++) await fail(member)
}

const states = (all: readonly Member[]): string[] => all.map(({ breaker }) => breaker.state)

describe('the circuit of a fleet', () => {
  it('stays closed for the others while one process alone finds the service failing', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, 4)
    const [sick] = all
    if (sick === undefined) throw new Error('no members')
    await failsThrice(sick)
    await clock.advance(20_000)
    expect(states(all.slice(1))).toEqual(['CLOSED', 'CLOSED', 'CLOSED'])
  })

  it('opens for all when two processes do, within a message, and says who and why', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, 4)
    for (const member of all.slice(0, 2)) await failsThrice(member)
    await clock.advance(5)
    expect(states(all)).toEqual(['OPEN', 'OPEN', 'OPEN', 'OPEN'])
    expect(all[3]?.changes).toMatchObject([
      { to: 'OPEN', reason: 'fleet-opened', note: '2 of 4 processes find it failing: socket hang up' },
    ])
    const refused = await succeed(all[3] as Member)
    expect(refused).toBeInstanceOf(CircuitOpenError)
    expect(String(refused)).toContain('opened by the fleet')
  })

  it('needs fewer where there are fewer: a process alone is its own quorum', async () => {
    const clock = new VirtualClock()
    const [alone] = await members(clock, 1)
    if (alone === undefined) throw new Error('no members')
    await failsThrice(alone)
    await clock.advance(5)
    expect(alone.changes.map(({ reason }) => reason)).toEqual(['failure-threshold', 'fleet-opened'])
  })

  it('is probed by the user’s own probe, once for all, and by no call of anybody’s', async () => {
    const clock = new VirtualClock()
    const outcomes = [new Error('still down'), 'hangs', 'well']
    const probes: unknown[] = []
    const probe = (): unknown => {
      const outcome = outcomes.shift()
      probes.push(outcome)
      if (outcome instanceof Error) throw outcome
      return outcome === 'hangs' ? new Promise(() => undefined) : outcome
    }
    const all = await members(clock, 3, 2, { probe, probeTimeoutMs: 2_000 })
    for (const member of all.slice(0, 2)) await failsThrice(member)
    await clock.advance(5)
    let sent = 0
    const order = (member: Member): Promise<unknown> =>
      member.breaker.execute(() => ++sent).catch((error: unknown) => error)
    const seconds = async (count: number): Promise<void> => {
      for (let tenth = 0; tenth < count * 10; tenth++) {
        for (const member of all) if (states(all).includes('OPEN')) await order(member)
        await clock.advance(100)
      }
    }
    await seconds(6)
    expect([probes.length, sent, states(all)]).toEqual([1, 0, ['OPEN', 'OPEN', 'OPEN']])
    await seconds(8)
    expect([probes.length, sent, states(all)]).toEqual([2, 0, ['OPEN', 'OPEN', 'OPEN']])
    await seconds(6)
    expect([probes.length, sent, states(all)]).toEqual([3, 0, ['CLOSED', 'CLOSED', 'CLOSED']])
  })

  it('is learnt by a look within a second when the message is lost', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, 3)
    const deaf = all[2] as Member
    deaf.connection.delivers = false
    for (const member of all.slice(0, 2)) await failsThrice(member)
    await clock.advance(5)
    expect(deaf.breaker.state).toBe('CLOSED')
    await clock.advance(1_200)
    expect(deaf.breaker.state).toBe('OPEN')
  })

  it('sends one probe for the whole fleet, whatever the number of callers', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, 4)
    for (const member of all.slice(0, 2)) await failsThrice(member)
    await clock.advance(5_000)
    let sent = 0
    const probes: Promise<unknown>[] = []
    for (let turn = 0; turn < 50; turn++) {
      for (const { breaker } of all) {
        const call = breaker.execute(() => {
          sent++
          return new Promise(() => undefined)
        })
        probes.push(call.catch((error: unknown) => error))
      }
      await clock.advance(20)
    }
    expect(sent).toBe(1)
  })

  it('lets a tenth of the calls through after a good probe, then more, then all', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, 2)
    for (const member of all) await failsThrice(member)
    await clock.advance(5_000)
    const shares: number[] = []
    for (let second = 0; second < 6; second++) {
      let passed = 0
      for (let call = 0; call < 100; call++) {
        if ((await succeed(all[call % 2] as Member)) === 'account') passed++
        await clock.advance(10)
      }
      shares.push(passed)
    }
    // The first second begins with asking for the probe.
    expect(shares[0]).toBeLessThan(15)
    expect(shares[1]).toBeGreaterThan(10)
    expect(shares[1]).toBeLessThan(35)
    expect(shares[2]).toBeGreaterThan(35)
    expect(shares[2]).toBeLessThan(75)
    expect(shares.slice(4)).toEqual([100, 100])
    expect(all[1]?.changes.at(-1)).toMatchObject({ to: 'CLOSED', reason: 'fleet-recovering' })
  })

  it('stays open for another recovery time when the probe fails', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, 2)
    for (const member of all) await failsThrice(member)
    await clock.advance(5_000)
    let asked = 0
    for (let turn = 0; turn < 100; turn++) {
      for (const { breaker } of all) {
        const call = breaker.execute(() => {
          asked++
          return Promise.reject(new Error('still down'))
        })
        await call.catch(() => undefined)
      }
      await clock.advance(20)
    }
    expect(asked).toBe(1)
    expect(states(all)).toEqual(['OPEN', 'OPEN'])
  })

  it('gives the probe to another when the prober dies with it', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, 2)
    for (const member of all) await failsThrice(member)
    await clock.advance(5_000)
    const [prober, other] = all as [Member, Member]
    const dying = prober.breaker.execute(() => new Promise(() => undefined)).catch(() => undefined)
    await clock.advance(20)
    void prober.breaker.execute(() => new Promise(() => undefined)).catch(() => undefined)
    await clock.advance(5)
    prober.connection.connected = false
    prober.connection.arrives = false
    let took = 0
    while ((await succeed(other)) !== 'account' && took < 10_000) {
      await clock.advance(50)
      took += 50
    }
    expect(took).toBeLessThan(3_000)
    void dying
  })

  it('leaves each process to its own breaker while Redis is away', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, 2)
    for (const { connection } of all) connection.arrives = false
    await clock.advance(1_000)
    await failsThrice(all[0] as Member)
    await clock.advance(100)
    expect(states(all)).toEqual(['OPEN', 'CLOSED'])
    await clock.advance(5_000)
    expect(await succeed(all[0] as Member)).toBe('account')
    expect(states(all)).toEqual(['CLOSED', 'CLOSED'])
  })

  it('recovers without Redis, a part of the calls at first, when it was open as Redis went away', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, 2)
    for (const member of all) await failsThrice(member)
    await clock.advance(5)
    for (const { connection } of all) connection.arrives = false
    await clock.advance(4_000)
    expect(states(all)).toEqual(['OPEN', 'OPEN'])
    await clock.advance(2_500)
    const answers = []
    for (let call = 0; call < 10; call++) answers.push(await succeed(all[0] as Member))
    expect(answers.filter((answer) => answer === 'account').length).toBeLessThan(3)
    await clock.advance(4_000)
    expect(await succeed(all[0] as Member)).toBe('account')
  })

  it('obeys an operator of one process against the fleet', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, 3)
    const kept = all[2] as Member
    kept.breaker.disable('we must try')
    for (const member of all.slice(0, 2)) await failsThrice(member)
    await clock.advance(5)
    expect(await succeed(kept)).toBe('account')
    kept.breaker.reset()
    expect(await succeed(kept)).toBe('account')
  })
})
