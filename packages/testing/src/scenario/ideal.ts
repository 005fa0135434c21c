/** What somebody with perfect knowledge of the upstream would have achieved: the measure of everybody else. */
import { uniform } from '../distribution.ts'
import type { Fault } from '../upstream/upstream-options.ts'
import { luckOf } from './arrivals.ts'
import type { Scenario, ScenarioRequest, ScenarioUpstream } from './scenario.ts'

/** The ideal of one run. */
export interface Ideal {
  /** By the id of a request: whether the upstream worked when it came. What comes while it is down is in nobody's power. */
  readonly couldBeAnswered: readonly boolean[]
  /** By the name of a route: how many of its requests can be answered in time. */
  readonly feasible: Readonly<Record<string, number>>
  /** By the id of a request: how long it takes when nothing is in its way, in milliseconds. */
  readonly unhinderedMs: readonly number[]
}

/** A request and what it takes. */
interface Job {
  readonly request: ScenarioRequest
  readonly wayThereMs: number
  readonly serviceMs: number
  readonly wayBackMs: number
}

/** The last ideal of each scenario: contestants usually go through the same one after another. */
const known = new WeakMap<Scenario, { readonly seed: number; readonly ideal: Ideal }>()

/** Finds the ideal of a scenario. */
export function idealOf(scenario: Scenario, requests: readonly ScenarioRequest[], seed: number): Ideal {
  const before = known.get(scenario)
  if (before?.seed === seed) return before.ideal
  const ideal = findIdeal(scenario, requests, seed)
  known.set(scenario, { seed, ideal })
  return ideal
}

function findIdeal(scenario: Scenario, requests: readonly ScenarioRequest[], seed: number): Ideal {
  const couldBeAnswered: boolean[] = []
  const unhinderedMs: number[] = []
  const feasible: Record<string, number> = Object.fromEntries(scenario.routes.map(({ name }) => [name, 0]))
  for (const [name, upstream] of Object.entries(scenario.upstreams)) {
    const jobs: Job[] = []
    for (const request of requests) {
      if (request.route.upstream !== name) continue
      const job = jobOf(request, upstream, seed)
      unhinderedMs[request.id] = job.wayThereMs + job.serviceMs + job.wayBackMs
      const works = !isDown(upstream, job)
      couldBeAnswered[request.id] = works
      if (works) jobs.push(job)
    }
    for (const { request } of schedule(upstream, jobs)) {
      feasible[request.route.name] = (feasible[request.route.name] ?? 0) + 1
    }
  }
  return { couldBeAnswered, feasible, unhinderedMs }
}

/** Draws in the same order as the upstream does for a first attempt. */
function jobOf(request: ScenarioRequest, upstream: ScenarioUpstream, seed: number): Job {
  const random = luckOf(request.id, seed)
  const network = upstream.network ?? uniform(0.5, 1.5)
  return {
    request,
    wayThereMs: network(random),
    wayBackMs: network(random),
    serviceMs: upstream.serviceTime(random),
  }
}

/** Whether no attempt could succeed when it came. */
function isDown({ faults = [] }: ScenarioUpstream, { request, serviceMs }: Job): boolean {
  return faults.some((fault) => {
    const { fromMs = 0, toMs = Number.POSITIVE_INFINITY, share = 1, when } = fault
    if (share < 1 || request.arrivedAt < fromMs || request.arrivedAt >= toMs) return false
    if (when !== undefined && !when(request)) return false
    return fault.type !== 'slow' || request.arrivedAt + fault.factor * serviceMs > request.deadlineAt
  })
}

/**
 * Sends each request at the best moment and drops at once what cannot be answered in time: cancels first, then orders, then
 * whose client gives up first. @returns those that are answered in time
 */
function schedule({ workers, limit, faults = [] }: ScenarioUpstream, jobs: readonly Job[]): Job[] {
  const done: Job[] = []
  const freeAt = new Float64Array(workers)
  const sentAt = new Float64Array(limit?.requests ?? 1).fill(Number.NEGATIVE_INFINITY)
  const windowMs = limit?.windowMs ?? 0
  const ready: Job[] = []
  for (let next = 0; next < jobs.length || ready.length > 0; ) {
    const worker = indexOfLeast(freeAt)
    const mayBeginAt = Math.max(freeAt[worker] ?? 0, (sentAt[done.length % sentAt.length] ?? 0) + windowMs)
    const waits = ready.length > 0 ? mayBeginAt : Math.max(mayBeginAt, jobs[next]?.request.arrivedAt ?? 0)
    for (let job = jobs[next]; job !== undefined && job.request.arrivedAt <= waits; job = jobs[++next]) ready.push(job)
    const job = takeMostUrgent(ready)
    if (job === undefined) continue
    const beginsAt = Math.max(waits, job.request.arrivedAt)
    const { request, wayThereMs, wayBackMs } = job
    const serviceMs = job.serviceMs * slowness(faults, request, beginsAt)
    if (beginsAt + wayThereMs + serviceMs + wayBackMs > request.deadlineAt) continue
    freeAt[worker] = beginsAt + serviceMs
    sentAt[done.length % sentAt.length] = beginsAt
    done.push(job)
  }
  return done
}

/** How many times longer work takes that begins at that time. */
function slowness(faults: readonly Fault[], request: ScenarioRequest, at: number): number {
  const slow = faults.find((fault) => {
    const { type, fromMs = 0, toMs = Number.POSITIVE_INFINITY, share = 1, when } = fault
    return type === 'slow' && share === 1 && at >= fromMs && at < toMs && when?.(request) !== false
  })
  return slow?.type === 'slow' ? slow.factor : 1
}

const URGENCY = { cancel: 0, order: 1, read: 2 }

function takeMostUrgent(ready: Job[]): Job | undefined {
  let best = 0
  for (let index = 1; index < ready.length; index++) {
    const a = ready[index]?.request
    const b = ready[best]?.request
    if (a !== undefined && b !== undefined && isMoreUrgent(a, b)) best = index
  }
  const [job] = ready.splice(best, 1)
  return job
}

function isMoreUrgent(a: ScenarioRequest, b: ScenarioRequest): boolean {
  const difference = URGENCY[a.route.kind ?? 'read'] - URGENCY[b.route.kind ?? 'read']
  return difference < 0 || (difference === 0 && a.deadlineAt < b.deadlineAt)
}

function indexOfLeast(values: Float64Array): number {
  let least = 0
  for (let index = 1; index < values.length; index++) {
    if ((values[index] ?? 0) < (values[least] ?? 0)) least = index
  }
  return least
}
