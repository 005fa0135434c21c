/** Market data, now and from the past. */
import type { BarUnit } from '../market/market.ts'
import { DAY_MS } from '../market/new-york-time.ts'
import { type Contract, contractFor, readContract } from './contracts.ts'
import type { RequestContext, RequestHandler } from './request-context.ts'
import { MOST_LINES, ticksOf } from './subscriptions.ts'
import { clockText, dayText, readClockText } from './time-text.ts'
import type { TwsServer } from './tws-server.ts'
import { REQUEST } from './wire/message-ids.ts'
import {
  historicalData,
  lastTimestamp,
  marketDataType,
  tickPrice,
  tickReqParams,
  tickSize,
  tickSnapshotEnd,
} from './wire/messages.ts'

export const dataRequests: ReadonlyMap<number, RequestHandler> = new Map<number, RequestHandler>([
  [REQUEST.REQ_MKT_DATA, subscribe],
  [REQUEST.CANCEL_MKT_DATA, unsubscribe],
  [REQUEST.REQ_MARKET_DATA_TYPE, () => undefined],
  [REQUEST.REQ_HISTORICAL_DATA, tellHistory],
  [REQUEST.CANCEL_HISTORICAL_DATA, () => undefined],
])

const NO_CONTRACT = 'No security definition has been found for the request'

function subscribe({ session, tws, fields, fault }: RequestContext): void {
  fields.skip(1)
  const reqId = fields.integer()
  const contract = contractFor(tws.market, readContract(fields))
  // Delta neutral contract and generic ticks.
  fields.skip(2)
  const snapshot = fields.flagOr(false)
  if (contract === undefined) return session.refuse(reqId, 200, NO_CONTRACT)
  if (session.subscriptions.has(reqId))
    return session.refuse(reqId, 322, 'Error processing request: Duplicate ticker id')
  if (!snapshot && session.subscriptions.size >= MOST_LINES) {
    return session.refuse(reqId, 101, 'Max number of tickers has been reached')
  }
  session.send(tickReqParams(reqId))
  session.send(marketDataType(reqId, 1))
  const ageMs = fault?.action.type === 'stale' ? fault.action.ageMs : 0
  if (snapshot) {
    for (const { tick, price, size } of ticksOf(tws, contract)) {
      session.send(tickPrice(reqId, tick, price, size))
      session.send(tickSize(reqId, tick, size))
    }
    session.send(lastTimestamp(reqId, tws.marketClock.now() - ageMs))
    return session.send(tickSnapshotEnd(reqId))
  }
  session.subscriptions.add(reqId, contract, ageMs)
  tws.watch()
}

function unsubscribe({ session, fields }: RequestContext): void {
  fields.skip(1)
  const reqId = fields.integer()
  if (!session.subscriptions.remove(reqId)) session.refuse(reqId, 300, `Can't find EId with tickerId:${reqId}`)
}

const BAR_SIZES: ReadonlyMap<string, { readonly amount: number; readonly unit: BarUnit }> = new Map(
  (
    [
      ['1 min', 1, 'minute'],
      ['2 mins', 2, 'minute'],
      ['3 mins', 3, 'minute'],
      ['5 mins', 5, 'minute'],
      ['10 mins', 10, 'minute'],
      ['15 mins', 15, 'minute'],
      ['20 mins', 20, 'minute'],
      ['30 mins', 30, 'minute'],
      ['1 hour', 1, 'hour'],
      ['2 hours', 2, 'hour'],
      ['4 hours', 4, 'hour'],
      ['1 day', 1, 'day'],
      ['1 week', 1, 'week'],
      ['1 month', 1, 'month'],
    ] as const
  ).map(([text, amount, unit]) => [text, { amount, unit }]),
)

const DURATION_UNITS: ReadonlyMap<string, number> = new Map([
  ['S', 1_000],
  ['D', DAY_MS],
  ['W', 7 * DAY_MS],
  ['M', 30 * DAY_MS],
  ['Y', 365 * DAY_MS],
])

/** How many requests for historical data of one client may wait for their answers. */
const MOST_OPEN_HISTORY = 50

const SHOWN: ReadonlySet<string> = new Set(['TRADES', 'MIDPOINT', 'BID', 'ASK', 'BID_ASK'])

/** What a client wants to know of the past. */
interface HistoryQuery {
  readonly contract: Contract
  readonly end: number
  readonly lengthMs: number
  readonly bar: { readonly amount: number; readonly unit: BarUnit }
  readonly show: string
  /** Bars within a day have their times in seconds since 1970. */
  readonly inSeconds: boolean
}

function tellHistory({ session, tws, message, fields }: RequestContext): void {
  const reqId = fields.integer()
  const refuse = (code: number, text: string): void => session.refuse(reqId, code, text)
  const query = readHistoryQuery(tws, fields)
  if ('code' in query) return refuse(query.code, query.text)
  const { contract, end, lengthMs, bar, show } = query
  const hasRoom = session.openHistory < MOST_OPEN_HISTORY
  if (!isWithinPace(tws, contract, show, message.slice(2).join('|')) || !hasRoom) {
    tws.statistics.rateViolations++
    return refuse(
      162,
      'Historical Market Data Service error message:API historical data query cancelled: pacing violation',
    )
  }
  const from = end - lengthMs
  const bars = tws.market.bars(contract.symbol, { ...bar, from, to: end })
  if (bars.length === 0) {
    const nothing = `HMDS query returned no data: ${contract.symbol}@${contract.exchange} ${show}`
    return refuse(162, `Historical Market Data Service error message:${nothing}`)
  }
  const withinDay = bar.unit === 'minute' || bar.unit === 'hour'
  const timeOf = (at: number): string => {
    if (!withinDay) return dayText(at)
    return query.inSeconds ? String(Math.floor(at / 1_000)) : clockText(at)
  }
  session.openHistory++
  session.send(historicalData(reqId, [clockText(from), clockText(end)], bars, timeOf), () => session.openHistory--)
}

function readHistoryQuery(
  tws: TwsServer,
  fields: RequestContext['fields'],
): HistoryQuery | { readonly code: number; readonly text: string } {
  const contract = contractFor(tws.market, readContract(fields))
  fields.skip(1)
  const endText = fields.text()
  const barText = fields.text()
  const [, amount = '', unit = ''] = /^(\d{1,6}) ([SDWMY])$/.exec(fields.text()) ?? []
  fields.skip(1)
  const show = fields.text()
  const inSeconds = fields.text() === '2'
  const keepUpToDate = fields.flagOr(false)
  if (contract === undefined) return { code: 200, text: NO_CONTRACT }
  const end = endText === '' ? tws.marketClock.now() : readClockText(endText)
  const bar = BAR_SIZES.get(barText)
  const unitMs = DURATION_UNITS.get(unit)
  const invalid = (cause: string) => ({
    code: 321,
    text: `Error validating request.-'reqHistoricalData' : cause - ${cause}`,
  })
  if (end === undefined) {
    return { code: 10_314, text: 'End Date/Time: The date, time, or time-zone entered is invalid.' }
  }
  if (bar === undefined) return invalid('Historical data bar size setting is invalid')
  if (unitMs === undefined || Number(amount) === 0) return invalid('Historical data request duration is invalid')
  if (!SHOWN.has(show)) return invalid('Historical data type is invalid')
  if (keepUpToDate) return invalid('this stand-in does not keep historical data up to date')
  return { contract, end, lengthMs: Number(amount) * unitMs, bar, show, inSeconds }
}

/** The limits that Interactive Brokers sets to requests for the past. */
function isWithinPace(tws: TwsServer, { conId, exchange }: Contract, show: string, request: string): boolean {
  const times = show === 'BID_ASK' ? 2 : 1
  const checks: readonly (readonly [limit: string, key: string])[] = [
    ['historicalRepeats', request],
    ['historicalForContract', `${conId} ${exchange} ${show}`],
    ...new Array<readonly [string, string]>(times).fill(['historical', 'account']),
  ]
  return checks.map(([limit, key]) => tws.allows(limit, key)).every((allowed) => allowed)
}
