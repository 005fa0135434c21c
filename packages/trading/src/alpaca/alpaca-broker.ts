/** Alpaca through its own SDK (`@alpacahq/alpaca-trade-api` 4), behind a service's guards. */
import type { streaming } from '@alpacahq/alpaca-trade-api'
import { Broker, type OrderKeeping } from '../broker/broker.ts'
import { AlpacaAdapter } from './alpaca-adapter.ts'
import { type AlpacaClient, type AlpacaCredentials, alpacaClient } from './alpaca-client.ts'

export type { AlpacaClient, AlpacaCredentials } from './alpaca-client.ts'

/** Who calls Alpaca, and where it is: an SDK's client of your own, or what is needed to make one. */
export type AlpacaBrokerOptions = OrderKeeping &
  (AlpacaClient | AlpacaCredentials) & {
    /**
     * A stream of the SDK's own, `client.trading.stream()`, that is not connected yet: what it tells of an order ends any
     * doubt at once. It is connected with the account, and ends with it. Default: none, doubt is ended by looking.
     */
    readonly tradeUpdates?: streaming.TradingStream | undefined
  }

/**
 * Alpaca through its own SDK, whose retries and limiter are switched off in favour of the service's.
 *
 * @throws InvalidOptionError when a client of your own retries or limits by itself, or an option makes no sense
 * @example
 * const journal = await openJournal('orders.db')
 * const broker = createAlpacaBroker({ service: resilience.service('alpaca'), journal, keyId, secretKey })
 * const account = await broker.getAccount()
 */
export function createAlpacaBroker(options: AlpacaBrokerOptions): Broker {
  const adapter = new AlpacaAdapter(options.service, alpacaClient(options), options.tradeUpdates)
  return new Broker(adapter, options)
}
