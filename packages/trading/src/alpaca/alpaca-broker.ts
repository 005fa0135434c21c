/** Alpaca through its own SDK (`@alpacahq/alpaca-trade-api` 4), behind a service's guards. */
import { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import { InvalidOptionError } from 'holdfast'
import { Broker, type OrderKeeping } from '../broker/broker.ts'
import { AlpacaAdapter } from './alpaca-adapter.ts'

/** Who calls Alpaca, and where it is: an SDK's client of your own, or what is needed to make one. */
export type AlpacaBrokerOptions = OrderKeeping & (AlpacaClient | AlpacaCredentials)

/** A client of your own. */
export interface AlpacaClient {
  /** Made with `retry: false` and `rateLimit: false`: the service does both, and two layers would multiply. */
  readonly client: Alpaca
}

/** What is needed to make a client. */
export interface AlpacaCredentials {
  readonly keyId: string
  readonly secretKey: string
  /** Whether it is play money. Default true. */
  readonly paper?: boolean | undefined
  /** Where the trading API is, if not at Alpaca's. */
  readonly tradingUrl?: string | undefined
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
  const client = 'client' in options ? checkedClient(options.client) : newClient(options)
  return new Broker(new AlpacaAdapter(options.service.name, client), options)
}

function newClient({ keyId, secretKey, paper = true, tradingUrl }: AlpacaCredentials): Alpaca {
  const moved =
    tradingUrl === undefined
      ? {}
      : { fetchApi: (url: string, init?: RequestInit) => fetch(movedTo(tradingUrl, url), init) }
  return new Alpaca({ keyId, secret: secretKey, paper, retry: false, rateLimit: false, ...moved })
}

/** The SDK's own layers can be seen in its configuration, which is private in its types only. */
function checkedClient(client: Alpaca): Alpaca {
  const config: unknown = Reflect.get(client.trading, 'config')
  for (const layer of ['retry', 'rateLimit']) {
    const value: unknown = typeof config === 'object' && config !== null ? Reflect.get(config, layer) : undefined
    if (value === undefined || value === false) continue
    const rule = `make it with ${layer}: false; the service does that, and two layers multiply what reaches the broker`
    throw new InvalidOptionError(`client.${layer}`, value, rule)
  }
  return client
}

/** The SDK knows only Alpaca's own hosts; paths are the same everywhere. */
function movedTo(base: string, url: string): string {
  const { pathname, search } = new URL(url)
  return `${base.replace(/\/$/, '')}${pathname}${search}`
}
