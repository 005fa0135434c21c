/** What the scenarios have in common: a platform with a route A whose upstream fails, and a route B that has another. */
import {
  type Fault,
  logNormal,
  type Route,
  type Scenario,
  type ScenarioUpstream,
  type ServiceFacts,
} from '@holdfast/testing'
import type { Scale } from '../case.ts'

/** Requests per second of the two routes at scale 1. */
const A_PER_SECOND = 80
const B_PER_SECOND = 20

/** What is usual of an upstream: answers in about 20 ms. */
export const FACTS: ServiceFacts = { attemptTimeoutMs: 300, maxConcurrent: 40 }

export const usualUpstream: ScenarioUpstream = { workers: 200, serviceTime: logNormal(20, 0.25), facts: FACTS }

/** The route that depends on the upstream in trouble. */
export function routeA(scale: Scale, different: Partial<Route> = {}): Route {
  return { name: 'A', upstream: 'a', requestsPerSecond: A_PER_SECOND * scale, deadlineMs: 1_000, ...different }
}

/** The route that does not. */
export function routeB(scale: Scale, different: Partial<Route> = {}): Route {
  const usual = { name: 'B', upstream: 'b', requestsPerSecond: B_PER_SECOND * scale, deadlineMs: 250 }
  return { ...usual, isUnaffected: true, ...different }
}

/** When the trouble of most scenarios begins. */
export const BEGINS_MS = 20_000

/** How long trouble and scenario last. */
export function timesOf(seed: number, troubleMs = 30_000): { toMs: number; durationMs: number } {
  // Not a round figure, and another for every seed: whoever waits for a round time shall have no luck.
  const toMs = BEGINS_MS + troubleMs + ((2_003 * seed) % 2_900)
  return { toMs, durationMs: toMs + 30_000 }
}

/** A scenario in which upstream a has these faults. */
export function troubled(
  name: string,
  scale: Scale,
  times: { readonly durationMs: number; readonly toMs?: number },
  faults: readonly Fault[],
  different: Partial<Scenario> & { readonly a?: Partial<ScenarioUpstream>; readonly route?: Partial<Route> } = {},
): Scenario {
  const { a, route, ...rest } = different
  return {
    name,
    durationMs: times.durationMs,
    faultEndsMs: times.toMs,
    slots: 100,
    routes: [routeA(scale, route), routeB(scale)],
    upstreams: { a: { ...usualUpstream, faults, ...a }, b: usualUpstream },
    ...rest,
  }
}

/** A whole number of something that there must be at least one of. */
export function scaled(count: number, scale: Scale): number {
  return Math.max(1, Math.round(count * scale))
}

/** A capacity that grows with the rates and is never less than at the usual ones. */
export function grown(count: number, scale: Scale): number {
  return Math.max(count, scaled(count, scale))
}
