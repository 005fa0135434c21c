/**
 * One minute of a platform whose broker dies and recovers, with and without Holdfast, in virtual time: the minute takes a
 * moment to compute, and is shown as it went.
 *
 *   npm run outage:simulated
 */
import { logNormal, runScenario, type Scenario, type SecondResult, type Subject } from '@holdfast/testing'
import { createResilience, systemClock } from 'holdfast'

const facts = { attemptTimeoutMs: 300, maxConcurrent: 40 }
const usual = { workers: 200, serviceTime: logNormal(20, 0.25), facts }

/** The broker accepts and never answers from second 15 to second 40. Quotes come from somebody else, who is well. */
const minute: Scenario = {
  name: 'a minute',
  durationMs: 60_000,
  faultEndsMs: 40_000,
  slots: 100,
  routes: [
    { name: 'account', upstream: 'broker', requestsPerSecond: 60, deadlineMs: 1_000 },
    { name: 'quotes', upstream: 'data', requestsPerSecond: 40, deadlineMs: 250, isUnaffected: true },
  ],
  upstreams: { broker: { ...usual, faults: [{ type: 'hang', fromMs: 15_000, toMs: 40_000 }] }, data: usual },
}

const without: Subject = { name: 'without Holdfast', make: () => (_request, connection) => connection.send() }

const withHoldfast: Subject = {
  name: 'with Holdfast',
  make({ clock, random }) {
    const { attemptTimeoutMs, maxConcurrent } = facts
    const defaults = { attemptTimeoutMs, bulkhead: { maxConcurrent }, rateLimiter: false as const }
    const resilience = createResilience({ clock, random, defaults })
    return ({ route, deadlineAt }, connection) =>
      resilience
        .service(route.upstream)
        .execute(({ signal }) => connection.send(signal), { timeoutMs: Math.max(1, deadlineAt - clock.now()) })
  },
}

const HEIGHT = 6
const SHADES = ' ▁▂▃▄▅▆▇█'

/** A column for each second, `HEIGHT` rows high. */
function chart(values: readonly number[], most: number): string[] {
  return Array.from({ length: HEIGHT }, (_, row) => {
    const floor = HEIGHT - 1 - row
    const cells = values.map((value) => {
      const filled = (value / most) * HEIGHT - floor
      return SHADES[Math.max(0, Math.min(SHADES.length - 1, Math.round(filled * (SHADES.length - 1))))]
    })
    return `  ${cells.join('')}`
  })
}

/** What has been seen after so many seconds. */
function frame(
  runs: readonly { readonly name: string; readonly seconds: readonly SecondResult[] }[],
  upTo: number,
): string {
  return runs
    .flatMap(({ name, seconds }) => {
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
      return [
        `${name}, second ${upTo}`,
        `  account (needs the broker), answered in time: ${account}`,
        ...chart(
          seen.map(({ good }) => good),
          80,
        ),
        `  quotes (do not), answered in time: ${quotes}`,
        ...chart(
          seen.map(({ goodUnaffected }) => goodUnaffected),
          60,
        ),
        `  requests to the broker: ${total(({ sent }) => sent)}`,
        ...chart(
          seen.map(({ sent }) => sent),
          80,
        ),
        '',
      ]
    })
    .join('\n')
}

const runs: { name: string; seconds: readonly SecondResult[] }[] = []
for (const subject of [without, withHoldfast]) {
  const result = await runScenario(minute, subject)
  runs.push({ name: subject.name, seconds: result.seconds })
}

if (process.stdout.isTTY) {
  for (let second = 1; second <= 60; second++) {
    process.stdout.write(`\u001b[2J\u001b[H${frame(runs, second)}\n`)
    await new Promise<void>((resolve) => systemClock.setTimer(resolve, 120))
  }
} else {
  console.log(frame(runs, 60))
}
