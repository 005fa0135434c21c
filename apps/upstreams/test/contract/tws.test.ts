/** An order through the bare `@stoqey/ib` under each fault of the list: what its caller hears, and what really happened. */
import { VirtualClock } from '@holdfast/testing'
import { expect, it, vi } from 'vitest'
import { documentAt, tableOf } from '../../../../test/support/markdown.ts'
import { AAPL, EventName, MARKET_ORDER, startTwsClient, type Told } from '../interactive-brokers/tws-client.ts'
import { eventually, startStandIns } from '../support.ts'

/** Faults that befall an order to the market, by the names that the table has for them. */
const FAULTS: Readonly<Record<string, object>> = {
  none: { type: 'latency', ms: 0 },
  'hang, before': { type: 'hang' },
  'hang, after': { type: 'hang', where: 'after' },
  'reset, before': { type: 'reset' },
  'reset, after': { type: 'reset', where: 'after' },
  'fin, before': { type: 'fin' },
  'fin, after': { type: 'fin', where: 'after' },
  flap: { type: 'flap', upMs: 0, downMs: 60_000 },
  'dieOnSubmit, before': { type: 'dieOnSubmit', where: 'before' },
  'dieOnSubmit, after': { type: 'dieOnSubmit' },
  restart: { type: 'restart', forMs: 3_600_000 },
  'dropAck, before': { type: 'dropAck', where: 'before' },
  'dropAck, after': { type: 'dropAck' },
  dropStatus: { type: 'dropStatus' },
  dupStatus: { type: 'dupStatus', times: 2 },
  reorder: { type: 'reorder' },
  'reject 201': { type: 'reject' },
  'orderError 200': { type: 'orderError' },
  'orderError 460': { type: 'orderError', code: 460 },
  '1100, then 1102': { type: '1100', forMs: 1_000 },
  '1100, then 1101': { type: '1100', forMs: 1_000, restoredAs: 1101 },
  'partial, 10 bytes': { type: 'partial' },
  partialFrame: { type: 'partialFrame' },
  splitFrames: { type: 'splitFrames', bytes: 7 },
  slowDrip: { type: 'slowDrip', bytes: 100, everyMs: 1 },
  'malformed, truncate': { type: 'malformed' },
  'malformed, garbage': { type: 'malformed', mode: 'garbage' },
  'malformed, empty': { type: 'malformed', mode: 'empty' },
  'malformed, wrongLength': { type: 'malformed', mode: 'wrongLength' },
  'malformed, huge': { type: 'malformed', mode: 'huge' },
  'malformed, long': { type: 'malformed', mode: 'long' },
}

const HEAD = ['fault', 'what `@stoqey/ib` tells', 'executed'].map((cell) => cell.replaceAll('`', ''))

it.each(Object.entries(FAULTS))('under “%s”', async (fault, action) => {
  const table = tableOf(await documentAt('docs/upstream-faults.md'), HEAD)
  const clock = new VirtualClock()
  const { ports, control } = await startStandIns({ clock })
  const client = await startTwsClient(ports.ib)
  await client.heard(EventName.info, 3)
  const before = client.told.length
  control.setFaults('ib', { match: { msgId: 3 }, action })
  client.api.placeOrder(1, AAPL, { ...MARKET_ORDER, orderRef: 'intent-1' })
  await eventually(() => expect(control.log(0, 'ib').at(-1)).toMatchObject({ method: 'PLACE_ORDER' }))
  await clock.advance(2_000)
  const [, expected = ''] = table.get(fault) ?? []
  const heard = (): string => client.told.slice(before).map(wordsOf).join(', ') || 'nothing'
  // The SDK takes seconds over 16 MB: it copies all that it has with every piece that comes.
  await vi.waitFor(() => expect(heard()).toBe(table.get(fault)?.[0]), { timeout: 25_000 })
  const executed = control.ledger('ib').filter(({ kind }) => kind === 'submit').length
  expect(executed === 0 ? 'no' : 'yes').toBe(expected)
})

/** An event, and what distinguishes it from others of its kind. */
function wordsOf([event, ...args]: Told): string {
  if (event === 'error' || event === 'info') return `${event} ${args[1]}`
  return event === 'orderStatus' ? `${event} ${args[1]}` : event
}
