/** Orders over the gateway: the same request twice, changes, cancellations, and orders whose fate nobody knows. */
import { memoryJournal } from '@holdfast/trading'
import { describe, expect, it, vi } from 'vitest'
import { TOKENS, tokenBook } from './control/support.ts'
import { ORDER, startWorld } from './support.ts'

const SUBMISSIONS = { method: 'POST', path: '^/v2/orders$' }
const RESTING = { ...ORDER, type: 'limit', limitPrice: '1.25' } as const
/** Doubt is told after a second instead of fifteen. */
const IMPATIENT = { orders: { submitTimeoutMs: 1_000, reconciliation: { settleMs: 20 } } }

describe('an order', () => {
  it('that is asked for twice under one id is placed once: 201, then 200', async () => {
    const { ask, standIns } = await startWorld()
    const body = { ...RESTING, clientOrderId: 'intent-1' }
    const first = await ask('/v1/orders', { method: 'POST', body })
    const second = await ask('/v1/orders', { method: 'POST', body })
    expect([first.status, second.status]).toEqual([201, 200])
    expect(second.headers.location).toBe(first.headers.location)
    expect(second.body).toEqual(first.body)
    expect(standIns.control.ledger()).toHaveLength(1)
  })

  it('that is asked for twice at the same time is placed once', async () => {
    const { ask, standIns } = await startWorld()
    const body = { ...RESTING, clientOrderId: 'intent-1' }
    const answers = await Promise.all([1, 2, 3].map(() => ask('/v1/orders', { method: 'POST', body })))
    expect(answers.map(({ status }) => status)).toEqual([201, 201, 201])
    expect(standIns.control.ledger()).toHaveLength(1)
  })

  it('whose acknowledgement was lost is looked up before it is answered', async () => {
    const { ask, standIns } = await startWorld()
    standIns.control.setFaults('alpaca', { match: SUBMISSIONS, action: { type: 'resetAfter' } })
    const answer = await ask('/v1/orders', { method: 'POST', body: { ...RESTING, clientOrderId: 'intent-1' } })
    expect(answer).toMatchObject({ status: 201, body: { clientOrderId: 'intent-1' } })
    expect(standIns.control.ledger()).toHaveLength(1)
  })

  it('is changed, and is listed while it is open', async () => {
    const { ask } = await startWorld()
    const placed = await ask('/v1/orders', { method: 'POST', body: RESTING })
    const changed = await ask(String(placed.headers.location), { method: 'PATCH', body: { limitPrice: '1.5' } })
    expect(changed).toMatchObject({ status: 201, body: { limitPrice: '1.5' } })
    expect((await ask('/v1/orders')).body).toMatchObject([{ limitPrice: '1.5', isOpen: true }])
    expect((await ask(String(placed.headers.location), { method: 'PATCH', body: {} })).status).toBe(400)
  })

  it('is cancelled with a 204; what is closed already is shown as it is', async () => {
    const { ask } = await startWorld()
    const { headers } = await ask('/v1/orders', { method: 'POST', body: RESTING })
    const path = String(headers.location)
    expect((await ask(path, { method: 'DELETE' })).status).toBe(204)
    expect(await ask(path, { method: 'DELETE' })).toMatchObject({ status: 200, body: { status: 'canceled' } })
  })

  it('and all others are cancelled at once', async () => {
    const { ask } = await startWorld()
    for (const limitPrice of ['1.1', '1.2']) {
      await ask('/v1/orders', { method: 'POST', body: { ...RESTING, limitPrice } })
    }
    expect((await ask('/v1/orders', { method: 'DELETE' })).status).toBe(204)
    expect((await ask('/v1/orders')).body).toEqual([])
  })

  it('of an account that another process has is a 503 that says so, and reads go on', async () => {
    const journal = memoryJournal()
    await journal.claim('alpaca')
    const { ask, standIns } = await startWorld({ journal })
    expect(await ask('/v1/orders', { method: 'POST', body: ORDER })).toMatchObject({
      status: 503,
      body: { type: 'urn:holdfast:account-elsewhere', detail: expect.stringContaining('account alpaca belongs to') },
    })
    expect(standIns.control.ledger()).toEqual([])
    expect((await ask('/v1/account')).status).toBe(200)
  })

  it('of a broker that there is not is a mistake', async () => {
    const { ask } = await startWorld()
    expect(await ask('/v1/account?broker=alpaca')).toMatchObject({ status: 200 })
    expect(await ask('/v1/account?broker=nobody')).toMatchObject({
      status: 400,
      body: { detail: 'broker: it must be one of alpaca' },
    })
  })
})

describe('an order with ?broker=ib', () => {
  const AT_IB = '/v1/orders?broker=ib'

  it('goes to Interactive Brokers, is found where the answer says, is changed and cancelled', async () => {
    const { ask, standIns } = await startWorld({ ib: true })
    const placed = await ask(AT_IB, { method: 'POST', body: { ...RESTING, clientOrderId: 'intent-1' } })
    expect(placed).toMatchObject({ status: 201, body: { clientOrderId: 'intent-1', isOpen: true } })
    const path = String(placed.headers.location)
    expect(path).toMatch(/^\/v1\/orders\/\d+\?broker=ib$/)
    expect(await ask(path)).toMatchObject({ status: 200, body: { limitPrice: '1.25' } })
    expect((await ask('/v1/orders/intent-1?by=clientOrderId&broker=ib')).body).toMatchObject({ symbol: 'AAPL' })
    expect((await ask(AT_IB)).body).toMatchObject([{ clientOrderId: 'intent-1' }])
    expect((await ask('/v1/orders')).body).toEqual([])
    const changed = await ask(path, { method: 'PATCH', body: { limitPrice: '1.5' } })
    expect(changed).toMatchObject({ status: 201, headers: { location: path }, body: { limitPrice: '1.5' } })
    expect((await ask(path, { method: 'DELETE' })).status).toBe(204)
    expect((await ask(AT_IB, { method: 'DELETE' })).status).toBe(204)
    expect(await ask('/v1/account?broker=ib')).toMatchObject({ status: 200, body: { id: 'DU1234567' } })
    expect(standIns.control.ledger('alpaca')).toEqual([])
  })

  it('whose acknowledgement was lost is looked up before it is answered', async () => {
    const { ask, standIns } = await startWorld({ ib: true, orders: { reconciliation: { settleMs: 20 } } })
    standIns.control.setFaults('ib', { match: { times: 1 }, action: { type: 'dieOnSubmit' } })
    const answer = await ask(AT_IB, { method: 'POST', body: { ...RESTING, clientOrderId: 'intent-1' } })
    expect(answer).toMatchObject({ status: 201, body: { clientOrderId: 'intent-1' } })
    expect(standIns.control.ledger('ib')).toHaveLength(1)
  })

  it('of which nobody knows is listed with its broker; the kill switch holds there too', async () => {
    const { ask, standIns, upstreams } = await startWorld({ ib: true, ...IMPATIENT })
    standIns.control.setFaults('ib', { match: { times: 1 }, action: { type: 'dieOnSubmit', where: 'before' } })
    const answer = await ask(AT_IB, { method: 'POST', body: { ...RESTING, clientOrderId: 'intent-1' } })
    expect(answer).toMatchObject({ status: 504, body: { type: 'urn:holdfast:order-in-doubt' } })
    expect((await ask('/v1/orders/in-doubt')).body).toMatchObject({
      orders: [{ broker: 'ib', account: 'ib', clientOrderId: 'intent-1' }],
    })
    await upstreams.brokers.get('ib')?.engageKillSwitch({ by: 'a test', reason: 'enough' })
    expect(await ask(AT_IB, { method: 'POST', body: RESTING })).toMatchObject({
      status: 503,
      body: { type: 'urn:holdfast:orders-stopped' },
    })
  })
})

describe('an order whose fate nobody knows', () => {
  it('is a 504 that says what to do, is listed, and is known once it is found', async () => {
    const { ask, standIns } = await startWorld(IMPATIENT)
    standIns.control.setVisibilityLag(60_000)
    standIns.control.setFaults('alpaca', { match: SUBMISSIONS, action: { type: 'resetAfter' } })
    const body = { ...RESTING, clientOrderId: 'intent-1' }
    expect(await ask('/v1/orders', { method: 'POST', body })).toMatchObject({
      status: 504,
      body: { type: 'urn:holdfast:order-in-doubt', clientOrderId: 'intent-1' },
    })
    expect((await ask('/v1/orders/in-doubt')).body).toMatchObject({
      orders: [{ broker: 'alpaca', clientOrderId: 'intent-1', intent: { symbol: 'AAPL' } }],
    })
    standIns.control.setVisibilityLag(0)
    await vi.waitFor(async () => expect((await ask('/v1/orders', { method: 'POST', body })).status).toBe(200))
    expect((await ask('/v1/orders/in-doubt')).body).toEqual({ orders: [] })
    expect(standIns.control.ledger()).toHaveLength(1)
  })

  it('is resolved by an operator’s word, and by nobody else’s', async () => {
    const control = { tokens: tokenBook(), secureCookies: false }
    const { ask, standIns } = await startWorld({ ...IMPATIENT, control })
    standIns.control.setVisibilityLag(60_000)
    standIns.control.setFaults('alpaca', { match: SUBMISSIONS, action: { type: 'reset' } })
    const body = { ...RESTING, clientOrderId: 'intent-1' }
    await ask('/v1/orders', { method: 'POST', body })
    const resolve = (role: keyof typeof TOKENS, said: object) =>
      ask('/v1/orders/in-doubt/intent-1', {
        method: 'POST',
        body: said,
        headers: { authorization: `Bearer ${TOKENS[role]}` },
      })
    const said = { orderId: null, note: 'the broker’s desk says that it never arrived' }
    expect((await resolve('viewer', said)).status).toBe(403)
    expect((await resolve('operator', { ...said, note: '' })).status).toBe(400)
    expect(await resolve('operator', said)).toMatchObject({
      status: 200,
      body: { state: 'refused', reason: expect.stringContaining('resolved by a-operator') },
    })
    expect((await ask('/v1/orders/in-doubt')).body).toEqual({ orders: [] })
    expect((await resolve('operator', said)).status).toBe(400)
    expect((await ask('/v1/orders', { method: 'POST', body })).status).toBe(422)
  })
})
