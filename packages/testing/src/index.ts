/** Exact tests of resilience: time that a test moves, randomness that repeats, faults, upstreams and whole scenarios. */
export { VirtualClock } from './clock/virtual-clock.ts'
export { installVirtualGlobals, type VirtualGlobals } from './clock/virtual-globals.ts'
export { constant, type Distribution, exponential, logNormal, uniform } from './distribution.ts'
export { FaultInjector, type Injection, type InjectionRule } from './fault-injector.ts'
export type { ModelConnection } from './fleet/model-connection.ts'
export { type ModelConnectionOptions, type ModelReply, RedisModel } from './fleet/redis-model.ts'
export type { RouteResult, ScenarioResult, SecondResult } from './scenario/result.ts'
export { type RunOptions, runScenario } from './scenario/run-scenario.ts'
export type {
  Connection,
  Handler,
  Happening,
  RequestKind,
  Route,
  Scenario,
  ScenarioRequest,
  ScenarioUpstream,
  ServiceFacts,
  Subject,
} from './scenario/scenario.ts'
export { seededRandom } from './seeded-random.ts'
export { type SimulatedUpstream, simulateUpstream, type UpstreamTotals } from './upstream/simulated-upstream.ts'
export { UpstreamError } from './upstream/upstream-error.ts'
export type {
  Fault,
  FaultAction,
  ProviderLimit,
  UpstreamOptions,
  UpstreamRequest,
} from './upstream/upstream-options.ts'
