/** The services that the gateway calls, each behind its guards. */

import type { Broker, DataProvider } from '@holdfast/trading'
import { createAlpacaBroker } from '@holdfast/trading/alpaca'
import { createPolygonDataProvider } from '@holdfast/trading/polygon'
import { type Clock, createResilience, type Logger, type Resilience, type ServiceOptions } from 'holdfast'
import type { GatewayConfig } from './config.ts'

/** Where the services are, and by which keys they know us. */
export interface Endpoints {
  readonly alpaca: {
    readonly keyId: string
    readonly secretKey: string
    readonly paper: boolean
    readonly tradingUrl?: string | undefined
  }
  readonly polygon: { readonly apiKey: string; readonly baseUrl?: string | undefined }
}

/** The guarded services. */
export interface GuardedUpstreams {
  readonly resilience: Resilience
  readonly broker: Broker
  readonly data: DataProvider
}

/** What differs from the profiles, by service. */
export interface ServiceOverrides {
  /** Over the profile `BROKER`. */
  readonly alpaca?: ServiceOptions
  /** Over the profile `DATA_PROVIDER`. */
  readonly polygon?: ServiceOptions
}

/** Puts the guards round the services. @throws InvalidOptionError when an override makes no sense */
export function guardUpstreams(
  { alpaca, polygon }: Endpoints,
  options: {
    readonly overrides?: ServiceOverrides
    readonly logger?: Logger
    readonly clock?: Clock
  } = {},
): GuardedUpstreams {
  const { overrides = {}, logger, clock } = options
  const resilience = createResilience({
    services: {
      alpaca: { profile: 'BROKER', ...overrides.alpaca },
      polygon: { profile: 'DATA_PROVIDER', ...overrides.polygon },
    },
    logger,
    clock,
  })
  return {
    resilience,
    broker: createAlpacaBroker({ service: resilience.service('alpaca'), ...alpaca }),
    data: createPolygonDataProvider({ service: resilience.service('polygon'), ...polygon }),
  }
}

/** The real services, if the configuration has credentials for them. */
export function realEndpoints(config: GatewayConfig): Endpoints | undefined {
  const { ALPACA_KEY_ID: keyId, ALPACA_SECRET_KEY: secretKey, POLYGON_API_KEY: apiKey } = config
  if (keyId === undefined || secretKey === undefined || apiKey === undefined) return undefined
  return {
    alpaca: { keyId, secretKey, paper: config.ALPACA_PAPER, tradingUrl: config.ALPACA_TRADING_URL },
    polygon: { apiKey, baseUrl: config.POLYGON_URL },
  }
}
