import {
  constant,
  type Fault,
  type SimulatedUpstream,
  seededRandom,
  simulateUpstream,
  type UpstreamOptions,
  VirtualClock,
} from '@holdfast/testing'
import { describeFailure } from 'holdfast'
import { describe, expect, it } from 'vitest'

function setUp(options: Partial<UpstreamOptions> = {}): { clock: VirtualClock; upstream: SimulatedUpstream } {
  const clock = new VirtualClock()
  const usual = { clock, workers: 2, serviceTime: constant(100), network: constant(1) }
  return { clock, upstream: simulateUpstream({ ...usual, ...options }) }
}

const request = (id: number, key?: string) => ({ id, key, random: seededRandom(id) })

/** Sends and notes when and how it was answered. */
function track(clock: VirtualClock, upstream: SimulatedUpstream, id: number, signal?: AbortSignal): string[] {
  const log: string[] = []
  upstream.send(request(id), signal).then(
    () => log.push(`answered at ${clock.now()}`),
    (error: unknown) => {
      const { status, code, kind } = describeFailure(error, clock)
      log.push(`${status ?? code ?? 'aborted'} (${kind}) at ${clock.now()}`)
    },
  )
  return log
}

async function outcomes(faults: readonly Fault[], options: Partial<UpstreamOptions> = {}): Promise<string[][]> {
  const { clock, upstream } = setUp({ ...options, faults })
  const logs = [track(clock, upstream, 1)]
  await clock.advance(50)
  logs.push(track(clock, upstream, 2))
  await clock.advance(10_000)
  return logs
}

describe('a simulated upstream', () => {
  it('works on as many requests as it has workers; the others wait in it', async () => {
    const { clock, upstream } = setUp()
    const logs = [1, 2, 3].map((id) => track(clock, upstream, id))
    await clock.advance(1_000)
    expect(logs.flat()).toEqual(['answered at 102', 'answered at 102', 'answered at 202'])
    expect(upstream.totals).toMatchObject({ sent: 3, inFlight: 0, mostInFlight: 3 })
  })

  it('turns away what its queue does not hold', async () => {
    const { clock, upstream } = setUp({ maxQueue: 0 })
    const logs = [1, 2, 3].map((id) => track(clock, upstream, id))
    await clock.advance(1_000)
    expect(logs[2]).toEqual(['503 (may-have-happened) at 3'])
  })

  it('works on what its client has given up, and sends nothing for a signal that is aborted already', async () => {
    const { clock, upstream } = setUp({ workers: 1 })
    const controller = new AbortController()
    const givenUp = track(clock, upstream, 1, controller.signal)
    await clock.advance(10)
    controller.abort(new DOMException('enough', 'AbortError'))
    const second = track(clock, upstream, 2)
    track(clock, upstream, 3, controller.signal)
    await clock.advance(1_000)
    expect([givenUp, second]).toEqual([['aborted (cancelled) at 10'], ['answered at 202']])
    expect([1, 2, 3].map((id) => upstream.executions(id))).toEqual([1, 1, 0])
    expect(upstream.totals).toMatchObject({ sent: 2, inFlight: 0 })
  })

  it.each<[string, Fault, string[][]]>([
    [
      'refuses',
      { type: 'refuse', fromMs: 40 },
      [['ECONNRESET (may-have-happened) at 41'], ['ECONNREFUSED (never-sent) at 52']],
    ],
    ['hangs', { type: 'hang', fromMs: 40 }, [[], []]],
    ['is slow', { type: 'slow', factor: 10, fromMs: 40 }, [['answered at 102'], ['answered at 1052']]],
    [
      'answers a status',
      { type: 'status', status: 503, retryAfterMs: 900, fromMs: 40 },
      [['answered at 102'], ['503 (refused) at 53']],
    ],
    [
      'loses an answer',
      { type: 'lose-answer', fromMs: 40 },
      [['answered at 102'], ['ECONNRESET (may-have-happened) at 152']],
    ],
  ])('%s from the moment it is told, with what it was working on', async (_, fault, expected) => {
    expect(await outcomes([fault])).toEqual(expected)
  })

  it('meets only the share and the keys that a fault names', async () => {
    const faults: Fault[] = [
      { type: 'status', status: 500, share: 0.25 },
      { type: 'status', status: 503, share: 0.25, when: ({ key }) => key === 'bad' },
    ]
    const { clock, upstream } = setUp({ workers: 1_000, faults })
    const statuses = new Map<number | undefined, number>()
    for (let id = 0; id < 400; id++) {
      upstream.send(request(id, id % 2 === 0 ? 'bad' : 'good')).catch((error: unknown) => {
        const { status } = describeFailure(error)
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
      })
    }
    await clock.advance(1_000)
    expect(statuses.get(500)).toBeCloseTo(100, -1.5)
    expect(statuses.get(503)).toBeCloseTo(50, -1.5)
  })

  it('counts a limit over any window, tells when to come back, and bans', async () => {
    const { clock, upstream } = setUp({
      workers: 100,
      limit: { requests: 2, windowMs: 1_000, ban: { violations: 3, durationMs: 30_000 } },
    })
    const seen: (number | undefined)[] = []
    const send = (id: number): void =>
      void upstream.send(request(id)).then(
        () => seen.push(200),
        (error: unknown) => seen.push(describeFailure(error, clock).retryAfterMs),
      )
    for (let id = 0; id < 4; id++) send(id)
    await clock.advance(1_001)
    send(4)
    await clock.advance(1_000)
    expect(seen).toEqual([1_000, 1_000, 200, 200, 200])
    for (let id = 5; id < 8; id++) send(id)
    await clock.advance(1_000)
    expect(seen.slice(5)).toEqual([30_000, 200, 200])
    send(8)
    await clock.advance(10)
    expect(seen.at(-1)).toBe(29_000)
    expect(upstream.totals).toMatchObject({ throttled: 4, bans: 1 })
  })

  it('goes on by itself while the process of its client is held up', async () => {
    const { clock, upstream } = setUp({ workers: 1 })
    const order: string[] = []
    void upstream.send(request(1)).then(() => order.push('first answer'))
    void upstream.send(request(2)).then(() => order.push('second answer'))
    await clock.advance(10)
    clock.setTimer(() => order.push(`timer at ${clock.now()}`), 300)
    clock.block(500)
    await clock.advance(1)
    expect(order).toEqual(['timer at 510', 'first answer', 'second answer'])
  })
})
