export { type GatewayConfig, InvalidConfigError, readConfig } from './config.ts'
export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'
export {
  type Endpoints,
  type GuardedUpstreams,
  guardUpstreams,
  realEndpoints,
  type ServiceOverrides,
} from './upstreams.ts'
