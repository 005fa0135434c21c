/** The session, the account, the time. */
import { ACCOUNT } from './account.ts'
import { contractFor } from './contracts.ts'
import { noticeText } from './outages.ts'
import type { RequestContext, RequestHandler } from './request-context.ts'
import type { TwsServer } from './tws-server.ts'
import { REQUEST } from './wire/message-ids.ts'
import {
  accountSummary,
  accountSummaryEnd,
  currentTime,
  error,
  managedAccounts,
  NO_ID,
  nextValidId,
  position,
  positionEnd,
} from './wire/messages.ts'

/** What TWS tells of its data farms when a session starts. */
const FARMS = [2104, 2106, 2158]

export const accountRequests: ReadonlyMap<number, RequestHandler> = new Map<number, RequestHandler>([
  [REQUEST.START_API, start],
  [REQUEST.REQ_IDS, ({ session, tws }) => session.send(nextValidId(tws.nextOrderId))],
  [REQUEST.REQ_MANAGED_ACCTS, ({ session }) => session.send(managedAccounts(ACCOUNT))],
  [REQUEST.REQ_CURRENT_TIME, ({ session, tws }) => session.send(currentTime(tws.clock.wallTime()))],
  [REQUEST.REQ_POSITIONS, tellPositions],
  [REQUEST.CANCEL_POSITIONS, () => undefined],
  [REQUEST.REQ_ACCOUNT_SUMMARY, tellSummary],
  [REQUEST.CANCEL_ACCOUNT_SUMMARY, () => undefined],
])

function start({ session, tws, fields, fault }: RequestContext): void {
  fields.skip(1)
  const clientId = fields.integer()
  if (fault?.action.type === 'clientIdInUse' || tws.sessionOf(clientId) !== undefined) {
    session.refuse(NO_ID, 326, 'Unable to connect as the client id is already in use. Retry with a unique client id.')
    return session.finish()
  }
  session.clientId = clientId
  session.send(managedAccounts(ACCOUNT))
  if (fault?.action.type !== 'noNextValidId') session.send(nextValidId(tws.nextOrderId))
  for (const code of tws.isLost ? [1100] : FARMS) session.send(error(NO_ID, code, noticeText(code)))
}

function tellPositions({ session, tws }: RequestContext): void {
  tws.book.settle()
  for (const held of tws.book.portfolio.positions.values()) {
    const query = { conId: 0, symbol: held.symbol, secType: 'STK', exchange: '', currency: 'USD' }
    const contract = contractFor(tws.market, query)
    if (contract !== undefined) session.send(position(ACCOUNT, contract, held))
  }
  session.send(positionEnd())
}

function tellSummary({ session, tws, fields }: RequestContext): void {
  fields.skip(1)
  const reqId = fields.integer()
  const group = fields.text()
  const values = summaryOf(tws)
  if (group !== 'All')
    return session.refuse(reqId, 321, `Error validating request: there is no group ${group.slice(0, 20)}`)
  for (const tag of fields.text().split(',')) {
    const value = values.get(tag.trim())
    if (value !== undefined) session.send(accountSummary(reqId, ACCOUNT, tag.trim(), value))
  }
  session.send(accountSummaryEnd(reqId))
}

/** Figures of the account by their tags. */
function summaryOf({ book, market }: TwsServer): ReadonlyMap<string, string> {
  book.settle()
  const { long, short } = book.portfolio.values(market)
  const { cash } = book.portfolio
  const dollars = (amount: number): string => amount.toFixed(2)
  return new Map([
    ['AccountType', 'INDIVIDUAL'],
    ['NetLiquidation', dollars(cash + long + short)],
    ['TotalCashValue', dollars(cash)],
    ['SettledCash', dollars(cash)],
    ['BuyingPower', dollars(book.buyingPower)],
    ['AvailableFunds', dollars(book.buyingPower)],
    ['GrossPositionValue', dollars(long - short)],
    ['EquityWithLoanValue', dollars(cash + long + short)],
  ])
}
