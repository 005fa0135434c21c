/** Messages about the session and about data, as a server of version 176 lays them out. */
import type { Bar } from '../../market/bar.ts'
import type { Position } from '../../market/portfolio.ts'
import type { Contract } from '../contracts.ts'
import type { Field } from './frame.ts'
import { ANSWER } from './message-ids.ts'

/** The version of the protocol that the server speaks. */
export const SERVER_VERSION = 176

/** The id of what concerns no request: clients tell it as information. */
export const NO_ID = -1

export function error(id: number, code: number, message: string): readonly Field[] {
  return [ANSWER.ERROR, 2, id, code, message, null]
}

export function nextValidId(id: number): readonly Field[] {
  return [ANSWER.NEXT_VALID_ID, 1, id]
}

export function managedAccounts(account: string): readonly Field[] {
  return [ANSWER.MANAGED_ACCTS, 1, account]
}

/** @param at milliseconds since 1970 */
export function currentTime(at: number): readonly Field[] {
  return [ANSWER.CURRENT_TIME, 1, Math.floor(at / 1_000)]
}

export function openOrderEnd(): readonly Field[] {
  return [ANSWER.OPEN_ORDER_END, 1]
}

export function executionsEnd(reqId: number): readonly Field[] {
  return [ANSWER.EXECUTIONS_END, 1, reqId]
}

export function completedOrdersEnd(): readonly Field[] {
  return [ANSWER.COMPLETED_ORDERS_END]
}

export function position(account: string, contract: Contract, { qty, entryPrice }: Position): readonly Field[] {
  const { conId, symbol, secType, exchange, currency } = contract
  const about = [conId, symbol, secType, null, 0, null, null, exchange, currency, symbol, symbol]
  return [ANSWER.POSITION, 3, account, ...about, qty, entryPrice]
}

export function positionEnd(): readonly Field[] {
  return [ANSWER.POSITION_END, 1]
}

export function accountSummary(reqId: number, account: string, tag: string, value: string): readonly Field[] {
  return [ANSWER.ACCOUNT_SUMMARY, 1, reqId, account, tag, value, 'USD']
}

export function accountSummaryEnd(reqId: number): readonly Field[] {
  return [ANSWER.ACCOUNT_SUMMARY_END, 1, reqId]
}

export function accountValue(account: string, key: string, value: string): readonly Field[] {
  return [ANSWER.ACCOUNT_VALUE, 2, key, value, 'USD', account]
}

/** @param price what the market says, in dollars */
export function portfolioValue(
  account: string,
  { conId, symbol, secType, exchange, currency }: Contract,
  { qty, entryPrice }: Position,
  price: number,
): readonly Field[] {
  const about = [conId, symbol, secType, null, 0, null, null, exchange, currency, symbol, symbol]
  const cents = (dollars: number): number => Math.round(dollars * 100) / 100
  const figures = [qty, price, cents(qty * price), entryPrice, cents(qty * (price - entryPrice)), 0]
  return [ANSWER.PORTFOLIO_VALUE, 8, ...about, ...figures, account]
}

/** @param time hours and minutes */
export function accountUpdateTime(time: string): readonly Field[] {
  return [ANSWER.ACCOUNT_UPDATE_TIME, 1, time]
}

export function accountDownloadEnd(account: string): readonly Field[] {
  return [ANSWER.ACCOUNT_DOWNLOAD_END, 1, account]
}

/** What a tick is about. */
export const TICK = { BID: 1, ASK: 2, LAST: 4, LAST_TIMESTAMP: 45 } as const

/** Of each price, the tick that tells how much there is at it. */
const SIZES: ReadonlyMap<number, number> = new Map([
  [TICK.BID, 0],
  [TICK.ASK, 3],
  [TICK.LAST, 5],
])

export function tickPrice(reqId: number, tick: number, price: number, size: number): readonly Field[] {
  return [ANSWER.TICK_PRICE, 6, reqId, tick, price, size, 0]
}

/** How much there is at a price. */
export function tickSize(reqId: number, tick: number, size: number): readonly Field[] {
  return [ANSWER.TICK_SIZE, 6, reqId, SIZES.get(tick) ?? 0, size]
}

/** @param at milliseconds since 1970 */
export function lastTimestamp(reqId: number, at: number): readonly Field[] {
  return [ANSWER.TICK_STRING, 1, reqId, TICK.LAST_TIMESTAMP, String(Math.floor(at / 1_000))]
}

/** @param type 1 live, 2 frozen, 3 delayed */
export function marketDataType(reqId: number, type: number): readonly Field[] {
  return [ANSWER.MARKET_DATA_TYPE, 1, reqId, type]
}

export function tickReqParams(reqId: number): readonly Field[] {
  return [ANSWER.TICK_REQ_PARAMS, reqId, 0.01, '9c0001', 3]
}

export function tickSnapshotEnd(reqId: number): readonly Field[] {
  return [ANSWER.TICK_SNAPSHOT_END, 1, reqId]
}

/** @param timeOf how a bar's time is written */
export function historicalData(
  reqId: number,
  [from, to]: readonly [string, string],
  bars: readonly Bar[],
  timeOf: (at: number) => string,
): readonly Field[] {
  const figures = bars.flatMap(({ at, open, high, low, close, volume, vwap, trades }) => [
    ...[timeOf(at), open, high, low, close, volume, vwap, trades],
  ])
  return [ANSWER.HISTORICAL_DATA, reqId, from, to, bars.length, ...figures]
}
