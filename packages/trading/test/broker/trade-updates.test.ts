/** Trade updates over the SDK's own stream, and what they do to doubt. */
import { Alpaca, streaming } from '@alpacahq/alpaca-trade-api'
import { startUpstreams } from '@holdfast/upstreams'
import { createResilience } from 'holdfast'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { createAlpacaBroker } from '../../src/alpaca/alpaca-broker.ts'
import { type BrokerEvent, memoryJournal } from '../../src/index.ts'

async function startStreaming() {
  const upstreams = await startUpstreams({ ports: { control: 0 }, workers: { count: 64, minMs: 0, maxMs: 0 } })
  onTestFinished(() => upstreams.close())
  const base = upstreams.urls.alpaca
  const client = new Alpaca({
    keyId: 'key',
    secret: 'secret',
    retry: false,
    rateLimit: false,
    fetchApi: (url, init) => fetch(`${base}${new URL(url).pathname}${new URL(url).search}`, init),
  })
  const tradeUpdates = client.trading.stream({ url: `${base.replace('http', 'ws')}/stream` })
  const heard: string[] = []
  tradeUpdates.onTradeUpdate(({ event }) => heard.push(event))
  const listening = new Promise<void>((resolve) => tradeUpdates.on(streaming.EVENT.SUBSCRIPTION, () => resolve()))
  const states: string[] = []
  tradeUpdates.onStateChange((state) => states.push(state))
  const service = createResilience({ services: { alpaca: { profile: 'BROKER' } } }).service('alpaca')
  const broker = createAlpacaBroker({ service, journal: memoryJournal(), client, tradeUpdates })
  onTestFinished(() => broker.close())
  const events: BrokerEvent[] = []
  broker.events.subscribe((event) => events.push(event))
  await broker.open()
  await listening
  return { upstreams, broker, events, heard, states }
}

const order = { symbol: 'AAPL', side: 'buy', quantity: '2', type: 'limit', limitPrice: '1.25' } as const

describe('a trade update', () => {
  it('ends the wait for an answer that never comes', async () => {
    const { broker, upstreams } = await startStreaming()
    upstreams.control.setFaults('alpaca', [
      { match: { method: 'POST' }, action: { type: 'hang', where: 'after' } },
      { match: { method: 'GET' }, action: { type: 'hang' } },
    ])
    const outcome = await broker.submitOrder({ ...order, clientOrderId: 'intent-1' })
    expect(outcome).toMatchObject({ status: 'accepted', evidence: 'stream', order: { clientOrderId: 'intent-1' } })
    expect(upstreams.control.ledger()).toHaveLength(1)
  })

  it('of an order that is no news changes nothing', async () => {
    const { broker, events, heard } = await startStreaming()
    const outcome = await broker.submitOrder({ ...order, clientOrderId: 'intent-1' })
    if (outcome.status !== 'accepted') throw new Error('it was to be accepted')
    await broker.cancelOrder(outcome.order.id)
    await vi.waitFor(() => expect(heard).toContain('canceled'))
    expect(events.map(({ type }) => type)).toEqual(['recovered'])
    expect(await broker.submitOrder({ ...order, clientOrderId: 'intent-1' })).toMatchObject({ evidence: 'journal' })
  })

  it('is listened to no more once the broker is closed', async () => {
    const { broker, states } = await startStreaming()
    await broker.close()
    expect(states.at(-1)).toBe('disconnected')
  })
})
