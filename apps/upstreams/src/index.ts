export { type InputIssue, InvalidRuleError } from './checked-input.ts'
export { type BrokerName, Controls, UnknownUpstreamError, type UpstreamName } from './control/controls.ts'
export type { FaultRuleInput } from './faults/fault-rule.ts'
export type { TwsFaultRuleInput } from './interactive-brokers/tws-fault-rule.ts'
export type { LedgerRow } from './ledger.ts'
export type { RequestLimit } from './request-limit.ts'
export {
  type Ports,
  PortTakenError,
  portsFromEnvironment,
  startUpstreams,
  type Upstreams,
  type UpstreamsOptions,
} from './start-upstreams.ts'
export type { UpstreamStats } from './upstream-statistics.ts'
export type { WireRecord } from './wire-log.ts'
export { yahooTransport } from './yahoo/yahoo-transport.ts'
