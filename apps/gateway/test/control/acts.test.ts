import { DatabaseSync } from 'node:sqlite'
import { Rehearsal, type StandInControls } from '@holdfast/gateway'
import { VirtualClock } from '@holdfast/testing'
import { memoryJournal } from '@holdfast/trading'
import { createAlpacaBroker } from '@holdfast/trading/alpaca'
import { startUpstreams } from '@holdfast/upstreams'
import { createResilience, isRejection } from 'holdfast'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AUDIT_SCHEMA, AuditLog } from '../../src/audit/audit-log.ts'
import { configuredIn } from '../../src/control/act-plan.ts'
import { Controller } from '../../src/control/controller.ts'
import { OrderStop } from '../../src/control/kill-switch.ts'
import { STANDING_SCHEMA, StandingActs } from '../../src/control/standing-acts.ts'
import { ORDER } from '../support.ts'
import { type Controlled, fail, startControlled } from './support.ts'

/** The audit, the newest entry first. */
async function auditOf({ as }: Controlled): Promise<Record<string, unknown>[]> {
  const { body } = await as('viewer', '/v1/resilience/audit')
  return typeof body === 'object' && body !== null && 'entries' in body && Array.isArray(body.entries)
    ? body.entries
    : []
}

/** One service as the console shows it. */
async function shown({ as }: Controlled, service = 'alpaca'): Promise<unknown> {
  return (await as('viewer', `/v1/resilience/services/${service}`)).body
}

describe('a circuit', () => {
  it('is kept open, closed and switched off by hand, and shows who did it, why, and until when', async () => {
    const world = await startControlled()
    const breaker = world.resilience.service('alpaca').circuitBreaker
    const tripped = await world.act({ act: 'trip', service: 'alpaca', reason: 'the broker said so', forMs: 60_000 })
    const now = world.clock.wallTime()
    expect(tripped.body).toMatchObject({
      who: 'a-operator',
      role: 'operator',
      act: 'trip',
      target: 'alpaca',
      reason: 'the broker said so',
      at: now,
      until: now + 60_000,
      before: 'CLOSED',
      after: 'OPEN, tripped by hand',
      outcome: 'done',
    })
    expect(await shown(world)).toMatchObject({
      status: {
        state: 'OPEN',
        acts: [{ kind: 'trip', who: 'a-operator', reason: 'the broker said so', until: now + 60_000 }],
      },
    })
    const refused = await world.resilience
      .service('alpaca')
      .execute(() => 1)
      .catch((error: unknown) => error)
    expect(isRejection(refused) && refused.message).toContain('kept open by a-operator')
    expect((await world.act({ act: 'reset', service: 'alpaca', reason: 'they are back' })).status).toBe(200)
    expect(breaker?.state).toBe('CLOSED')
    expect(await shown(world)).toMatchObject({ status: { state: 'CLOSED', acts: [] } })
    const off = { act: 'disable', service: 'alpaca', reason: 'it is in the way' }
    expect((await world.act(off)).status).toBe(403)
    expect((await world.act(off, 'admin')).status).toBe(200)
    expect(await shown(world)).toMatchObject({ status: { state: 'DISABLED' } })
    expect((await auditOf(world)).map(({ act, outcome }) => `${act} ${outcome}`)).toEqual([
      'disable done',
      'reset done',
      'trip done',
    ])
  })

  it('that was paused is shown as paused and goes on by itself, at the stated time and no sooner', async () => {
    const world = await startControlled()
    await world.act({ act: 'pause', service: 'polygon', reason: 'vendor maintenance', forMs: 1_800_000 })
    expect(await shown(world, 'polygon')).toMatchObject({ status: { state: 'PAUSED' } })
    // Somebody sets the wall clock: that is no reason to begin.
    world.clock.stepWallTime(7 * 86_400_000)
    await world.clock.advance(1_799_000)
    expect(await shown(world, 'polygon')).toMatchObject({ status: { state: 'PAUSED' } })
    world.clock.stepWallTime(-14 * 86_400_000)
    await world.clock.advance(1_000)
    expect(await shown(world, 'polygon')).toMatchObject({ status: { state: 'CLOSED', acts: [] } })
    expect(await auditOf(world)).toMatchObject([
      { who: 'gateway', act: 'reset', target: 'polygon', reason: 'its time is over', outcome: 'done' },
      { who: 'a-operator', act: 'pause' },
    ])
  })
})

describe('a limit and slots', () => {
  it('are set for a time and fall back by themselves', async () => {
    const world = await startControlled()
    const { rateLimiter, bulkhead } = world.resilience.service('alpaca')
    const limit = {
      act: 'set-limit',
      service: 'alpaca',
      reason: 'they asked for it',
      forMs: 60_000,
      tokensPerSecond: 1,
    }
    expect((await world.act(limit)).body).toMatchObject({
      before: '3 a second, 10 at once',
      after: '1 a second, 1 at once',
    })
    await world.act({ act: 'set-slots', service: 'alpaca', reason: 'slow today', forMs: 90_000, maxConcurrent: 2 })
    expect(rateLimiter?.snapshot()).toMatchObject({ tokensPerSecond: 1, burstSize: 1 })
    expect(await shown(world)).toMatchObject({
      settings: expect.arrayContaining([
        { path: 'rateLimiter.tokensPerSecond', value: 1, from: 'operator' },
        { path: 'bulkhead.maxConcurrent', value: 2, from: 'operator' },
        { path: 'retry', value: false, from: 'service' },
        { path: 'timeoutMs', value: 15_000, from: 'profile' },
      ]),
    })
    await world.clock.advance(60_000)
    expect(rateLimiter?.snapshot()).toMatchObject({ tokensPerSecond: 3, burstSize: 10 })
    expect(bulkhead?.maxConcurrent).toBe(2)
    await world.clock.advance(30_000)
    expect(bulkhead?.maxConcurrent).toBe(5)
  })

  it('are put back by hand, and a second act takes the place of the first with its own time', async () => {
    const world = await startControlled()
    const { bulkhead } = world.resilience.service('alpaca')
    const slots = (maxConcurrent: number, forMs: number): object => ({
      ...{ act: 'set-slots', service: 'alpaca', reason: 'slow today' },
      ...{ maxConcurrent, forMs },
    })
    await world.act(slots(1, 10_000))
    await world.act(slots(3, 60_000))
    await world.clock.advance(10_000)
    expect(bulkhead?.maxConcurrent).toBe(3)
    await world.act({ act: 'restore-slots', service: 'alpaca', reason: 'quick again' })
    expect(bulkhead?.maxConcurrent).toBe(5)
    await world.clock.advance(60_000)
    expect((await auditOf(world)).map(({ act }) => act)).toEqual(['restore-slots', 'set-slots', 'set-slots'])
  })

  it('are raised above what is configured by an admin only', async () => {
    const { act } = await startControlled()
    const slots = { act: 'set-slots', service: 'alpaca', reason: 'we need more', forMs: 60_000, maxConcurrent: 50 }
    const limit = { act: 'set-limit', service: 'alpaca', reason: 'we need more', forMs: 60_000, tokensPerSecond: 30 }
    for (const body of [slots, limit]) {
      expect((await act(body)).body).toMatchObject({ status: 403, detail: expect.stringContaining('needs admin') })
      expect((await act(body, 'admin')).status).toBe(200)
    }
  })
})

describe('the kill switch', () => {
  it('stops new orders at once and no cancel, until it is released', async () => {
    const world = await startControlled()
    const { as } = world
    const thrown = await as('operator', '/v1/kill-switch', {
      method: 'POST',
      body: { engaged: true, reason: 'runaway desk' },
    })
    expect(thrown.body).toMatchObject({ act: 'stop-orders', target: 'orders', outcome: 'done' })
    const refused = await as('viewer', '/v1/orders', { method: 'POST', body: ORDER })
    expect(refused).toMatchObject({ status: 503, body: { type: 'urn:holdfast:orders-stopped' } })
    expect(JSON.stringify(refused.body)).toContain('a-operator: runaway desk')
    // It goes as far as the broker, whose address here leads nowhere.
    world.resilience.service('alpaca').circuitBreaker?.trip()
    expect((await as('viewer', '/v1/orders/some-id', { method: 'DELETE' })).body).toMatchObject({
      type: 'urn:holdfast:circuit-open',
    })
    await world.act({ act: 'allow-orders', reason: 'the desk is off' })
    expect((await as('viewer', '/v1/orders', { method: 'POST', body: ORDER })).body).toMatchObject({
      type: 'urn:holdfast:circuit-open',
    })
  })
})

describe('a rehearsal', () => {
  function controls(): StandInControls & { readonly calls: unknown[] } {
    const calls: unknown[] = []
    return {
      upstreams: ['alpaca', 'polygon'],
      calls,
      setFaults: (upstream, rules) => void calls.push([upstream, rules]),
      clearFaults: (upstream) => void calls.push([upstream]),
    }
  }

  it('makes a stand-in fail for a time', async () => {
    const standIns = controls()
    const world = await startControlled({ control: { rehearsal: new Rehearsal(standIns) } })
    const begun = await world.act({
      act: 'inject-fault',
      upstream: 'alpaca',
      fault: 'hang',
      reason: 'a drill',
      forMs: 30_000,
    })
    expect(begun.body).toMatchObject({ before: 'well', after: 'takes requests and never answers' })
    expect((await world.as('viewer', '/v1/resilience/rehearsal')).body).toMatchObject({
      allowed: true,
      upstreams: [
        { name: 'alpaca', faults: ['takes requests and never answers'] },
        { name: 'polygon', faults: [] },
      ],
    })
    await world.clock.advance(30_000)
    expect(standIns.calls).toEqual([['alpaca', { action: { type: 'hang' } }], ['alpaca']])
  })

  it.each(['hang', 'reset', 'errors', 'slow', 'throttle', 'garbage', 'flap'] as const)(
    'of %s is one that every stand-in knows',
    async (fault) => {
      const standIns = await startUpstreams({ ports: {} })
      onTestFinished(() => standIns.close())
      const rehearsal = new Rehearsal(standIns.control)
      for (const upstream of rehearsal.upstreams) {
        rehearsal.inject(upstream, fault, 0)
        expect(standIns.control.faults(upstream)).toHaveLength(1)
        rehearsal.clear(upstream)
        expect(standIns.control.faults(upstream)).toEqual([])
      }
    },
  )

  it('is refused in front of real services', async () => {
    const world = await startControlled()
    const body = { act: 'inject-fault', upstream: 'alpaca', fault: 'hang', reason: 'a drill', forMs: 30_000 }
    expect(await world.act(body)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('real services') },
    })
    expect((await world.as('viewer', '/v1/resilience/rehearsal')).body).toEqual({ allowed: false, upstreams: [] })
    expect(await auditOf(world)).toEqual([])
  })
})

describe('an act', () => {
  /** A controller whose audit can be written until the disk is full. */
  function startController() {
    const database = new DatabaseSync(':memory:')
    database.exec(AUDIT_SCHEMA + STANDING_SCHEMA)
    const resilience = createResilience({ services: { alpaca: { profile: 'BROKER' } } })
    const clock = new VirtualClock()
    const errors: unknown[] = []
    const keys = { keyId: 'key', secretKey: 'secret' }
    const broker = createAlpacaBroker({
      service: resilience.service('alpaca'),
      journal: memoryJournal(),
      clock,
      ...keys,
    })
    const controller = new Controller({
      around: {
        resilience,
        killSwitch: new OrderStop([broker], () => undefined),
        rehearsal: undefined,
        configured: configuredIn(resilience),
      },
      audit: new AuditLog(database, () => undefined),
      standing: new StandingActs(database),
      clock,
      tell: () => undefined,
      reportError: (error) => errors.push(error),
    })
    const breaker = resilience.service('alpaca').circuitBreaker
    return {
      controller,
      clock,
      errors,
      broker,
      state: () => breaker?.state,
      fill: () =>
        database.exec("CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"),
      empty: () => database.exec('DROP TRIGGER full'),
    }
  }
  const alice = { name: 'alice', role: 'operator' } as const

  it('that cannot be written down is not done', () => {
    const { controller, fill, state } = startController()
    fill()
    const trip = { act: 'trip', service: 'alpaca', reason: 'a test' } as const
    expect(() => controller.perform(trip, alice)).toThrow('the disk is full')
    expect(state()).toBe('CLOSED')
    expect(controller.actsOn('alpaca')).toEqual([])
  })

  it('that stops new orders holds all the same', () => {
    const { controller, fill, broker } = startController()
    fill()
    expect(() => controller.perform({ act: 'stop-orders', reason: 'runaway desk' }, alice)).toThrow('the disk is full')
    expect(broker.killSwitch).toMatchObject({ engaged: true, reason: 'alice: runaway desk' })
  })

  it('whose end cannot be written down holds until it can, and the process lives on', async () => {
    const { controller, clock, errors, fill, empty, state } = startController()
    controller.perform({ act: 'trip', service: 'alpaca', reason: 'a test', forMs: 60_000 }, alice)
    fill()
    await clock.advance(61_000)
    expect(errors).toMatchObject([{ message: 'the disk is full' }])
    expect(state()).toBe('OPEN')
    empty()
    await clock.advance(10_000)
    expect(state()).toBe('CLOSED')
    expect(controller.actsOn('alpaca')).toEqual([])
  })

  it('that makes no sense is refused and says why', async () => {
    const { act } = await startControlled()
    const trip = { act: 'trip', service: 'alpaca', reason: 'a test' }
    const wrong: [object, number][] = [
      [{ ...trip, reason: undefined }, 400],
      [{ ...trip, reason: '  ' }, 400],
      [{ ...trip, reason: 'x'.repeat(501) }, 400],
      [{ ...trip, reason: 'x'.repeat(60_000) }, 400],
      [{ ...trip, reason: 'x'.repeat(80_000) }, 413],
      [{ ...trip, reason: { toString: 'x' } }, 400],
      [{ ...trip, forMs: -1 }, 400],
      [{ ...trip, forMs: 1e15 }, 400],
      [{ ...trip, forMs: Number.NaN }, 400],
      [{ ...trip, extra: 1 }, 400],
      [{ ...trip, act: 'explode' }, 400],
      [{ ...trip, service: 'nobody' }, 409],
      [{ ...trip, service: '__proto__' }, 409],
      [{ act: 'pause', service: 'alpaca', reason: 'a test' }, 400],
      [{ act: 'set-limit', service: 'alpaca', reason: 'a test', forMs: 1_000, tokensPerSecond: 0 }, 400],
      [{ act: 'set-slots', service: 'alpaca', reason: 'a test', forMs: 1_000, maxConcurrent: 1.5 }, 400],
    ]
    for (const [body, status] of wrong) {
      expect((await act(body)).status, JSON.stringify(body).slice(0, 100)).toBe(status)
    }
  })

  it('has its reason kept as it was written, script or not', async () => {
    const world = await startControlled()
    const reason = '<script>alert(1)</script> | `x` \u202e & "quotes" \u0000'
    await world.act({ act: 'trip', service: 'alpaca', reason })
    expect((await auditOf(world))[0]?.reason).toBe(reason.trim())
  })
})

describe('an incident', () => {
  it('is kept from the opening of a circuit to its closing, with what it cost, and told as Markdown', async () => {
    const world = await startControlled()
    const { clock, resilience } = world
    await fail(resilience, 'alpaca', 3)
    await clock.advance(1_000)
    await fail(resilience, 'alpaca', 4)
    await clock.advance(15_000)
    await fail(resilience, 'alpaca', 1)
    await clock.advance(15_000)
    await resilience.service('alpaca').execute(() => 1)
    const { body } = await world.as('viewer', '/v1/resilience/incidents')
    expect(body).toMatchObject({
      incidents: [
        {
          service: 'alpaca',
          byHand: false,
          cause: 'opened after 3 failures in a row: socket hang up (ECONNRESET)',
          ending: 'closed: the probe was answered',
          failed: 4,
          refused: { circuit: 4, limit: 0, slots: 0 },
          reopened: 1,
          waitLimitMs: 5_000,
        },
      ],
    })
    const report = await world.as('viewer', '/v1/resilience/incidents/1/report', { raw: true })
    expect(report.headers['content-disposition']).toBe('attachment; filename="incident-1.md"')
    expect(report.body).toContain('| calls refused at once by the open circuit | 4 |')
    expect(report.body).toMatch(/\| opened \| .*: opened after 3 failures in a row: socket hang up \(ECONNRESET\) \|/)
    expect(report.body).toMatch(/\| closed \| .*: closed: the probe was answered \|\n\| lasted \| 31 s \|/)
    expect(report.body).toContain('alpaca opened again: the probe failed: socket hang up (ECONNRESET)')
    expect((await world.as('viewer', '/v1/resilience/incidents/9/report')).status).toBe(404)
  })
})
