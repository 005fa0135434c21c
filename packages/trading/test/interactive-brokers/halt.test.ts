/** Nothing leaves any more once it must not: also what has a number already and waits for a session. */
import { expect, it } from 'vitest'
import { acceptedOrder, KillSwitchError, NotReadyError } from '../../src/index.ts'
import { type BrokerBench, eventually, FAR, startBroker } from './tws-bench.ts'

/** A broker whose session has ended, and does not come back until that is said. */
async function withoutSession(bench: BrokerBench): Promise<void> {
  bench.control.setFaults('ib', { action: { type: 'restart', forMs: 3_600_000 } })
  await bench.happened('disconnected')
}

async function withSession({ control, link, broker }: BrokerBench): Promise<void> {
  control.clearFaults('ib')
  await link.ready(AbortSignal.timeout(20_000))
  // The stand-in has done by then what it was sent before.
  await broker.getOpenOrders()
}

const PATIENT = { service: { attemptTimeoutMs: 60_000 }, orders: { submitTimeoutMs: 60_000 } }

it('an order that waits for a session is stopped by the kill switch', async () => {
  const bench = await startBroker(PATIENT)
  const { broker, control } = bench
  await broker.getOpenOrders()
  await withoutSession(bench)
  const asked = broker.submitOrder(FAR)
  await eventually(() => expect(bench.link.state).toBe('connecting'))
  await broker.engageKillSwitch({ by: 'ann', reason: 'runaway desk' })
  expect(await asked).toMatchObject({ status: 'never-sent', cause: expect.any(KillSwitchError) })
  await withSession(bench)
  expect(control.ledger('ib')).toEqual([])
})

it('a change that waits for a session is stopped by the kill switch', async () => {
  const bench = await startBroker(PATIENT)
  const { broker, control } = bench
  const order = acceptedOrder(await broker.submitOrder(FAR))
  await withoutSession(bench)
  const asked = broker.replaceOrder(order.id, { limitPrice: '2' })
  await broker.engageKillSwitch({ by: 'ann', reason: 'runaway desk' })
  expect(await asked).toMatchObject({ status: 'never-sent', cause: expect.any(KillSwitchError) })
  await withSession(bench)
  expect(control.ledger('ib').map(({ kind }) => kind)).toEqual(['submit'])
})

it('an order that waits for a session is given up by a broker that is closed', async () => {
  const bench = await startBroker(PATIENT)
  const { broker, control } = bench
  await broker.getOpenOrders()
  await withoutSession(bench)
  const asked = broker.submitOrder(FAR)
  await eventually(() => expect(bench.link.state).toBe('connecting'))
  await broker.close()
  expect(await asked).toMatchObject({ status: 'never-sent', cause: expect.any(NotReadyError) })
  await withSession(bench)
  expect(control.ledger('ib')).toEqual([])
})
