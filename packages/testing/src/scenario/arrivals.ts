import type { Random } from 'holdfast'
import { checkNumber } from '../checks.ts'
import { seededRandom } from '../seeded-random.ts'
import type { Route, Scenario, ScenarioRequest } from './scenario.ts'

/** How long a crowd takes to come, in milliseconds. */
const CROWD_MS = 50

/** For how long a varying rate is taken to be steady, in milliseconds. */
const STEP_MS = 50

/**
 * All requests of a scenario, in the order in which they come: a Poisson process for each route. The same for the same seed, whoever answers them.
 */
export function arrivals(scenario: Scenario, seed: number): ScenarioRequest[] {
  const requests = scenario.routes.flatMap((route, index) => {
    const random = seededRandom(seed * 1_009 + index)
    return timesOf(route, scenario.durationMs, random).map((at) => ({ at, route, key: route.key?.(random) }))
  })
  requests.sort((a, b) => a.at - b.at)
  return requests.map(({ at, route, key }, id) => ({
    id,
    route,
    key,
    arrivedAt: at,
    deadlineAt: at + route.deadlineMs,
    random: luckOf(id, seed),
  }))
}

/** All that is drawn for a request. */
export function luckOf(id: number, seed: number): Random {
  return seededRandom(seed * 1_000_003 + id)
}

function timesOf(route: Route, durationMs: number, random: Random): number[] {
  const { requestsPerSecond, crowds = [] } = route
  const rateAt = typeof requestsPerSecond === 'number' ? () => requestsPerSecond : requestsPerSecond
  const times: number[] = []
  // A gap that reaches beyond its step is drawn anew, which changes nothing: the process has no memory.
  for (let step = 0; step < durationMs; step += STEP_MS) {
    const perSecond = rateAt(step)
    checkNumber(`scenario.routes.${route.name}.requestsPerSecond(${step})`, perSecond, { least: 0 })
    const perMs = perSecond / 1_000
    const end = Math.min(step + STEP_MS, durationMs)
    for (let at = step + gap(perMs, random); at < end; at += gap(perMs, random)) times.push(at)
  }
  for (const { atMs, size } of crowds) {
    for (let client = 0; client < size; client++) times.push(atMs + random() * CROWD_MS)
  }
  return times
}

function gap(perMs: number, random: Random): number {
  return perMs === 0 ? Number.POSITIVE_INFINITY : -Math.log(1 - random()) / perMs
}
