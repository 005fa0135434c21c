import { describe, expect, it } from 'vitest'
import type { ServiceStatus } from '../../src/api.ts'
import { EventParser } from '../../src/live/sse-reader.ts'
import { actsFor, undoOf } from '../../src/model/acts.ts'
import { bandsOf, stacked, Timeline } from '../../src/model/chart-data.ts'
import { sentenceOfFleet } from '../../src/model/fleet-sentence.ts'
import { layOut, routeFlows } from '../../src/model/flow.ts'
import { count, duration, latency, percent, rate, wholeMark } from '../../src/model/format.ts'
import { ranked, severity } from '../../src/model/ranking.ts'
import { plainError, sentenceOf } from '../../src/model/sentence.ts'
import { type Rates, Window } from '../../src/model/window.ts'

const NOW = Date.UTC(2026, 0, 5, 15, 59)

function status(change: Partial<ServiceStatus> = {}): ServiceStatus {
  return {
    name: 'alpaca',
    profile: 'BROKER',
    state: 'CLOSED',
    since: NOW - 3_600_000,
    circuit: { nextAttemptAt: null, failureCount: 0, failureThreshold: 3, probes: 0, lastError: null },
    limit: { remaining: 10, burstSize: 10, tokensPerSecond: 3, pausedForMs: 0 },
    slots: { active: 0, max: 5, queued: 0 },
    latency: null,
    retryBudget: null,
    inFlight: 0,
    acts: [],
    ...change,
  }
}

const CALM: Rates = new Window().rates()
const BUSY: Rates = { ...CALM, calls: 4, success: 1 }

function said(change: Partial<ServiceStatus>, rates = BUSY): string {
  const { strong, soft } = sentenceOf(status(change), rates, NOW)
  return [strong, soft].filter((part) => part !== '').join(' ')
}

function circuit(change: Partial<NonNullable<ServiceStatus['circuit']>>): Pick<ServiceStatus, 'circuit'> {
  return {
    circuit: { nextAttemptAt: null, failureCount: 0, failureThreshold: 3, probes: 0, lastError: null, ...change },
  }
}

describe('figures', () => {
  it('are short, and never claim all or none when it is not so', () => {
    expect([0, 0.01, 0.44, 4, 36.94, 99.96, 412.4, 11_204].map(rate)).toEqual([
      '0',
      '<0.1',
      '0.4',
      '4',
      '36.9',
      '100',
      '412',
      '11,204',
    ])
    expect([0, 0.0001, 0.5, 0.9921, 0.99999, 1].map(percent)).toEqual(['0', '0.1', '50', '99.2', '99.9', '100'])
    expect([0.42, 41.3, 999.4, 999.6, 1_240].map((ms) => latency(ms).join(' '))).toEqual([
      '0.4 ms',
      '41 ms',
      '999 ms',
      '1 s',
      '1.2 s',
    ])
    expect([0, 3_400, 60_000, 95_000, 660_000, 22_320_000, 270_000_000].map(duration)).toEqual([
      ...['0 s', '3 s', '1 min', '1 min 35 s', '11 min', '6 h 12 min', '3 d 3 h'],
    ])
    expect(count(1_234_567)).toBe('1,234,567')
    expect([0, 2.5, 5, 7.5, 10].map(wholeMark)).toEqual(['0', '', '5', '', '10'])
  })
})

describe('the sentence of a service', () => {
  it('says why it is open and what comes next', () => {
    const open = {
      state: 'OPEN',
      since: NOW - 4_000,
      ...circuit({ failureCount: 3, lastError: 'read ECONNRESET', nextAttemptAt: NOW + 11_000 }),
    } as const
    expect(said(open)).toBe('The last 3 calls failed: the connection was cut. Open for 4 s; next probe in 11 s.')
    expect(said({ ...open, ...circuit({ failureCount: 1, nextAttemptAt: NOW }) })).toBe(
      'The last call failed. Open for 4 s; the next call is the probe.',
    )
  })

  it('says who has set what, until when, and why', () => {
    const act = { who: 'otto', reason: 'vendor maintenance', at: NOW, until: NOW + 1_860_000 } as const
    const until = new Date(act.until).toTimeString().slice(0, 8)
    expect(said({ state: 'PAUSED', acts: [{ ...act, kind: 'pause' }] })).toBe(
      `Paused by otto until ${until}. “vendor maintenance”`,
    )
    expect(said({ state: 'OPEN', acts: [{ ...act, kind: 'trip', until: null }] })).toBe(
      'Kept open by otto, until somebody ends it. “vendor maintenance”',
    )
    expect(said({ state: 'DISABLED', acts: [{ ...act, kind: 'disable' }] })).toContain(
      'Circuit breaker off, nothing is refused.',
    )
    expect(said({ acts: [{ ...act, kind: 'limit' }] })).toBe(`Limit set by otto until ${until}. “vendor maintenance”`)
  })

  it('says what is about to go wrong', () => {
    expect(said(circuit({ failureCount: 2, lastError: 'no answer within the attempt’s 5000 ms' }))).toBe(
      '2 failures in a row: no answer in time. Opens at 3.',
    )
    expect(said({ slots: { active: 5, max: 5, queued: 7 } })).toBe('All 5 slots are taken. 7 calls wait.')
    expect(said({ limit: { remaining: 0, burstSize: 10, tokensPerSecond: 3, pausedForMs: 0 } })).toBe(
      'Its limit is used up. Nobody waits.',
    )
    expect(said({ limit: { remaining: 9, burstSize: 10, tokensPerSecond: 3, pausedForMs: 12_000 } })).toContain(
      'It asked for a pause: 12 s left.',
    )
    expect(said({ state: 'HALF_OPEN', ...circuit({ probes: 1 }) })).toBe(
      'One probe is out. An answer closes the circuit.',
    )
    expect(said({}, { ...BUSY, failed: 0.4 })).toBe('0.4 calls a second fail.')
  })

  it('says so when it is well, or quiet', () => {
    expect(said({})).toBe('Well for 1 h.')
    expect(said({}, CALM)).toBe('Quiet: no call in the last 10 s. Well for 1 h.')
  })

  it('has plain words for what networks say, and shortens what it does not know', () => {
    expect(plainError('connect ECONNREFUSED 127.0.0.1:9001')).toBe('nobody takes the connection')
    expect(plainError('Request failed with status code 503')).toContain('(503)')
    expect(plainError('x'.repeat(300))).toHaveLength(90)
  })
})

describe('the order of the tiles', () => {
  it('has the worst first, and equals by name', () => {
    const tile = (name: string, change: Partial<ServiceStatus>, rates = BUSY) => ({
      name,
      severity: severity(status(change), rates),
    })
    expect(
      ranked([
        tile('well', {}),
        tile('paused', { state: 'PAUSED' }),
        tile('failing', {}, { ...BUSY, failed: 1 }),
        tile('b-open', { state: 'OPEN' }),
        tile('half', { state: 'HALF_OPEN' }),
        tile('refusing', {}, { ...BUSY, refused: 1 }),
        tile('a-open', { state: 'OPEN' }),
      ]),
    ).toEqual(['a-open', 'b-open', 'half', 'failing', 'refusing', 'paused', 'well'])
  })

  it('counts a limit that rests and slots that are all taken as refusing', () => {
    const { limit, slots } = status({})
    if (!limit || !slots) throw new Error('the service has both')
    const calm = { ...BUSY, refused: 0, failed: 0 }
    expect(severity(status({}), calm)).toBe(0)
    expect(severity(status({ limit: { ...limit, pausedForMs: 5 } }), calm)).toBe(3)
    expect(severity(status({ slots: { ...slots, active: slots.max } }), calm)).toBe(3)
  })
})

describe('the sentence of the fleet', () => {
  const member = (name: string, isAlone: boolean) => ({ processId: name, silentForMs: 0, part: 0.25, isAlone })

  it('tells who is silent and what is kept for it, and when Redis is away', () => {
    const sentence = (...alone: boolean[]): string =>
      sentenceOfFleet({ members: alone.map((isAlone, index) => member(`p${index}`, isAlone)), shards: [] })
    expect([sentence(false), sentence(false, false)]).toEqual([
      '1 process, and all are heard of.',
      '2 processes, and all are heard of.',
    ])
    expect(sentence(true, false)).toMatch(/^2 processes, of which 1 is silent: .* 25 % of each limit is kept for it\.$/)
    expect(sentence(true, true)).toMatch(
      /^2 processes, of which 2 are silent: .* 50 % of each limit is kept for them\.$/,
    )
    const shard = (sharing: boolean) => ({
      ...{ tag: 't', available: false, silentForMs: 900, roundTripMs: 1, part: 0.25, sharing },
    })
    expect(sentenceOfFleet({ members: null, shards: [shard(true)] })).toContain('keeps to its share')
    expect(sentenceOfFleet({ members: null, shards: [shard(false)] })).toContain('admits what it has in hand')
  })
})

describe('the window of a service', () => {
  const tally = { succeeded: 3, failed: 1, refused: { circuit: 2, limit: 0, slots: 0 }, retries: 1 }

  it('has rates of the last ten seconds and bars of five minutes', () => {
    const window = new Window()
    for (let second = 0; second < 400; second++) window.add(NOW + second * 1_000, tally)
    expect(window.rates()).toMatchObject({ calls: 6, success: 0.5, refused: 2, failed: 1, retryShare: 0.2 })
    const bars = window.bars(60)
    expect(bars).toHaveLength(60)
    expect(bars.reduce((sum, bar) => sum + bar.succeeded, 0)).toBe(900)
  })

  it('keeps what came live when the history comes in, and begins anew when the clock is set back', () => {
    const window = new Window()
    window.add(NOW + 5_000, tally)
    const zero = [0, 0]
    const series = {
      at: [NOW + 4_000, NOW + 5_000],
      succeeded: [9, 9],
      failed: zero,
      refusedCircuit: zero,
      refusedLimit: zero,
      refusedSlots: zero,
      retries: zero,
      timeouts: zero,
      p50Ms: [null, null],
      p99Ms: [null, null],
      active: zero,
      queued: zero,
      tokens: [null, null],
      state: ['CLOSED', 'CLOSED'],
    } as const
    window.fill(series)
    expect(window.rates(2)).toMatchObject({ calls: (9 + 6) / 2 })
    window.add(NOW - 3_600_000, tally)
    expect(window.newest).toBe(NOW - 3_600_000)
    expect(window.rates(1).calls).toBe(6)
  })
})

describe('the stream’s reader', () => {
  it('puts events together wherever the bytes are cut', () => {
    const text = 'id: k-1\nevent: second\ndata: {"a":1}\n\n: a comment\n\nevent: board\ndata: {"b":\ndata: 2}\n\n'
    for (let cut = 0; cut <= text.length; cut++) {
      const parser = new EventParser()
      const events = [...parser.push(text.slice(0, cut)), ...parser.push(text.slice(cut))]
      expect(events).toEqual([
        { id: 'k-1', name: 'second', data: '{"a":1}' },
        { id: undefined, name: 'board', data: '{"b":\n2}' },
      ])
    }
  })
})

describe('charts', () => {
  it('stack their layers, keep gaps, and mark what was not closed', () => {
    expect(
      stacked([
        [1, null],
        [2, 3],
      ]),
    ).toEqual([
      [1, null],
      [3, 3],
    ])
    expect(bandsOf({ times: [1, 2, 3, 4, 5], states: ['CLOSED', 'OPEN', 'OPEN', null, 'HALF_OPEN'] })).toEqual([
      { from: 2, to: 4, state: 'OPEN' },
      { from: 5, to: 6, state: 'HALF_OPEN' },
    ])
    const empty = new Timeline(undefined, 1_000).between(NOW, NOW + 3_000)
    expect(empty.succeeded).toEqual([null, null, null])
  })
})

describe('the picture of the flow', () => {
  const route = {
    route: 'GET /v1/account',
    service: 'alpaca',
    answered: 0,
    refusedAtGateway: 0,
    refusedAtService: 20,
    failed: 0,
  }

  it('ends what is refused where it is refused: nothing of it reaches the upstream', () => {
    const flows = routeFlows([[route], [{ ...route, refusedAtService: 0, answered: 10 }]])
    expect(flows).toMatchObject([{ answered: 5, refusedAtService: 10 }])
    const { ribbons, barriers, services } = layOut(flows, ['alpaca'], 1_200)
    expect(ribbons.map(({ kind }) => kind)).toEqual(['passes', 'refused', 'passes'])
    expect(barriers).toHaveLength(1)
    expect(barriers[0]?.x).toBeLessThan(services[0]?.x ?? 0)
    expect(services).toMatchObject([{ passes: 5, refused: 10 }])
  })

  it('has its boxes in the same places whatever flows, in narrow windows too', () => {
    for (const width of [340, 1_200]) {
      const places = (flow: typeof route) =>
        layOut(routeFlows([[flow]]), ['alpaca', 'quiet'], width).routes.map(({ x, y, height }) => [x, y, height])
      expect(places(route)).toEqual(places({ ...route, refusedAtService: 0, answered: 4_000 }))
      for (const { x, width: wide } of layOut([], ['a'], width).upstreams) expect(x + wide).toBe(width)
    }
  })
})

describe('acts', () => {
  it('that make sense now are offered, the likeliest first', () => {
    expect(actsFor(status())).toEqual(['trip', 'pause', 'set-limit', 'set-slots', 'disable'])
    const set = { who: 'otto', reason: 'why not', at: NOW, until: null } as const
    expect(
      actsFor(
        status({
          state: 'OPEN',
          acts: [
            { ...set, kind: 'trip' },
            { ...set, kind: 'limit' },
          ],
        }),
      ),
    ).toEqual([...['reset', 'pause', 'restore-limit', 'set-slots', 'disable']])
    expect(actsFor(status({ circuit: null, limit: null, slots: null }))).toEqual([])
  })

  it('are taken back by their opposites', () => {
    const reason = 'why not'
    expect(undoOf({ act: 'trip', service: 'alpaca', reason })).toEqual({
      act: 'reset',
      service: 'alpaca',
      reason: 'taken back: why not',
    })
    expect(undoOf({ act: 'stop-orders', reason })).toMatchObject({ act: 'allow-orders' })
    expect(undoOf({ act: 'reset', service: 'alpaca', reason })).toBeUndefined()
  })
})
