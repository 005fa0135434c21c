export { InvalidTokenEntryError, makeToken, type Principal, TokenBook, tokenEntry } from './access/tokens.ts'
export { type GatewayConfig, InvalidConfigError, readConfig } from './config.ts'
export type { ControlOptions, DoubtfulOrder } from './control/control-plane.ts'
export { Rehearsal, type StandInControls } from './control/rehearsal.ts'
export { createGateway, type Gateway, type GatewayOptions } from './gateway.ts'
export { StateInUseError } from './state/database.ts'
export {
  type Endpoints,
  type GuardedUpstreams,
  type GuardOptions,
  guardUpstreams,
  realEndpoints,
  realTws,
  type ServiceOverrides,
} from './upstreams.ts'
