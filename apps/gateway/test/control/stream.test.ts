import { describe, expect, it, vi } from 'vitest'
import { fail, listen, startControlled, TOKENS, type Told } from './support.ts'

const opened = ({ event, data }: Told): boolean => event === 'happening' && data.state === 'OPEN'

describe('the stream', () => {
  it('begins with the whole board, and tells what changes', async () => {
    const { port, clock, resilience } = await startControlled()
    const stream = await listen(port)
    const first = await stream.until(({ event }) => event === 'board')
    expect(first.data).toMatchObject({
      services: [
        { name: 'alpaca', state: 'CLOSED', profile: 'BROKER', retryBudget: { tokens: 10, capacity: 20 } },
        { name: 'polygon', state: 'CLOSED', retryBudget: { tokens: 10, capacity: 20 } },
      ],
      orders: { stopped: false },
    })
    await fail(resilience, 'alpaca', 3)
    expect((await stream.until(opened)).data).toMatchObject({
      kind: 'circuit',
      service: 'alpaca',
      text: 'opened after 3 failures in a row: socket hang up (ECONNRESET)',
      who: null,
    })
    const changed = await stream.until(({ event, data }) => event === 'board' && data !== first.data)
    expect(changed.data).toMatchObject({
      services: expect.arrayContaining([expect.objectContaining({ name: 'alpaca', state: 'OPEN' })]),
    })
    await fail(resilience, 'alpaca', 2)
    await clock.advance(1_000)
    const second = await stream.until(({ event }) => event === 'second')
    expect(second.data).toMatchObject({
      at: clock.wallTime() - 1_000,
      services: [
        {
          service: 'alpaca',
          failed: 3,
          refused: { circuit: 2, limit: 0, slots: 0 },
          state: 'OPEN',
          examples: [
            {
              what: 'refused',
              operation: 'getAccount',
              count: 2,
              message: expect.stringContaining(
                'circuit is open after 3 failures in a row (last: socket hang up (ECONNRESET))',
              ),
            },
          ],
        },
        { service: 'polygon', failed: 0 },
      ],
    })
  })

  it('tells who comes back what it missed, each event once', async () => {
    const { port, clock, resilience } = await startControlled()
    const stream = await listen(port)
    await clock.advance(1_000)
    const { id } = await stream.until(({ event }) => event === 'second')
    stream.close()
    await fail(resilience, 'alpaca', 3)
    await clock.advance(2_000)
    const again = await listen(port, { lastEventId: id })
    await again.until(({ event }) => event === 'board')
    expect(again.told.map(({ event }) => event)).toEqual(['happening', 'second', 'second', 'board'])
  })

  it('says so when what was missed is no longer known, or was of another run', async () => {
    const { port, clock } = await startControlled()
    const first = await listen(port)
    await clock.advance(1_000)
    const { id } = await first.until(({ event }) => event === 'second')
    await clock.advance(700_000)
    for (const lastEventId of [
      id,
      'another-1',
      `${id?.split('-')[0]}-999999`,
      'x',
      `${id?.split('-')[0]}-`,
      '-'.repeat(5_000),
    ]) {
      const stream = await listen(port, { lastEventId })
      expect((await stream.until(({ event }) => event === 'board')).event).toBe('board')
      expect(stream.told[0]?.event, lastEventId?.slice(0, 40)).toBe('gap')
    }
  })

  it('is held open by a bounded number of clients, and others still get in', async () => {
    const { port, gateway } = await startControlled()
    const statuses: number[] = []
    for (let wave = 0; wave < 10; wave++) {
      const opened = await Promise.all(Array.from({ length: 100 }, () => listen(port)))
      statuses.push(...opened.map(({ status }) => status))
    }
    const count = (status: number): number => statuses.filter((each) => each === status).length
    expect(count(200)).toBe(16)
    expect(count(200) + count(503) + count(429)).toBe(1_000)
    expect(gateway.control?.stream.viewers).toBe(16)
    expect((await listen(port, { token: TOKENS.viewer })).status).not.toBe(200)
  })

  it('gives its place to another when a client goes', async () => {
    const { port, gateway } = await startControlled()
    const streams = await Promise.all(Array.from({ length: 16 }, () => listen(port)))
    expect((await listen(port)).status).toBe(503)
    streams[0]?.close()
    await vi.waitFor(() => expect(gateway.control?.stream.viewers).toBe(15))
    expect((await listen(port)).status).toBe(200)
    expect((await listen(port, { token: TOKENS.operator })).status).toBe(200)
  })

  it('ends when the gateway stops, which does not wait for it', async () => {
    const { port, gateway } = await startControlled()
    await listen(port)
    await gateway.stop()
    expect(gateway.app.server.listening).toBe(false)
  })
})
