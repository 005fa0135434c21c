/**
 * What brokers and data providers have in common. Each adapter has an entry of its own (`@holdfast/trading/alpaca`,
 * `@holdfast/trading/polygon`), so that only the SDKs that are used need be there.
 */
export type { Account, Broker, Order, OrderRequest, OrderSide, OrderType, Position, TimeInForce } from './broker.ts'
export { type Bar, type BarsQuery, type DataProvider, type Quote, TIMEFRAMES, type Timeframe } from './data-provider.ts'
export {
  InvalidRequestError,
  MalformedAnswerError,
  NoSourceError,
  OrderInDoubtError,
  StaleSourceError,
  TradingError,
  type TradingErrorCode,
  UpstreamRequestError,
} from './errors.ts'
export type { RequestOptions } from './requests.ts'
export type { Observation, SeriesProvider, SeriesQuery } from './series-provider.ts'
