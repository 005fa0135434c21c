/** What was measured, as a page; the figures that a target names say whether it was met. */
import type { Environment } from '../src/environment.ts'
import { quantile } from '../src/measure.ts'
import type { Capacity } from './capacity.ts'
import type { CircuitSpread } from './circuit.ts'
import type { Hanging } from './hanging.ts'
import { LIMIT, PROCESSES, type PromiseKept } from './promise.ts'
import type { Throughput } from './throughput.ts'

/** One contestant's figures. */
export interface Row {
  readonly name: string
  readonly version: string
  readonly isFloor: boolean
  readonly hot: Throughput
  readonly cold: Throughput
}

/** Everything that one run found. */
export interface FleetResult {
  readonly environment: Environment & { readonly redis: string }
  readonly rows: readonly Row[]
  readonly targets: readonly FleetTarget[]
  readonly promise: PromiseKept
  readonly hanging: Hanging
  readonly circuit: CircuitSpread
  readonly capacities: readonly Capacity[]
  /** What a bucket of one client takes of Redis's memory, its key included. */
  readonly bytesPerClient: number
}

const OURS = 'holdfast'

/** One figure that is to be reached. */
export interface FleetTarget {
  readonly figure: string
  /** What is to be reached, in words. */
  readonly target: string
  readonly measured: string
  readonly met: boolean
}

/** What is to be reached, and whether it was. */
export function fleetTargets(found: Omit<FleetResult, 'targets'>): readonly FleetTarget[] {
  const { rows, promise, circuit, hanging } = found
  const own = rows.find(({ name }) => name === OURS)
  const peers = rows.filter(({ name, isFloor }) => name !== OURS && !isFloor)
  const least = (of: (row: Row) => number): number => Math.min(...peers.map(of))
  // To the best peer of the same round.
  const times = (kind: 'hot' | 'cold'): number => {
    const rounds = own?.[kind].rounds ?? []
    const best = rounds.map((_, round) => Math.max(...peers.map((peer) => peer[kind].rounds[round] ?? 0)))
    return quantile(
      rounds.map((rate, round) => rate / (best[round] ?? Number.NaN)),
      0.5,
    )
  }
  const [hotRatio, coldRatio] = [times('hot'), times('cold')]
  const cpuRatio =
    least(({ hot }) => hot.redisMicrosecondsPerDecision) / (own?.hot.redisMicrosecondsPerDecision ?? Number.NaN)
  const { tokensPerSecond, burstSize } = LIMIT
  return [
    {
      figure: 'hot key, decisions a second',
      target: '≥ 20 × the best peer',
      measured: `${ratio(hotRatio)} ×`,
      met: hotRatio >= 20,
    },
    {
      figure: 'hot key, Redis CPU a decision',
      target: '≤ 1/20 of the best peer',
      measured: `1/${ratio(cpuRatio)}`,
      met: cpuRatio >= 20,
    },
    {
      figure: 'cold keys, 256 in flight',
      target: '≥ 2 × the best peer',
      measured: `${ratio(coldRatio)} ×`,
      met: coldRatio >= 2,
    },
    {
      figure: `over-admission, ${PROCESSES} processes, ${tokensPerSecond} a second, burst ${burstSize}, any window`,
      target: '0',
      measured: `${promise.overAdmission} of ${promise.admitted} admissions`,
      met: promise.overAdmission === 0,
    },
    {
      figure: 'under-admission at steady demand',
      target: '≤ 2 %',
      measured: `${(Math.max(0, promise.underAdmission) * 100).toFixed(1)} % in ${promise.seconds.toFixed(0)} s`,
      met: promise.underAdmission <= 0.02,
    },
    {
      figure: `circuit: until ${circuit.members} members refuse, p99`,
      target: '≤ 50 ms',
      measured: `${circuit.p99.toFixed(1)} ms (median ${circuit.median.toFixed(1)})`,
      met: circuit.p99 <= 50,
    },
    {
      figure: 'Redis hangs: added to a call after the first 5, p99',
      target: '≤ 1 ms',
      measured: `${hanging.p99.toFixed(3)} ms (median ${hanging.median.toFixed(3)})`,
      met: hanging.p99 <= 1,
    },
  ]
}

/** A page for people. */
export function page({ environment, rows, targets, capacities, bytesPerClient }: FleetResult): string {
  return [
    '# A fleet, measured',
    '',
    'Written by `npm run bench -- fleet`: a real redis-server on loopback and one process, 256 decisions in flight, each contestant in turn, the medians of all rounds. A ratio is to the best peer of the same round. [How it measures](../README.md).',
    '',
    '| | hot key: decisions a second | Redis CPU a decision | cold keys: decisions a second | Redis CPU a decision |',
    '| --- | ---: | ---: | ---: | ---: |',
    ...rows.map(({ name, version, hot, cold }) => {
      const label = name === OURS ? `**${name}**` : `${name}, ${version}`
      return `| ${label} | ${whole(hot.decisionsPerSecond)} | ${micro(hot)} | ${whole(cold.decisionsPerSecond)} | ${micro(cold)} |`
    }),
    '',
    '| | target | measured | |',
    '| --- | --- | --- | --- |',
    ...targets.map(targetRow),
    '',
    'What a cold key costs, and what was tried: [decision 074](../../docs/decisions/074-what-a-cold-key-costs.md).',
    '',
    '## How large a fleet can be',
    '',
    '![Questions a second by processes: the model, a real Redis, and how many one Redis can answer](fleet.svg)',
    '',
    'Counted by the model of the scripts in virtual time, and by a real Redis under the same fleet, whose processes share one connection. Each process uses each limit 20 times a second, leases of 250 ms. What Redis takes of its one CPU is what it says itself. Where the two counts differ, the machine that played the whole fleet was late: calls were fewer, or the limits of a process no longer asked in the same turn.',
    '',
    '| processes | busy limits each | questions a second, by the model | by a real Redis | of Redis’s CPU |',
    '| ---: | ---: | ---: | ---: | ---: |',
    ...capacities
      .filter(({ clients }) => clients === undefined)
      .map((one) => `| ${whole(one.processes)} | ${one.limits} | ${asked(one)} |`),
    '',
    'The same for a limit of each client, who are drawn from a million, where no two calls of a client meet: each decision is a question.',
    '',
    '| processes | clients | their calls a second | questions a second, by the model | by a real Redis | of Redis’s CPU |',
    '| ---: | ---: | ---: | ---: | ---: | ---: |',
    ...capacities.flatMap((one) => {
      const { processes, clients } = one
      if (clients === undefined) return []
      return [`| ${whole(processes)} | ${whole(clients.known)} | ${whole(clients.callsPerSecond)} | ${asked(one)} |`]
    }),
    '',
    `More than a whole CPU needs a Cluster: limits are spread over its shards by name. A client’s bucket takes ${bytesPerClient} bytes of Redis; of 1,000,000 clients that all call ${whole((bytesPerClient * 1e6) / 2 ** 20)} MiB, until their buckets are full again.`,
    '',
    `Node ${environment.node}, redis-server ${environment.redis}, ${environment.cores} × ${environment.cpu}.`,
    '',
  ].join('\n')
}

function asked({ questionsPerSecond, real }: Capacity): string {
  const cpu = `${(real.redisCpu * 100).toFixed(real.redisCpu < 0.1 ? 1 : 0)} %`
  return `${whole(questionsPerSecond)} | ${whole(real.questionsPerSecond)} | ${cpu}`
}

/** A line of a table with four columns. */
export function targetRow({ figure, target, measured, met }: FleetTarget): string {
  return `| ${figure} | ${target} | ${measured} | ${met ? 'met' : '**missed**'} |`
}

const micro = ({ redisMicrosecondsPerDecision: us }: Throughput): string =>
  us < 0.1 ? `${(us * 1_000).toFixed(1)} ns` : `${us.toFixed(1)} µs`

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

const ratio = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0))
