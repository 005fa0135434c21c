import { DatabaseSync } from 'node:sqlite'
import type { ServiceSecond } from '@holdfast/console/api'
import { describe, expect, it } from 'vitest'
import { HISTORY_SCHEMA, HistoryStore } from '../../src/history/history-store.ts'
import { fail, startControlled } from './support.ts'

const START = Date.UTC(2026, 0, 5, 14, 30)
const HOUR_MS = 3_600_000

function second(change: Partial<ServiceSecond> = {}): ServiceSecond {
  return {
    service: 'alpaca',
    succeeded: 1,
    failed: 0,
    cancelled: 0,
    refused: { circuit: 0, limit: 0, slots: 0 },
    retries: 0,
    timeouts: 0,
    p50Ms: 10,
    p90Ms: 15,
    p99Ms: 20,
    active: 1,
    queued: 0,
    tokens: 5,
    state: 'CLOSED',
    examples: [],
    ...change,
  }
}

function storeOf(): { database: DatabaseSync; store: HistoryStore } {
  const database = new DatabaseSync(':memory:')
  database.exec(HISTORY_SCHEMA)
  return { database, store: new HistoryStore(database) }
}

describe('p50, p90 and p99', () => {
  it('are of the attempts of the last minute, whoever makes them', async () => {
    const { clock, resilience, as } = await startControlled()
    const latency = async (): Promise<unknown> => {
      const { body } = await as('viewer', '/v1/resilience/services/polygon')
      return Object(body).status.latency
    }
    expect(await latency()).toBeNull()
    const asked = resilience
      .service('polygon')
      .execute(() => new Promise<void>((resolve) => clock.setTimer(resolve, 40)))
    await clock.advance(40)
    await asked
    const { p50Ms, p99Ms } = Object(await latency())
    expect(p50Ms).toBeGreaterThan(38)
    expect(p50Ms).toBeLessThan(42)
    expect(p99Ms).toBe(p50Ms)
    await clock.advance(70_000)
    expect(await latency()).toBeNull()
  })
})

describe('the history', () => {
  it('has each second, and steps of several with sums, the worst and the mean', () => {
    const { store } = storeOf()
    store.addSecond(START, [second(), second({ service: 'polygon', succeeded: 7 })])
    store.addSecond(START + 1_000, [second({ failed: 2, p50Ms: 30, p99Ms: 90, state: 'OPEN', queued: 3, tokens: 0 })])
    const range = { from: START, to: START + 10_000 }
    expect(store.series({ ...range, stepMs: 1_000, service: 'alpaca' }).alpaca).toMatchObject({
      at: [START, START + 1_000],
      failed: [0, 2],
      state: ['CLOSED', 'OPEN'],
    })
    const { alpaca, polygon } = store.series({ ...range, stepMs: 5_000 })
    expect(alpaca).toMatchObject({
      at: [START],
      succeeded: [2],
      failed: [2],
      p50Ms: [20],
      p99Ms: [90],
      queued: [3],
      tokens: [0],
      state: ['OPEN'],
    })
    expect(polygon).toMatchObject({ succeeded: [7] })
  })

  it('keeps seconds for an hour, and minutes for longer', () => {
    const { store } = storeOf()
    for (let index = 0; index < 4_000; index++) store.addSecond(START + index * 1_000, [second()])
    const all = { from: START, to: START + 2 * HOUR_MS }
    const seconds = store.series({ ...all, stepMs: 1_000 }).alpaca?.at ?? []
    expect(seconds.length).toBeGreaterThanOrEqual(3_600)
    expect(seconds.length).toBeLessThan(3_700)
    const { at = [], succeeded = [] } = store.series({ ...all, stepMs: 60_000 }).alpaca ?? {}
    expect(at[0]).toBe(START)
    expect(succeeded.reduce((sum, count) => sum + count, 0)).toBe(4_000)
  })

  it('has the minute that was not over when the gateway was killed', () => {
    const { database, store } = storeOf()
    for (let index = 0; index < 90; index++) store.addSecond(START + index * 1_000, [second()])
    const { succeeded } =
      new HistoryStore(database).series({ from: START, to: START + HOUR_MS, stepMs: 60_000 }).alpaca ?? {}
    expect(succeeded).toEqual([60, 30])
  })

  it('forgets nothing when the clock jumps, and adds up what a clock that went back lives twice', () => {
    const { store } = storeOf()
    for (let index = 0; index < 120; index++) store.addSecond(START + index * 1_000, [second()])
    const later = START + 400 * 24 * HOUR_MS
    for (let index = 0; index < 120; index++) store.addSecond(later + index * 1_000, [second()])
    for (let index = 0; index < 60; index++) store.addSecond(START + index * 1_000, [second({ failed: 1 })])
    const { succeeded = [], failed } = store.series({ from: START, to: START + HOUR_MS, stepMs: 60_000 }).alpaca ?? {}
    expect(succeeded).toEqual([120, 60])
    expect(failed).toEqual([60, 0])
    expect(store.series({ from: later, to: later + HOUR_MS, stepMs: 60_000 }).alpaca?.succeeded).toEqual([60, 60])
  })
})

describe('the API of the history', () => {
  it('has series, what happened, and calls to look at', async () => {
    const world = await startControlled()
    const from = world.clock.wallTime()
    await fail(world.resilience, 'alpaca', 5)
    await world.clock.advance(3_000)
    const to = world.clock.wallTime()
    const { body } = await world.as('viewer', `/v1/resilience/history?service=alpaca&from=${from}&to=${to}`)
    expect(body).toMatchObject({
      stepMs: 1_000,
      services: { alpaca: { at: [from, from + 1_000, from + 2_000], failed: [3, 0, 0], refusedCircuit: [2, 0, 0] } },
      happenings: [{ kind: 'gateway' }, { kind: 'circuit', service: 'alpaca', state: 'OPEN' }],
      examples: [{ what: 'refused', operation: 'getAccount', count: 2 }],
    })
    const all = await world.as('viewer', `/v1/resilience/history?from=${from}&to=${to}&step=5000`)
    expect(all.body).toMatchObject({ stepMs: 5_000, services: { alpaca: { failed: [3] }, polygon: { failed: [0] } } })
  })

  it('refuses a range that makes no sense, and bounds what it answers', async () => {
    const { as, clock } = await startControlled()
    const now = clock.wallTime()
    for (const query of [
      '',
      `from=${now}`,
      `from=${now}&to=${now}`,
      `from=${now}&to=1`,
      'from=x&to=y',
      `from=0&to=${now}`,
    ]) {
      expect((await as('viewer', `/v1/resilience/history?${query}`)).status, query).toBe(400)
    }
    const month = `from=${now - 30 * 24 * HOUR_MS}&to=${now}&step=1000`
    expect((await as('viewer', `/v1/resilience/history?${month}`)).body).toMatchObject({ stepMs: 720_000 })
  })

  it('follows a clock that is set', async () => {
    const world = await startControlled()
    await world.clock.advance(2_000)
    world.clock.stepWallTime(-HOUR_MS)
    await world.clock.advance(2_000)
    world.clock.stepWallTime(3 * HOUR_MS)
    await world.clock.advance(2_000)
    const now = world.clock.wallTime()
    const { body } = await world.as('viewer', `/v1/resilience/history?service=alpaca&from=${now - 10_000}&to=${now}`)
    expect(body).toMatchObject({ services: { alpaca: { at: [now - 2_000, now - 1_000] } } })
  })
})
