/** What an account has, as TWS tells it. */
import { type Contract, EventName } from '@stoqey/ib'
import type { Account, Position } from '../broker/account.ts'
import { MalformedAnswerError } from '../errors.ts'
import type { TwsConnection } from './tws-connection.ts'

const TAGS = ['AccountType', 'NetLiquidation', 'TotalCashValue', 'BuyingPower']

/** Asks for the figures of an account; of the first one, if none is named. */
export async function askAccount(
  connection: TwsConnection,
  service: string,
  account: string | undefined,
  signal: AbortSignal,
): Promise<Account> {
  const figures = new Map<string, { readonly value: string; readonly currency: string }>()
  let id = account
  await connection.converse<void>(
    {
      operation: 'account summary',
      send: (api, reqId) => api.reqAccountSummary(reqId, 'All', TAGS.join(',')),
      events: {
        [EventName.accountSummary]: (reqId, answered, owner, tag, value, currency) => {
          id ??= String(owner)
          if (answered === reqId && owner === id)
            figures.set(String(tag), { value: String(value), currency: String(currency) })
          return false
        },
        [EventName.accountSummaryEnd]: (reqId, answered) => answered === reqId,
      },
      result: () => undefined,
      cancel: (api, reqId) => api.cancelAccountSummary(reqId),
    },
    signal,
  )
  const figure = (tag: string): string => {
    const told = figures.get(tag)?.value
    if (told !== undefined && /^-?\d+(\.\d+)?$/.test(told)) return told
    throw new MalformedAnswerError(service, 'getAccount', `it tells no ${tag} of ${id ?? 'any account'}`)
  }
  return {
    id: id ?? '',
    status: null,
    currency: figures.get('NetLiquidation')?.currency ?? 'USD',
    cash: figure('TotalCashValue'),
    buyingPower: figure('BuyingPower'),
    equity: figure('NetLiquidation'),
    tradingBlocked: null,
  }
}

/** Asks for what an account holds, with its prices. One at a time: the request has no id. */
export async function askPositions(
  connection: TwsConnection,
  account: string | undefined,
  signal: AbortSignal,
): Promise<readonly Position[]> {
  const positions = new Map<string, Position>()
  await connection.converse<void>(
    {
      operation: 'positions',
      send: (api) => api.reqAccountUpdates(true, account ?? ''),
      events: {
        [EventName.updatePortfolio]: (_reqId, contract, ...figures) => {
          const position = readPosition(symbolOf(contract), figures)
          if (position !== undefined) positions.set(position.symbol, position)
          return false
        },
        [EventName.accountDownloadEnd]: () => true,
      },
      result: () => undefined,
      cancel: (api) => api.reqAccountUpdates(false, account ?? ''),
    },
    signal,
  )
  connection.tell((api) => api.reqAccountUpdates(false, account ?? ''))
  return [...positions.values()]
}

/** Position, market price, market value, average cost, unrealized profit. */
function readPosition(symbol: string, figures: readonly unknown[]): Position | undefined {
  const [quantity, price, value, cost, profit] = figures.map((figure) => (typeof figure === 'number' ? figure : 0))
  if (symbol === '' || quantity === undefined || quantity === 0) return undefined
  return {
    symbol,
    side: quantity > 0 ? 'long' : 'short',
    quantity: String(quantity),
    averageEntryPrice: String(cost),
    marketValue: String(value),
    costBasis: String(Math.round(quantity * (cost ?? 0) * 100) / 100),
    unrealizedProfit: String(profit),
    currentPrice: String(price),
  }
}

function symbolOf(contract: unknown): string {
  const { symbol = '' }: Contract = typeof contract === 'object' && contract !== null ? contract : {}
  return symbol.replace(' ', '.')
}
