/** Nothing leaves any more once it must not: also what an SDK has in its hands and waits for a connection. */
import { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import { Agent, buildConnector, fetch as undiciFetch } from 'undici'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createAlpacaBroker } from '../../src/alpaca/alpaca-broker.ts'
import { KillSwitchError, memoryJournal } from '../../src/index.ts'
import { startBench } from '../support.ts'

const order = { symbol: 'AAPL', side: 'buy', quantity: '2', type: 'market' } as const

/** A broker whose connections are made when that is said, and not before. */
async function startWithoutConnections() {
  const { resilience, upstreams } = await startBench({ alpaca: { attemptTimeoutMs: 60_000 } })
  const waiting: (() => void)[] = []
  const connect = buildConnector({})
  const dispatcher = new Agent({
    connect: (options, callback) => void waiting.push(() => connect(options, callback)),
  })
  onTestFinished(() => dispatcher.destroy())
  const client = new Alpaca({
    keyId: 'key',
    secret: 'secret',
    retry: false,
    rateLimit: false,
    fetchApi: async (url: string, init?: RequestInit) => {
      const { pathname, search } = new URL(url)
      const { method = 'GET', headers, body, signal } = init ?? {}
      const answer = await undiciFetch(`${upstreams.urls.alpaca}${pathname}${search}`, {
        method,
        dispatcher,
        headers: { ...Object.fromEntries(new Headers(headers)) },
        ...(typeof body === 'string' ? { body } : {}),
        ...(signal ? { signal } : {}),
      })
      return new Response(await answer.text(), { status: answer.status, headers: [...answer.headers] })
    },
  })
  const broker = createAlpacaBroker({ service: resilience.service('alpaca'), journal: memoryJournal(), client })
  return { broker, upstreams, waiting, connectAll: () => waiting.splice(0).forEach((go) => void go()) }
}

it('an order that waits for a connection is stopped by the kill switch, and a cancellation is not', async () => {
  const { broker, upstreams, waiting, connectAll } = await startWithoutConnections()
  const asked = broker.submitOrder(order, { timeoutMs: 60_000 })
  await vi.waitFor(() => expect(waiting).toHaveLength(1))
  await broker.engageKillSwitch({ by: 'ann', reason: 'runaway desk' })
  expect(await asked).toMatchObject({ status: 'never-sent', cause: expect.any(KillSwitchError) })
  const cancelled = broker.cancelAll()
  connectAll()
  // Its request is closed with the first connection that the order would have had, and repeated by another.
  const pump = setInterval(connectAll, 1)
  onTestFinished(() => clearInterval(pump))
  await cancelled
  expect(upstreams.control.ledger()).toEqual([])
})
