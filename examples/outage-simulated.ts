/**
 * One minute of a platform whose broker dies and recovers, with and without Holdfast, in virtual time: the minute takes a
 * moment to compute, and is shown as it went.
 *
 *   npm run outage:simulated
 */
import { logNormal, runScenario, type Scenario, type SecondResult, type Subject } from '@holdfast/testing'
import { createResilience, systemClock } from 'holdfast'

const FAILS_FROM = 15
const FAILS_TO = 40
const SECONDS = 60

const facts = { attemptTimeoutMs: 300, maxConcurrent: 40 }
const usual = { workers: 200, serviceTime: logNormal(20, 0.25), facts }

/** The broker accepts and never answers for 25 seconds. Quotes come from somebody else, who is well. */
const minute: Scenario = {
  name: 'a minute',
  durationMs: 1_000 * SECONDS,
  faultEndsMs: 1_000 * FAILS_TO,
  slots: 100,
  routes: [
    { name: 'account', upstream: 'broker', requestsPerSecond: 60, deadlineMs: 1_000 },
    { name: 'quotes', upstream: 'data', requestsPerSecond: 40, deadlineMs: 250, isUnaffected: true },
  ],
  upstreams: {
    broker: { ...usual, faults: [{ type: 'hang', fromMs: 1_000 * FAILS_FROM, toMs: 1_000 * FAILS_TO }] },
    data: usual,
  },
}

const without: Subject = { name: 'without Holdfast', make: () => (_request, connection) => connection.send() }

/** When the circuit of the broker opened and closed: second, and whether it was open from then on. */
const circuitChanges: { readonly second: number; readonly isOpen: boolean }[] = []

const withHoldfast: Subject = {
  name: 'with Holdfast',
  make({ clock, random }) {
    const { attemptTimeoutMs, maxConcurrent } = facts
    const defaults = { profile: 'INTERNAL', attemptTimeoutMs, bulkhead: { maxConcurrent }, rateLimiter: false as const }
    const resilience = createResilience({ clock, random, defaults })
    resilience.service('broker').circuitBreaker?.onStateChange(({ to }) => {
      circuitChanges.push({ second: Math.floor(clock.now() / 1_000), isOpen: to !== 'CLOSED' })
    })
    return ({ route, deadlineAt }, connection) =>
      resilience
        .service(route.upstream)
        .execute(({ signal }) => connection.send(signal), { timeoutMs: Math.max(1, deadlineAt - clock.now()) })
  },
}

/** Lines that are not part of a chart; the charts share what else the terminal has. */
const OTHER_LINES = 14
const CHARTS = 6
const SHADES = ' ▁▂▃▄▅▆▇█'

const height = Math.max(1, Math.min(4, Math.floor(((process.stdout.rows ?? 40) - OTHER_LINES) / CHARTS)))

/** A column for each second, `height` rows high. */
function chart(values: readonly number[], most: number): string[] {
  return Array.from({ length: height }, (_, row) => {
    const floor = height - 1 - row
    const cells = values.map((value) => {
      const filled = (value / most) * height - floor
      return SHADES[Math.max(0, Math.min(SHADES.length - 1, Math.round(filled * (SHADES.length - 1))))]
    })
    return `  ${cells.join('')}`
  })
}

/** A mark for each second. */
function marks(seconds: number, isMarked: (second: number) => boolean): string {
  return Array.from({ length: seconds }, (_, second) => (isMarked(second) ? '━' : '·')).join('')
}

const brokerFails = (second: number): boolean => second >= FAILS_FROM && second < FAILS_TO
const circuitIsOpen = (second: number): boolean =>
  circuitChanges.findLast((change) => change.second <= second)?.isOpen ?? false

interface Run {
  readonly name: string
  readonly seconds: readonly SecondResult[]
}

/** What has been seen of one run after so many seconds. */
function panel({ name, seconds }: Run, upTo: number): string[] {
  const seen = seconds.slice(0, upTo)
  const total = (of: (second: SecondResult) => number): number => seen.reduce((sum, second) => sum + of(second), 0)
  const share = (good: number, of: number): string => `${of === 0 ? 100 : Math.round((good / of) * 100)} %`
  const account = share(
    total(({ good }) => good),
    total(({ offered }) => offered),
  )
  const quotes = share(
    total(({ goodUnaffected }) => goodUnaffected),
    total(({ offeredUnaffected }) => offeredUnaffected),
  )
  const charts = [
    `  account (asks the broker), answered in time: ${account}`,
    ...chart(
      seen.map(({ good }) => good),
      80,
    ),
    `  quotes (do not), answered in time: ${quotes}`,
    ...chart(
      seen.map(({ goodUnaffected }) => goodUnaffected),
      60,
    ),
    `  requests sent to the broker: ${total(({ sent }) => sent)}`,
    ...chart(
      seen.map(({ sent }) => sent),
      80,
    ),
  ]
  return [`${name}, second ${upTo}`, ...charts]
}

function frame(runs: readonly Run[], upTo: number): string {
  const state = brokerFails(upTo - 1) ? 'the broker hangs' : 'the broker answers'
  const [bare = [], guarded = []] = runs.map((run) => panel(run, upTo))
  return [
    `second ${upTo} of ${SECONDS}: ${state} (it hangs where the line is thick)`,
    `  ${marks(upTo, brokerFails)}`,
    ...bare,
    ...guarded,
    '  circuit of the broker, thick where it is open: single probes are sent',
    `  ${marks(upTo, circuitIsOpen)}`,
    '  what it refuses holds none of the 100 slots that all routes share',
  ].join('\n')
}

const runs: Run[] = []
for (const subject of [without, withHoldfast]) {
  const { seconds } = await runScenario(minute, subject)
  runs.push({ name: subject.name, seconds })
}

if (process.stdout.isTTY) {
  process.stdout.write('\u001b[2J')
  for (let second = 1; second <= SECONDS; second++) {
    // Over the last one, with what is left of each of its lines wiped off: clearing the whole screen would flicker.
    process.stdout.write(`\u001b[H${frame(runs, second).replaceAll('\n', '\u001b[K\n')}\u001b[J`)
    await new Promise<void>((resolve) => systemClock.setTimer(resolve, 120))
  }
  console.log()
} else {
  console.log(frame(runs, SECONDS))
}
