import { INDEX_SYMBOL } from '../market/history.ts'
import type { Market } from '../market/market.ts'

/** How Yahoo names and places what is traded. */
export interface Listing {
  /** The market's symbol. */
  readonly symbol: string
  readonly name: string
  readonly quoteType: 'EQUITY' | 'INDEX'
  readonly exchange: string
  readonly fullExchangeName: string
}

/** Yahoo's symbol of the S&P 500. */
const INDEX_NAME = '^GSPC'

/** @param yahooSymbol in capital letters. @returns undefined when it is not traded */
export function listingOf(market: Market, yahooSymbol: string): Listing | undefined {
  if (yahooSymbol === INDEX_SYMBOL) return undefined
  const symbol = yahooSymbol === INDEX_NAME ? INDEX_SYMBOL : yahooSymbol
  const known = market.symbols.find((listed) => listed.symbol === symbol)
  if (known === undefined) return undefined
  if (symbol === INDEX_SYMBOL) {
    return { ...known, quoteType: 'INDEX', exchange: 'SNP', fullExchangeName: 'SNP' }
  }
  if (symbol === 'IBM') return { ...known, quoteType: 'EQUITY', exchange: 'NYQ', fullExchangeName: 'NYSE' }
  return { ...known, quoteType: 'EQUITY', exchange: 'NMS', fullExchangeName: 'NasdaqGS' }
}
