import { VirtualClock } from '@holdfast/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Lane, MessagePacer } from '../../src/interactive-brokers/message-pacer.ts'

const never = new AbortController().signal

function runner(messagesPerSecond = 48) {
  const clock = new VirtualClock()
  const pacer = new MessagePacer(messagesPerSecond, clock)
  const sent: { readonly lane: Lane; readonly at: number }[] = []
  const send = (lane: Lane, signal = never): Promise<void> =>
    pacer.enter(signal, lane).then(() => void sent.push({ lane, at: clock.now() }))
  return { clock, pacer, sent, send }
}

describe('messages', () => {
  it('are at most 48 in every second, whatever is wanted, and nearly as many as that', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(400), fc.nat(80)), { minLength: 1, maxLength: 20 }), async (bursts) => {
        const { clock, sent, send } = runner()
        for (const [afterMs, count] of bursts) {
          await clock.advance(afterMs)
          for (let message = 0; message < count; message++) void send(message % 7 === 0 ? 'critical' : 'normal')
        }
        await clock.runToRest()
        for (const { at } of sent) {
          expect(sent.filter((other) => other.at > at - 1_000 && other.at <= at).length).toBeLessThanOrEqual(48)
        }
      }),
      { numRuns: 30 },
    )
    const { clock, sent, send } = runner()
    for (let message = 0; message < 1_000; message++) void send('normal')
    await clock.advance(20_000)
    expect(sent.length / 20).toBeGreaterThanOrEqual(0.95 * 50)
  })

  it('go in the order of their arrival, cancellations first', async () => {
    const { clock, sent, send } = runner()
    for (let message = 0; message < 100; message++) void send('normal')
    await clock.advance(500)
    const before = sent.length
    const cancelled = send('critical')
    await clock.advance(30)
    await cancelled
    expect(sent[before]).toMatchObject({ lane: 'critical' })
  })

  it('of the normal lane hold a cancellation up for no longer than one of them takes', async () => {
    const { clock, sent, send } = runner()
    for (let message = 0; message < 1_000; message++) void send('normal')
    await clock.advance(3_000)
    const cancelling = send('critical')
    await clock.advance(21)
    await cancelling
    expect(sent.at(-1)?.lane).toBe('critical')
  })

  it('wait no longer than who sends them', async () => {
    const { clock, pacer, sent, send } = runner(1)
    await send('normal')
    const patience = new AbortController()
    const given = send('normal', patience.signal)
    patience.abort(new Error('enough'))
    await expect(given).rejects.toThrow('enough')
    expect(pacer.queued).toBe(0)
    await clock.runToRest()
    expect(sent).toHaveLength(1)
  })

  it('stop for a while when TWS says that they were too many', async () => {
    const { clock, pacer, sent, send } = runner()
    pacer.pauseFor(1_000)
    void send('critical')
    await clock.advance(999)
    expect(sent).toEqual([])
    await clock.advance(2)
    expect(sent).toHaveLength(1)
  })
})
