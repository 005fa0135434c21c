/** The SDK's other interface: promises and observables over the same socket. */
import { ConnectionState, IBApiNext, IBApiTickType } from '@stoqey/ib'
import { expect, it, onTestFinished } from 'vitest'
import { eventually, startStandIns } from '../support.ts'
import { AAPL, LIMIT_ORDER } from './tws-client.ts'

async function startNext(port: number): Promise<IBApiNext> {
  const api = new IBApiNext({ host: '127.0.0.1', port, reconnectInterval: 0, connectionWatchdogInterval: 0 })
  onTestFinished(() => void api.disconnect())
  api.connect(1)
  await eventually(() => expect(api.isConnected).toBe(true))
  return api
}

it('IBApiNext connects, tells the time, places an order and finds it among the open ones', async () => {
  const { ports, control } = await startStandIns()
  const api = await startNext(ports.ib)
  let state: unknown
  const subscription = api.connectionState.subscribe((now) => {
    state = now
  })
  onTestFinished(() => subscription.unsubscribe())
  expect(state).toBe(ConnectionState.Connected)
  expect(await api.getCurrentTime()).toBeGreaterThan(1_700_000_000)
  expect(await api.getManagedAccounts()).toEqual(['DU1234567'])
  const orderId = await api.placeNewOrder(AAPL, { ...LIMIT_ORDER, orderRef: 'intent-1' })
  await eventually(() => expect(control.ledger('ib')).toHaveLength(1))
  expect(await api.getAllOpenOrders()).toMatchObject([{ orderId, order: { orderRef: 'intent-1' } }])
})

it('IBApiNext gets a snapshot of market data', async () => {
  const { ports } = await startStandIns()
  const api = await startNext(ports.ib)
  const ticks = await api.getMarketDataSnapshot(AAPL, '', false)
  const bid = ticks.get(IBApiTickType.BID)?.value ?? 0
  const ask = ticks.get(IBApiTickType.ASK)?.value ?? 0
  expect(bid).toBeGreaterThan(0)
  expect(ask).toBeGreaterThan(bid)
  expect(ticks.get(IBApiTickType.LAST)?.value).toBeGreaterThan(0)
})

it('IBApiNext drops a healthy connection when it hears 1100', async () => {
  const { ports, control } = await startStandIns()
  const api = await startNext(ports.ib)
  control.setFaults('ib', { action: { type: '1100' } })
  await eventually(() => expect(api.isConnected).toBe(false))
})
