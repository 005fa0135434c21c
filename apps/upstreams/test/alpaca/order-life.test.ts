import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { type Answered, at, listAt, type StandIns, startStandIns, textAt } from '../support.ts'

const MARKET = { symbol: 'AAPL', qty: '1', side: 'buy', type: 'market', time_in_force: 'day' }
const FAR = { ...MARKET, type: 'limit', limit_price: '1' }

interface Desk extends StandIns {
  /** Places an order. @returns the answer */
  post(order: object): Promise<Answered>
  /** Places an order that is taken. @returns its id */
  place(order: object): Promise<string>
  /** An order as it is now. */
  look(id: string): Promise<unknown>
  status(id: string): Promise<unknown>
}

async function openDesk(): Promise<Desk> {
  const standIns = await startStandIns({ clock: new VirtualClock() })
  const post = (order: object) => standIns.alpaca('/v2/orders', { method: 'POST', body: order })
  const look = async (id: string) => (await standIns.alpaca(`/v2/orders/${id}?nested=true`)).body
  return {
    ...standIns,
    post,
    place: async (order) => {
      const { status, body } = await post(order)
      expect(status, JSON.stringify(body)).toBe(200)
      return textAt(body, 'id')
    },
    look,
    status: async (id) => at(await look(id), 'status'),
  }
}

const DAY_MS = 86_400_000

describe('an order', () => {
  it('is pending, then new, in market hours; accepted until the market opens otherwise', async () => {
    const { place, status, control } = await openDesk()
    const day = await place(FAR)
    expect(await status(day)).toBe('pending_new')
    control.advanceClock(50)
    expect(await status(day)).toBe('new')
    control.advanceClock(8 * 3_600_000)
    const night = await place({ ...FAR, time_in_force: 'gtc' })
    control.advanceClock(60_000)
    expect(await status(night)).toBe('accepted')
    control.advanceClock(16 * 3_600_000)
    expect(await status(night)).toBe('new')
  })

  it('larger than what is offered is filled in parts, each an activity', async () => {
    const { place, look, control, alpaca } = await openDesk()
    // What a quote shows is 100 to 900 shares.
    const id = await place({ ...MARKET, symbol: 'IBM', qty: '790' })
    control.advanceClock(50)
    const begun = await look(id)
    const first = Number(at(begun, 'filled_qty'))
    if (first < 790) expect(begun).toMatchObject({ status: 'partially_filled' })
    for (let second = 0; second < 10; second++) {
      control.advanceClock(1_000)
      await look(id)
    }
    expect(await look(id)).toMatchObject({ status: 'filled', filled_qty: '790' })
    const { body } = await alpaca('/v2/account/activities/FILL')
    const fills = listAt(body)
    expect(fills.reduce<number>((sum, fill) => sum + Number(at(fill, 'qty')), 0)).toBe(790)
    expect(fills[0]).toMatchObject({ type: 'fill', leaves_qty: '0', cum_qty: '790', order_id: id })
    if (fills.length > 1) expect(fills.at(-1)).toMatchObject({ type: 'partial_fill' })
  })

  it('for so many dollars buys parts of shares', async () => {
    const { place, look, control } = await openDesk()
    const id = await place({ ...MARKET, qty: undefined, notional: '100' })
    control.advanceClock(50)
    const order = await look(id)
    expect(order).toMatchObject({ status: 'filled', notional: '100', qty: null })
    const spent = Number(at(order, 'filled_qty')) * Number(at(order, 'filled_avg_price'))
    expect(spent).toBeCloseTo(100, 1)
  })

  it('for the day expires when the market closes; one until it is cancelled does not', async () => {
    const { place, look, control, alpaca } = await openDesk()
    const day = await place(FAR)
    const gtc = await place({ ...FAR, time_in_force: 'gtc' })
    control.advanceClock(DAY_MS)
    expect(await look(day)).toMatchObject({ status: 'expired', expired_at: '2026-01-05T21:00:00.000Z' })
    expect(await look(gtc)).toMatchObject({ status: 'new', expires_at: null })
    expect(at((await alpaca('/v2/orders?status=closed')).body, 0, 'id')).toBe(day)
  })

  it('at once or not at all is cancelled with what could not be had', async () => {
    const { place, look, control } = await openDesk()
    const ioc = await place({ ...MARKET, symbol: 'IBM', qty: '750', time_in_force: 'ioc' })
    const fok = await place({ ...FAR, time_in_force: 'fok' })
    const had = await place({ ...MARKET, time_in_force: 'fok' })
    control.advanceClock(50)
    const order = await look(ioc)
    expect(at(order, 'status')).toBe(Number(at(order, 'filled_qty')) < 750 ? 'canceled' : 'filled')
    expect(await look(fok)).toMatchObject({ status: 'canceled', filled_qty: '0' })
    expect(await look(had)).toMatchObject({ status: 'filled' })
  })

  it('for the open or the close waits for it', async () => {
    const { place, status, look, control } = await openDesk()
    const opg = await place({ ...MARKET, time_in_force: 'opg' })
    const cls = await place({ ...MARKET, time_in_force: 'cls' })
    control.advanceClock(3_600_000)
    expect([await status(opg), await status(cls)]).toEqual(['pending_new', 'pending_new'])
    control.advanceClock(5 * 3_600_000)
    expect(await look(cls)).toMatchObject({ status: 'filled', filled_at: '2026-01-05T20:59:00.050Z' })
    control.advanceClock(18 * 3_600_000)
    expect(await look(opg)).toMatchObject({ status: 'filled', filled_at: '2026-01-06T14:30:00.050Z' })
  })

  it('with a stop that trails is filled when the price has come back far enough', async () => {
    const { place, look, control } = await openDesk()
    await place({ ...MARKET, qty: '2' })
    const narrow = await place({ ...MARKET, side: 'sell', type: 'trailing_stop', trail_price: '0.01' })
    const wide = await place({
      ...MARKET,
      side: 'sell',
      type: 'trailing_stop',
      trail_percent: '50',
      time_in_force: 'gtc',
    })
    control.advanceClock(3_600_000)
    expect(await look(narrow)).toMatchObject({ status: 'filled', trail_price: '0.01' })
    const open = await look(wide)
    expect(open).toMatchObject({ status: 'new', trail_percent: '50' })
    expect(Number(at(open, 'stop_price'))).toBeCloseTo(Number(at(open, 'hwm')) / 2, 3)
  })

  it('can be turned down by the exchange after it was taken', async () => {
    const { place, look, control } = await openDesk()
    control.setFaults('alpaca', { match: { method: 'POST' }, action: { type: 'rejectLater' } })
    const id = await place(MARKET)
    control.advanceClock(50)
    expect(await look(id)).toMatchObject({ status: 'rejected', filled_qty: '0', failed_at: expect.any(String) })
  })

  it('that is cancelled slowly can be filled before', async () => {
    const { place, status, control, alpaca, ask } = await openDesk()
    expect((await ask('/_cancellation', { method: 'PUT', body: 5_000 })).status).toBe(200)
    const far = await place(FAR)
    const near = await place(MARKET)
    for (const id of [far, near]) expect((await alpaca(`/v2/orders/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await status(far)).toBe('pending_cancel')
    control.advanceClock(50)
    expect([await status(far), await status(near)]).toEqual(['pending_cancel', 'filled'])
    control.advanceClock(5_000)
    expect([await status(far), await status(near)]).toEqual(['canceled', 'filled'])
    expect((await ask('/_cancellation', { method: 'PUT', body: -1 })).status).toBe(400)
  })

  it('all of them are cancelled at once, each with its answer', async () => {
    const { place, alpaca } = await openDesk()
    const ids = [await place(FAR), await place(FAR)]
    const { status, body } = await alpaca('/v2/orders', { method: 'DELETE' })
    expect(status).toBe(207)
    expect(listAt(body)).toMatchObject(
      ids.toReversed().map((id) => ({ id, status: 200, body: { status: 'canceled' } })),
    )
  })
})

describe('a bracket', () => {
  const BRACKET = {
    ...MARKET,
    order_class: 'bracket',
    take_profit: { limit_price: '1000' },
    stop_loss: { stop_price: '1', limit_price: '0.99' },
  }

  it('holds its legs until it is filled; one that is taken ends the other', async () => {
    const { place, look, control, alpaca } = await openDesk()
    // The stop lies above the market, so that it is set off as soon as it is there.
    const id = await place({ ...BRACKET, stop_loss: { stop_price: '999' } })
    expect(listAt(await look(id), 'legs')).toMatchObject([
      { type: 'limit', status: 'held', side: 'sell' },
      { type: 'stop', status: 'held', side: 'sell' },
    ])
    control.advanceClock(50)
    expect(await look(id)).toMatchObject({ status: 'filled', order_class: 'bracket' })
    control.advanceClock(1_000)
    expect(listAt(await look(id), 'legs')).toMatchObject([{ status: 'canceled' }, { status: 'filled' }])
    expect((await alpaca('/v2/positions')).body).toEqual([])
    // The intent was executed once, whatever the legs did.
    expect(control.duplicates()).toEqual([])
    expect(control.ledger().map(({ kind }) => kind)).toEqual(['submit', 'fill', 'fill'])
  })

  it('takes its legs with it when it is cancelled', async () => {
    const { place, look, alpaca } = await openDesk()
    const id = await place({ ...BRACKET, type: 'limit', limit_price: '2', stop_loss: { stop_price: '1' } })
    await alpaca(`/v2/orders/${id}`, { method: 'DELETE' })
    expect(await look(id)).toMatchObject({ status: 'canceled', legs: [{ status: 'canceled' }, { status: 'canceled' }] })
    expect(listAt((await alpaca('/v2/orders?status=all&nested=true')).body)).toHaveLength(1)
    expect(listAt((await alpaca('/v2/orders?status=all')).body)).toHaveLength(3)
  })

  it('of two ways out of a position ends the one when the other is taken', async () => {
    const { place, look, control } = await openDesk()
    await place(MARKET)
    control.advanceClock(50)
    const exit = { ...MARKET, side: 'sell', type: 'limit', order_class: 'oco' }
    const id = await place({ ...exit, take_profit: { limit_price: '2' }, stop_loss: { stop_price: '1' } })
    control.advanceClock(50)
    expect(await look(id)).toMatchObject({ status: 'filled', limit_price: '2', legs: [{ status: 'canceled' }] })
  })

  it('with one way out has one leg', async () => {
    const { place, look, control } = await openDesk()
    const id = await place({ ...MARKET, order_class: 'oto', stop_loss: { stop_price: '1' } })
    control.advanceClock(100)
    expect(await look(id)).toMatchObject({ status: 'filled', legs: [{ type: 'stop', status: 'new', stop_price: '1' }] })
  })
})

describe('a position', () => {
  it('is given up in part or in whole', async () => {
    const { place, alpaca, control } = await openDesk()
    await place({ ...MARKET, qty: '8' })
    control.advanceClock(50)
    const giveUp = (query: string) => alpaca(`/v2/positions/AAPL${query}`, { method: 'DELETE' })
    expect(await giveUp('?percentage=25')).toMatchObject({ status: 200, body: { side: 'sell', qty: '2' } })
    control.advanceClock(1_000)
    expect(await giveUp('?qty=1')).toMatchObject({ body: { qty: '1' } })
    control.advanceClock(1_000)
    expect((await alpaca('/v2/positions/AAPL')).body).toMatchObject({ qty: '5' })
    expect((await giveUp('?qty=6')).status).toBe(422)
    expect((await giveUp('?percentage=nonsense')).status).toBe(422)
    expect(await giveUp('')).toMatchObject({ body: { qty: '5' } })
  })
})

describe('an order that makes no sense', () => {
  it.each([
    [{ qty: '0' }, 'invalid qty: must be a decimal above zero'],
    [{ qty: '-1' }, 'invalid qty'],
    [{ qty: '1.0000000001' }, 'invalid qty'],
    [{ qty: 'many' }, 'invalid qty'],
    [{ qty: null }, 'one of qty and notional is required'],
    [{ notional: '5' }, 'one of qty and notional is required'],
    [{ qty: null, notional: '5', type: 'limit', limit_price: '1' }, 'notional orders must be market orders'],
    [{ qty: '0.5', time_in_force: 'gtc' }, 'fractional orders must be DAY orders'],
    [{ type: 'limit', limit_price: '1.001' }, 'invalid limit_price: sub-penny increment'],
    [{ type: 'limit', limit_price: '0.00001' }, 'invalid limit_price: sub-penny increment'],
    [{ type: 'limit' }, 'limit orders require limit price'],
    [{ limit_price: '1' }, 'market orders require no limit price'],
    [{ type: 'stop' }, 'stop orders require stop price'],
    [{ type: 'trailing_stop' }, 'trailing_stop orders require one of trail_price and trail_percent'],
    [{ trail_price: '1' }, 'market orders require no trail'],
    [{ extended_hours: true }, 'extended hours order must be DAY or GTC limit orders'],
    [{ client_order_id: 'x'.repeat(129) }, 'invalid client_order_id: must be no more than 128 characters'],
    [{ time_in_force: 'never' }, 'invalid time_in_force'],
    [{ side: 'hold' }, 'invalid side'],
    [{ symbol: '' }, 'invalid symbol'],
    [{ order_class: 'bracket' }, 'bracket orders require take_profit and stop_loss'],
    [{ order_class: 'oto' }, 'oto orders require one of take_profit and stop_loss'],
    [{ take_profit: { limit_price: '5' } }, 'simple orders require neither'],
    [{ order_class: 'mleg' }, 'mleg orders are for options'],
    [
      { order_class: 'bracket', take_profit: { limit_price: '1' }, stop_loss: { stop_price: '2' } },
      'take_profit.limit_price must be beyond stop_loss.stop_price',
    ],
  ])('is refused: %j', async (change, message) => {
    const { post, control } = await openDesk()
    const { status, body } = await post({ ...MARKET, ...change })
    expect(status).toBe(422)
    expect(textAt(body, 'message')).toContain(message)
    expect(control.ledger()).toEqual([])
  })

  it('to sell parts of shares that are not held is refused', async () => {
    const { post } = await openDesk()
    expect(await post({ ...MARKET, side: 'sell', qty: '0.5' })).toMatchObject({
      status: 403,
      body: { code: 40310000, message: 'insufficient qty available for order (requested: 0.5, available: 0)' },
    })
  })
})
