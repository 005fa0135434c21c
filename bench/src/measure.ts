/** Has the contestants of a suite take turns, and compares each with the baseline of the same round. */
import { type Random, systemClock, systemRandom } from 'holdfast'
import { type Loop, makeLoop } from './loop.ts'
import type { Contestant, Prepared, Suite } from './suite.ts'

/** How long a measurement takes. */
export interface Effort {
  readonly rounds: number
  /** Whether to leave out what takes long and no target is about. */
  readonly isQuick: boolean
  /** How many processes share the rounds of a suite: the optimizer does not do the same in each. */
  readonly processes: number
  /** How long one contestant runs in one round, in milliseconds. */
  readonly turnMs: number
  /** How long one contestant runs before the first round of a process, in milliseconds. */
  readonly warmUpMs: number
  /** So many calls a turn, instead of as many as fit into `turnMs`: for tests, which don't care about time. */
  readonly calls?: number | undefined
}

/** What was found out about one contestant. */
export interface Figures {
  readonly name: string
  readonly package: string | undefined
  /** Median over the rounds. */
  readonly nanosecondsPerCall: number
  /** Median, lower and upper quartile of the ratio to the baseline of the same round. */
  readonly ratio: number
  readonly ratioLow: number
  readonly ratioHigh: number
}

interface Runner {
  readonly contestant: Contestant
  readonly prepared: Prepared
  readonly loop: Loop
  calls: number
  readonly nanoseconds: number[]
}

/** What a contestant has taken in each round, in nanoseconds for a call. */
export interface Timings {
  readonly name: string
  readonly package: string | undefined
  readonly nanoseconds: readonly number[]
}

/** Has all contestants of a suite run in this process; the baseline comes first. */
export async function timingsOf(
  suite: Suite,
  effort: Pick<Effort, 'rounds' | 'turnMs' | 'warmUpMs' | 'calls'>,
  random: Random = systemRandom,
): Promise<readonly Timings[]> {
  const runners: Runner[] = []
  try {
    for (const contestant of [suite.baseline, ...suite.contestants]) {
      const prepared = await contestant.prepare()
      runners.push({ contestant, prepared, loop: makeLoop(prepared.call, suite.shape), calls: 64, nanoseconds: [] })
    }
    for (const runner of runners) await warmUp(runner, effort)
    for (let round = 0; round < effort.rounds; round++) {
      for (const runner of shuffled(runners, random)) runner.nanoseconds.push(await nanosecondsPerCall(runner))
    }
  } finally {
    for (const { prepared } of runners) prepared.dispose?.()
  }
  return runners.map(({ contestant: { name, package: library }, nanoseconds }) => ({
    name,
    package: library,
    nanoseconds,
  }))
}

/** Lets the optimizer do its work, and finds out how many calls fit into a turn. */
async function warmUp(
  runner: Runner,
  { warmUpMs, turnMs, calls }: Pick<Effort, 'warmUpMs' | 'turnMs' | 'calls'>,
): Promise<void> {
  if (calls !== undefined) {
    runner.calls = calls
    await runner.loop(calls)
    return
  }
  const until = systemClock.now() + warmUpMs
  let perCall = await nanosecondsPerCall(runner)
  while (systemClock.now() < until) {
    runner.calls = Math.max(64, Math.round((warmUpMs * 1e6) / 8 / perCall))
    perCall = await nanosecondsPerCall(runner)
  }
  runner.calls = Math.max(64, Math.round((turnMs * 1e6) / perCall))
}

async function nanosecondsPerCall({ loop, calls }: Runner): Promise<number> {
  const begun = systemClock.now()
  await loop(calls)
  return ((systemClock.now() - begun) * 1e6) / calls
}

/** Compares each contestant with the first, round by round. */
export function figuresOf(timings: readonly Timings[]): readonly Figures[] {
  const baseline = timings[0]?.nanoseconds ?? []
  return timings.map(({ name, package: library, nanoseconds }) => {
    const ratios = nanoseconds.map((own, round) => own / (baseline[round] ?? Number.NaN))
    return {
      name,
      package: library,
      nanosecondsPerCall: quantile(nanoseconds, 0.5),
      ratio: quantile(ratios, 0.5),
      ratioLow: quantile(ratios, 0.25),
      ratioHigh: quantile(ratios, 0.75),
    }
  })
}

/** The quantile of a sample, between its neighbours where it falls between two. */
export function quantile(sample: readonly number[], share: number): number {
  const sorted = sample.toSorted((left, right) => left - right)
  const position = share * (sorted.length - 1)
  const below = sorted[Math.floor(position)] ?? Number.NaN
  const above = sorted[Math.ceil(position)] ?? Number.NaN
  return below + (above - below) * (position - Math.floor(position))
}

/** In another order: what one contestant leaves to be collected must not always meet the same next one. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .toSorted((left, right) => left.key - right.key)
    .map(({ item }) => item)
}
