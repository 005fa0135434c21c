/** What was measured, as a page; the figures that a target names say whether it was met. */
import type { Environment } from '../src/environment.ts'
import type { Capacity } from './capacity.ts'
import type { CircuitSpread } from './circuit.ts'
import type { Hanging } from './hanging.ts'
import { LIMIT, PROCESSES, type PromiseKept } from './promise.ts'
import type { Throughput } from './throughput.ts'

/** One contestant's figures. */
export interface Row {
  readonly name: string
  readonly version: string
  readonly hot: Throughput
  readonly cold: Throughput
}

/** Everything that one run found. */
export interface FleetResult {
  readonly environment: Environment & { readonly redis: string }
  readonly rows: readonly Row[]
  readonly promise: PromiseKept
  readonly hanging: Hanging
  readonly circuit: CircuitSpread
  readonly capacities: readonly Capacity[]
  /** What a bucket of one client takes of Redis's memory, its key included. */
  readonly bytesPerClient: number
}

const OURS = 'holdfast'

/** A page for people. */
export function page({
  environment,
  rows,
  promise,
  hanging,
  circuit,
  capacities,
  bytesPerClient,
}: FleetResult): string {
  const own = rows.find(({ name }) => name === OURS)
  const peers = rows.filter(({ name }) => name !== OURS)
  const most = (of: (row: Row) => number): number => Math.max(...peers.map(of))
  const least = (of: (row: Row) => number): number => Math.min(...peers.map(of))
  const hotRatio = (own?.hot.decisionsPerSecond ?? 0) / most(({ hot }) => hot.decisionsPerSecond)
  const coldRatio = (own?.cold.decisionsPerSecond ?? 0) / most(({ cold }) => cold.decisionsPerSecond)
  const cpuRatio =
    least(({ hot }) => hot.redisMicrosecondsPerDecision) / (own?.hot.redisMicrosecondsPerDecision ?? Number.NaN)
  const { tokensPerSecond, burstSize } = LIMIT
  return [
    '# A fleet, measured',
    '',
    'Written by `npm run bench -- fleet`: a real redis-server on loopback and one process, 256 decisions in flight, each contestant alone. [How it measures](../README.md).',
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
    target('hot key, decisions a second', '≥ 20 × the best peer', `${ratio(hotRatio)} ×`, hotRatio >= 20),
    target('hot key, Redis CPU a decision', '≤ 1/20 of the best peer', `1/${ratio(cpuRatio)}`, cpuRatio >= 20),
    target('cold keys, 256 in flight', '≥ 2 × the best peer', `${ratio(coldRatio)} ×`, coldRatio >= 2),
    target(
      `over-admission, ${PROCESSES} processes, ${tokensPerSecond} a second, burst ${burstSize}, any window`,
      '0',
      `${promise.overAdmission} of ${promise.admitted} admissions`,
      promise.overAdmission === 0,
    ),
    target(
      'under-admission at steady demand',
      '≤ 2 %',
      `${(promise.underAdmission * 100).toFixed(1)} % in ${promise.seconds.toFixed(0)} s`,
      promise.underAdmission <= 0.02,
    ),
    target(
      `circuit: until ${circuit.members} members refuse, p99`,
      '≤ 50 ms',
      `${circuit.p99.toFixed(1)} ms (median ${circuit.median.toFixed(1)})`,
      circuit.p99 <= 50,
    ),
    target(
      'Redis hangs: added to a call after the first 5, p99',
      '≤ 1 ms',
      `${hanging.p99.toFixed(3)} ms (median ${hanging.median.toFixed(3)})`,
      hanging.p99 <= 1,
    ),
    '',
    '## How large a fleet can be',
    '',
    '![Questions a second by processes, beside what one Redis answers](fleet.svg)',
    '',
    `Counted by the model of the scripts in virtual time, each process using each limit 50 times a second. One question costs ${promise.redisMicrosecondsPerQuestion.toFixed(0)} µs of Redis's one CPU, as its own statistics say of the eight processes above; the share of it follows.`,
    '',
    '| processes | busy limits each | questions a second | of Redis’s CPU |',
    '| ---: | ---: | ---: | ---: |',
    ...capacities.map(({ processes, limits, questionsPerSecond }) => {
      const share = (questionsPerSecond * promise.redisMicrosecondsPerQuestion) / 1e6
      return `| ${whole(processes)} | ${limits} | ${whole(questionsPerSecond)} | ${(share * 100).toFixed(share < 0.1 ? 1 : 0)} % |`
    }),
    '',
    `More than a whole CPU needs a Cluster: limits are spread over its shards by name. A client’s bucket takes ${bytesPerClient} bytes of Redis with its key; of 1,000,000 clients that all call ${whole((bytesPerClient * 1e6) / 2 ** 20)} MiB, until their buckets are full again and expire.`,
    '',
    `Node ${environment.node}, redis-server ${environment.redis}, ${environment.cores} × ${environment.cpu}.`,
    '',
  ].join('\n')
}

function target(what: string, wanted: string, measured: string, isMet: boolean): string {
  return `| ${what} | ${wanted} | ${measured} | ${isMet ? 'met' : '**missed**'} |`
}

const micro = ({ redisMicrosecondsPerDecision: us }: Throughput): string =>
  us < 0.1 ? `${(us * 1_000).toFixed(1)} ns` : `${us.toFixed(1)} µs`

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')

const ratio = (value: number): string => (value < 10 ? value.toFixed(1) : value.toFixed(0))
