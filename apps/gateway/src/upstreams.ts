/** The services that the gateway calls, each behind its guards. */

import { type Broker, memoryJournal, type OrderJournal, type OrderKeeping } from '@holdfast/trading'
import { type AlpacaClient, type AlpacaCredentials, createAlpacaBroker } from '@holdfast/trading/alpaca'
import { connectToTws, createInteractiveBrokersBroker, type TwsLink } from '@holdfast/trading/interactive-brokers'
import type { MarketData } from '@holdfast/trading/market-data'
import {
  type Clock,
  createResilience,
  type FleetPatterns,
  type Logger,
  type Resilience,
  type ServiceOptions,
  systemClock,
} from 'holdfast'
import type { GatewayConfig } from './config.ts'
import { type DataEndpoints, type DataOverrides, dataServices, marketDataFrom } from './market-data-sources.ts'

/** Where the services are, and by which keys they know us. */
export interface Endpoints extends DataEndpoints {
  readonly alpaca: AlpacaClient | AlpacaCredentials
  /** Interactive Brokers, if it is used: a link that whoever made it closes after the gateway. */
  readonly ib?: { readonly tws: TwsLink; readonly accountCode?: string | undefined } | undefined
}

/** The guarded services. */
export interface GuardedUpstreams {
  readonly resilience: Resilience
  /** By name; the first is meant where nobody names one. */
  readonly brokers: ReadonlyMap<string, Broker>
  readonly marketData: MarketData
}

/** What differs from the profiles, by service. */
export interface ServiceOverrides extends DataOverrides {
  /** Over the profile `BROKER`. */
  readonly alpaca?: ServiceOptions
  /** Over the profile `BROKER`. */
  readonly ib?: ServiceOptions
}

/** What else there is to say. */
export interface GuardOptions {
  readonly overrides?: ServiceOverrides
  /** Where orders are written down before they are sent. Default: in memory, so that a crash leaves them unknown. */
  readonly journal?: OrderJournal
  /** How the orders are kept, where that differs from the defaults. */
  readonly orders?: Pick<OrderKeeping, 'submitTimeoutMs' | 'reconciliation'>
  /** Whom limits and circuits are shared with. Default: nobody. */
  readonly fleet?: FleetPatterns
  readonly logger?: Logger
  readonly clock?: Clock
  /** Tells the time of the market, in milliseconds since 1970. Default: the clock's. */
  readonly marketTime?: () => number
}

/** Puts the guards round the services. @throws InvalidOptionError when an override makes no sense */
export function guardUpstreams({ alpaca, ib, ...data }: Endpoints, options: GuardOptions = {}): GuardedUpstreams {
  const { overrides = {}, journal = memoryJournal(), orders, fleet, logger, clock = systemClock } = options
  const { marketTime = () => clock.wallTime() } = options
  const resilience = createResilience({
    services: {
      alpaca: { profile: 'BROKER', ...overrides.alpaca },
      ...(ib && { ib: { profile: 'BROKER', ...overrides.ib } }),
      ...dataServices(data, overrides),
    },
    fleet,
    logger,
    clock,
  })
  const keeping = (name: string) => ({ service: resilience.service(name), journal, clock, ...orders })
  const brokers = new Map([['alpaca', createAlpacaBroker({ ...keeping('alpaca'), ...alpaca })]])
  if (ib !== undefined) brokers.set('ib', createInteractiveBrokersBroker({ ...keeping('ib'), ...ib }))
  return {
    resilience,
    brokers,
    marketData: marketDataFrom(data, resilience, marketTime),
  }
}

/** The real services, if the configuration has credentials for them. */
export function realEndpoints(config: GatewayConfig): Endpoints | undefined {
  const { ALPACA_KEY_ID: keyId, ALPACA_SECRET_KEY: secretKey, POLYGON_API_KEY: apiKey } = config
  if (keyId === undefined || secretKey === undefined || apiKey === undefined) return undefined
  return {
    alpaca: { keyId, secretKey, paper: config.ALPACA_PAPER, tradingUrl: config.ALPACA_TRADING_URL },
    polygon: { apiKey, baseUrl: config.POLYGON_URL },
    alpacaData: { keyId, secretKey, dataUrl: config.ALPACA_DATA_URL },
    yahoo: config.YAHOO ? {} : undefined,
    fred: config.FRED_API_KEY === undefined ? undefined : { apiKey: config.FRED_API_KEY },
  }
}

/** A link to TWS or the IB gateway, if the configuration has a port of it. */
export function realTws({ IB_HOST: host, IB_PORT: port, IB_CLIENT_ID: clientId }: GatewayConfig): TwsLink | undefined {
  return port === undefined ? undefined : connectToTws({ host, port, clientId })
}
