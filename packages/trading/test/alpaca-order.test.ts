import { expect, it } from 'vitest'
import { readOrder } from '../src/alpaca/answers.ts'
import { Answer } from '../src/answer.ts'

const told = {
  id: 'b31ffb68',
  clientOrderId: 'intent-1',
  symbol: 'AAPL',
  side: 'buy',
  type: 'limit',
  qty: '10',
  filledQty: '4',
  filledAvgPrice: '187.2',
  limitPrice: '188',
  submittedAt: new Date('2026-01-05T15:00:00Z'),
}

it.each([
  ['new', true],
  ['partially_filled', true],
  ['pending_cancel', true],
  ['pending_replace', true],
  ['held', true],
  ['suspended', true],
  ['done_for_day', true],
  ['a_state_that_is_new', true],
  ['filled', false],
  ['canceled', false],
  ['expired', false],
  ['rejected', false],
  ['replaced', false],
])('an order of Alpaca that is %s can still be filled: %s', (status, isOpen) => {
  expect(readOrder(new Answer('alpaca', 'getOrder', { ...told, status }))).toMatchObject({ status, isOpen })
})
