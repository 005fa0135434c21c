/** The SDK's client, with the SDK's own layers switched off. */
import { Alpaca } from '@alpacahq/alpaca-trade-api/rest'
import { InvalidOptionError } from 'holdfast'

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
  /** Where the API is, if not at Alpaca's: all of it at one address. */
  readonly tradingUrl?: string | undefined
}

/**
 * A client that retries and limits nothing by itself.
 *
 * @throws InvalidOptionError when a client of your own does
 */
export function alpacaClient(options: AlpacaClient | AlpacaCredentials): Alpaca {
  return 'client' in options ? checkedClient(options.client) : newClient(options)
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
