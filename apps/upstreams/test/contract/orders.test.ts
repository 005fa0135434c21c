/** An order through Alpaca's bare SDK under each fault of the list: what its caller gets, and what really happened. */
import { startUpstreams, type Upstreams } from '@holdfast/upstreams'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { documentAt, tableOf } from '../../../../test/support/markdown.ts'
import { openAlpaca } from '../alpaca/alpaca-client.ts'
import { at, eventually } from '../support.ts'
import { HTTP_FAULTS, IMPATIENT, PATIENT } from './http-faults.ts'
import { outcomeOf } from './outcome.ts'

let upstreams: Upstreams
let table: ReadonlyMap<string, readonly string[]>

beforeAll(async () => {
  upstreams = await startUpstreams({ ports: {}, workers: { count: 64, minMs: 0, maxMs: 0 } })
  table = tableOf(await documentAt('docs/upstream-faults.md'), ['fault', 'what Alpaca’s SDK gives', 'executed'])
})

afterAll(() => upstreams.close())

/** Stale and drifting answers, and a limit that is exceeded, are no matter of orders. */
const ROWS = [...HTTP_FAULTS].filter(([fault]) => !['stale', 'drift', 'ban'].includes(fault))

it.each([
  ...ROWS,
  ['status 502, executed', { action: { type: 'status', code: 502, executed: true } }] as const,
  ['status 504, executed', { action: { type: 'status', code: 504, executed: true } }] as const,
])('under “%s”', async (fault, { action }) => {
  const { control, urls } = upstreams
  control.reset()
  control.setFaults('alpaca', { action })
  const { trading } = openAlpaca(urls.alpaca, { timeoutMs: fault === 'hang' ? IMPATIENT : PATIENT })
  const order = { symbol: 'AAPL', qty: 1, side: 'buy', clientOrderId: 'intent-1' } as const
  const got = await outcomeOf(
    () => trading.orders.market(order),
    (value) => at(value, 'clientOrderId') === 'intent-1',
  )
  await eventually(() => expect(control.log()).toHaveLength(1))
  const executed = control.ledger().filter(({ kind }) => kind === 'submit').length
  expect([got, executed === 0 ? 'no' : 'yes']).toEqual(table.get(fault))
})
