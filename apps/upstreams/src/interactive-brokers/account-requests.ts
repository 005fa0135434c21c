/** The session, the account, the time. */

import type { Position } from '../market/portfolio.ts'
import { ACCOUNT } from './account.ts'
import { type Contract, contractFor } from './contracts.ts'
import { noticeText } from './outages.ts'
import type { RequestContext, RequestHandler } from './request-context.ts'
import { clockText } from './time-text.ts'
import type { TwsServer } from './tws-server.ts'
import { REQUEST } from './wire/message-ids.ts'
import {
  accountDownloadEnd,
  accountSummary,
  accountSummaryEnd,
  accountUpdateTime,
  accountValue,
  currentTime,
  error,
  managedAccounts,
  NO_ID,
  nextValidId,
  portfolioValue,
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
  [REQUEST.REQ_ACCOUNT_DATA, tellAccount],
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
  for (const { contract, held } of holdingsOf(tws)) session.send(position(ACCOUNT, contract, held))
  session.send(positionEnd())
}

/** Figures and holdings, once: this stand-in does not go on telling how they change. */
function tellAccount({ session, tws, fields }: RequestContext): void {
  fields.skip(1)
  if (!fields.flagOr(true)) return
  for (const [key, value] of summaryOf(tws)) session.send(accountValue(ACCOUNT, key, value))
  for (const { contract, held } of holdingsOf(tws)) {
    session.send(portfolioValue(ACCOUNT, contract, held, tws.market.lastTrade(held.symbol).price))
  }
  session.send(accountUpdateTime(clockText(tws.marketClock.now()).slice(9, 14)))
  session.send(accountDownloadEnd(ACCOUNT))
}

/** What is held, and of what. */
function holdingsOf({ book, market }: TwsServer): readonly { readonly contract: Contract; readonly held: Position }[] {
  book.settle()
  return [...book.portfolio.positions.values()].flatMap((held) => {
    const contract = contractFor(market, {
      conId: 0,
      symbol: held.symbol,
      secType: 'STK',
      exchange: '',
      currency: 'USD',
    })
    return contract === undefined ? [] : [{ contract, held }]
  })
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
