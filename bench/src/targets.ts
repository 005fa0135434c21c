/** What Holdfast has to reach, figure by figure, and what a run of the suites says about it. */
import type { Result, StudyResult, SuiteResult } from './result.ts'

/** One line of the table. */
export interface Target {
  readonly figure: string
  /** What is to be reached, in words. */
  readonly target: string
  /** What was measured; undefined when the suite was not run. */
  readonly measure: (found: Found) => { readonly measured: string; readonly met: boolean } | undefined
}

/** What the suites found, by name. */
export interface Found {
  suite(name: string): SuiteResult | undefined
  study(name: string): StudyResult | undefined
}

export function foundIn(results: readonly Result[]): Found {
  return {
    suite: (name) => results.find((result): result is SuiteResult => result.suite === name && result.kind === 'suite'),
    study: (name) => results.find((result): result is StudyResult => result.suite === name && result.kind === 'study'),
  }
}

/** Times the baseline. */
function timesBaseline(figure: string, suite: string, contestant: string, most: number): Target {
  return {
    figure,
    target: `≤ ${most} × the baseline`,
    measure: (found) => atMost(ratioOf(found.suite(suite), contestant), most, '×'),
  }
}

/** A share of what a peer costs, written as how many times cheaper. */
function timesCheaper(figure: string, suite: string, contestant: string, peer: string, least: number): Target {
  return {
    figure,
    target: `≤ 1/${least} of ${peer}`,
    measure: (found) => {
      const own = ratioOf(found.suite(suite), contestant)
      const theirs = ratioOf(found.suite(suite), peer)
      return own === undefined || theirs === undefined ? undefined : share(theirs / own, least)
    },
  }
}

export const TARGETS: readonly Target[] = [
  timesBaseline('circuit breaker', 'breaker', 'holdfast', 1.8),
  timesBaseline('circuit breaker, count window', 'breaker', 'holdfast, count window', 1.8),
  timesBaseline('circuit breaker, time window and latency', 'breaker', 'holdfast, time window and latency', 2.8),
  timesBaseline('retry', 'retry', 'holdfast', 1.8),
  timesBaseline('bulkhead', 'bulkhead', 'holdfast', 1.8),
  timesBaseline('limiter, then the call', 'rate-limiter', 'holdfast', 2.2),
  timesBaseline('all patterns and both timeouts', 'stack', 'holdfast', 5),
  timesCheaper('all patterns and both timeouts', 'stack', 'holdfast', 'cockatiel', 30),
  timesCheaper('all patterns and both timeouts', 'stack', 'holdfast', 'opossum + p-retry', 3),
  timesBaseline('a service with the profile BROKER', 'stack', 'holdfast, profile BROKER', 8),
  timesBaseline('refused: circuit open', 'breaker-open', 'holdfast', 1.1),
  timesCheaper('refused: circuit open', 'breaker-open', 'holdfast', 'cockatiel', 5),
  timesCheaper('refused: circuit open', 'breaker-open', 'holdfast', 'opossum', 5),
  timesBaseline('refused: bulkhead full', 'bulkhead-full', 'holdfast', 1.1),
  timesCheaper('refused: bulkhead full', 'bulkhead-full', 'holdfast', 'cockatiel', 5),
  timesCheaper('refused: bulkhead full', 'bulkhead-full', 'holdfast', 'opossum, capacity', 5),
  timesBaseline('refused: rate limited', 'rate-limited', 'holdfast', 1.1),
  {
    figure: 'one failure with 10,000 calls in the window',
    target: '≤ 1.1 × one without a window',
    measure: (found) => {
      const suite = found.suite('breaker-window')
      const without = ratioOf(suite, 'holdfast, no window')
      const own = ratioOf(suite, 'holdfast')
      return own === undefined || without === undefined ? undefined : atMost(own / without, 1.1, '×')
    },
  },
  {
    figure: 'limiter of 1,000,000 clients: memory',
    target: '≤ 40 bytes a client',
    measure: (found) => atMost(figureOf(found, 'keyed-limiter', 'holdfast', 'bytesPerClient'), 40, 'bytes'),
  },
  {
    figure: 'limiter of 1,000,000 clients: hits a second',
    target: '≥ 4 × the best peer',
    measure: (found) => {
      const own = figureOf(found, 'keyed-limiter', 'holdfast', 'hitNs')
      const peers = found.study('keyed-limiter')?.rows.filter(({ name }) => name !== 'holdfast')
      if (own === undefined || peers === undefined) return undefined
      const times = Math.min(...peers.map(({ figures }) => figures.hitNs ?? Number.POSITIVE_INFINITY)) / own
      return { measured: `${times.toFixed(1)} ×`, met: times >= 4 }
    },
  },
  {
    figure: 'limiter of 1,000,000 clients: longest pause while it grows',
    target: '≤ 5 ms',
    measure: (found) => atMost(figureOf(found, 'keyed-limiter', 'holdfast', 'longestPauseMs'), 5, 'ms'),
  },
  halfOfPeer('Fastify plugin, admitted', 'fastify, holdfast', 'fastify, @fastify/rate-limit'),
  halfOfPeer('Fastify plugin, refused', 'fastify, holdfast, refused', 'fastify, @fastify/rate-limit, refused'),
  {
    figure: 'garbage of all patterns',
    target: '≤ 1/4 of cockatiel',
    measure: (found) => {
      const own = figureOf(found, 'garbage', 'holdfast', 'bytesPerCall')
      const theirs = figureOf(found, 'garbage', 'cockatiel', 'bytesPerCall')
      return own === undefined || theirs === undefined ? undefined : share(theirs / own, 4)
    },
  },
  sizeOf('core, everything, minified and gzip', 'holdfast, everything', 20),
  sizeOf('circuit breaker alone', 'holdfast, circuit breaker alone', 3),
  sizeOf('a service with the four patterns', 'holdfast, a service', 12),
]

function halfOfPeer(figure: string, own: string, peer: string): Target {
  return {
    figure,
    target: '≤ 1/2 of the CPU that @fastify/rate-limit adds',
    measure: (found) => {
      const ours = figureOf(found, 'http', own, 'addedUs')
      const theirs = figureOf(found, 'http', peer, 'addedUs')
      return ours === undefined || theirs === undefined ? undefined : share(theirs / ours, 2)
    },
  }
}

function sizeOf(figure: string, program: string, most: number): Target {
  return {
    figure,
    target: `≤ ${most} kB`,
    measure: (found) => atMost(figureOf(found, 'size', program, 'kilobytes'), most, 'kB'),
  }
}

function ratioOf(suite: SuiteResult | undefined, contestant: string): number | undefined {
  return suite?.contestants.find(({ name }) => name === contestant)?.ratio
}

function figureOf(found: Found, study: string, row: string, figure: string): number | undefined {
  return found.study(study)?.rows.find(({ name }) => name === row)?.figures[figure]
}

function atMost(value: number | undefined, most: number, unit: string): { measured: string; met: boolean } | undefined {
  if (value === undefined) return undefined
  return { measured: `${value < 10 ? value.toFixed(2) : value.toFixed(0)} ${unit}`, met: value <= most }
}

/** How many times cheaper, as a share. */
function share(times: number, least: number): { measured: string; met: boolean } {
  return { measured: `1/${times < 10 ? times.toFixed(1) : times.toFixed(0)}`, met: times >= least }
}
