/** What is remembered of changes, and for how long. */
import { describe, expect, it } from 'vitest'
import type { PreparedReplacement } from '../../src/broker/order.ts'
import { type OrderRecord, toTwsOrder, usStock } from '../../src/interactive-brokers/order-shapes.ts'
import { SentChanges } from '../../src/interactive-brokers/sent-changes.ts'
import { intentCalled } from '../journal/intents.ts'

/** A change of order 7 to a limit. */
const changeTo = (limitPrice: string, clientOrderId: string): PreparedReplacement => ({
  kind: 'replacement',
  clientOrderId,
  orderId: '7',
  quantity: null,
  limitPrice,
  stopPrice: null,
  timeInForce: null,
})

/** Order 7 with a limit. */
const orderAt = (limitPrice: string): OrderRecord => ({
  permId: 7,
  orderId: 1,
  clientId: 1,
  contract: usStock('AAPL'),
  order: toTwsOrder({ ...intentCalled('order-1'), limitPrice }, undefined),
  status: 'Submitted',
  filled: 0,
  averagePrice: 0,
  seenAt: 0,
})

describe('changes that were sent', () => {
  it('are shown to be made by what the order has become, until they are confirmed', () => {
    const changes = new SentChanges()
    changes.begin(changeTo('2', 'change-1'))
    expect(changes.shownBy(orderAt('1'))).toEqual([])
    expect(changes.shownBy({ ...orderAt('2'), permId: 8 })).toEqual([])
    expect(changes.shownBy(orderAt('2'))).toEqual(['change-1'])
    changes.confirm('change-1')
    expect(changes.shownBy(orderAt('2'))).toEqual([])
    expect(changes.find('change-1')).toMatchObject({ permId: 7 })
  })

  it('are forgotten when it is proven that TWS does not make them', () => {
    const changes = new SentChanges()
    expect(changes.begin(changeTo('2', 'change-1'))).toBe(true)
    expect(changes.begin(changeTo('2', 'change-1'))).toBe(false)
    changes.drop('change-1')
    expect(changes.find('change-1')).toBeUndefined()
  })

  it('are forgotten from the oldest on when there are many, but not those of which nothing is known', () => {
    const changes = new SentChanges()
    changes.begin(changeTo('2', 'in-doubt'))
    for (let count = 0; count <= 20_000; count++) {
      changes.begin(changeTo('2', `change-${count}`))
      changes.confirm(`change-${count}`)
    }
    expect(changes.find('change-0')).toBeUndefined()
    expect(changes.find('change-1')).toBeDefined()
    expect(changes.find('in-doubt')).toBeDefined()
  })
})
