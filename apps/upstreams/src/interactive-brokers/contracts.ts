import type { Market } from '../market/market.ts'
import type { FieldReader } from './wire/field-reader.ts'

/** What is traded, as Interactive Brokers names it. */
export interface Contract {
  readonly conId: number
  readonly symbol: string
  readonly secType: 'STK' | 'IND'
  readonly exchange: string
  readonly currency: string
}

/** A contract as a client describes it. */
export interface ContractQuery {
  readonly conId: number
  readonly symbol: string
  readonly secType: string
  readonly exchange: string
  readonly currency: string
}

const CONTRACT_IDS: ReadonlyMap<string, number> = new Map([
  ['AAPL', 265_598],
  ['AMZN', 3_691_937],
  ['GOOG', 208_813_720],
  ['IBM', 8_314],
  ['MSFT', 272_093],
  ['SPX', 416_904],
])

/** Reads the twelve fields of a contract, from its id to its trading class. @throws BadMessageError */
export function readContract(fields: FieldReader): ContractQuery {
  const conId = fields.integerOr(0)
  const symbol = fields.text()
  const secType = fields.text()
  // Expiry, strike, right and multiplier of what is not traded here.
  fields.skip(4)
  const exchange = fields.text()
  fields.skip(1)
  const currency = fields.text()
  // Local symbol and trading class.
  fields.skip(2)
  return { conId, symbol, secType, exchange, currency }
}

/** The contract that a client means; undefined when there is none, or it is not clear which. */
export function contractFor(market: Market, query: ContractQuery): Contract | undefined {
  const symbol = query.conId > 0 ? symbolOf(query.conId) : query.symbol.toUpperCase()
  const conId = CONTRACT_IDS.get(symbol)
  if (conId === undefined || !market.has(symbol)) return undefined
  const secType = symbol === 'SPX' ? 'IND' : 'STK'
  if (query.secType !== secType && !(query.conId > 0 && query.secType === '')) return undefined
  if (query.currency !== '' && query.currency !== 'USD') return undefined
  return { conId, symbol, secType, exchange: query.exchange === '' ? 'SMART' : query.exchange, currency: 'USD' }
}

function symbolOf(conId: number): string {
  for (const [symbol, id] of CONTRACT_IDS) if (id === conId) return symbol
  return ''
}
