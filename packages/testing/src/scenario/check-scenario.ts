import { InvalidOptionError } from 'holdfast'
import { checkNumber, checkWhole } from '../checks.ts'
import type { Happening, Route, Scenario } from './scenario.ts'

/**
 * Checks a scenario before it is run: a route to an upstream that is not there has nothing that anybody could have answered,
 * and so would be told to be perfect.
 *
 * @throws InvalidOptionError that names the path, the value and the rule
 */
export function checkScenario({ durationMs, slots, routes, upstreams, faultEndsMs, happenings = [] }: Scenario): void {
  checkNumber('scenario.durationMs', durationMs, { above: 0 })
  checkNumber('scenario.slots', slots, { least: 1 })
  checkNumber('scenario.faultEndsMs', faultEndsMs, { least: 0 })
  const names = new Set<string>()
  for (const route of routes) {
    const path = `scenario.routes.${route.name}`
    if (names.has(route.name)) throw new InvalidOptionError(path, route.name, 'another route has this name')
    names.add(route.name)
    checkRoute(path, route, Object.keys(upstreams))
  }
  for (const [name, { facts }] of Object.entries(upstreams)) {
    checkNumber(`scenario.upstreams.${name}.facts.attemptTimeoutMs`, facts.attemptTimeoutMs, { above: 0 })
    checkNumber(`scenario.upstreams.${name}.facts.maxConcurrent`, facts.maxConcurrent, { least: 1 })
  }
  for (const happening of happenings) checkHappening(happening)
}

function checkRoute(
  path: string,
  { upstream, requestsPerSecond, crowds = [], deadlineMs }: Route,
  known: string[],
): void {
  if (!known.includes(upstream)) {
    throw new InvalidOptionError(
      `${path}.upstream`,
      upstream,
      `there is no such upstream; known are ${known.join(', ')}`,
    )
  }
  if (typeof requestsPerSecond === 'number') checkNumber(`${path}.requestsPerSecond`, requestsPerSecond, { least: 0 })
  checkNumber(`${path}.deadlineMs`, deadlineMs, { above: 0 })
  for (const { atMs, size } of crowds) {
    checkNumber(`${path}.crowds.atMs`, atMs, { least: 0 })
    checkWhole(`${path}.crowds.size`, size, 0)
  }
}

function checkHappening(happening: Happening): void {
  checkNumber('scenario.happenings.atMs', happening.atMs, { least: 0 })
  if (happening.type === 'stall') checkNumber('scenario.happenings.durationMs', happening.durationMs, { least: 0 })
}
