import { setImmediate as nextTurn } from 'node:timers/promises'
import { ConsecutiveBreaker, circuitBreaker, handleAll } from 'cockatiel'
import { CircuitBreaker, systemClock } from 'holdfast'
import Opossum from 'opossum'
import { type Effort, quantile } from '../measure.ts'
import type { Row, Study } from '../study.ts'
import { answer, FAILURE } from '../suites/service.ts'

/** So many calls arrive in each turn of the event loop. */
const BURST = 1_000

const CONTESTANTS: readonly {
  readonly name: string
  readonly package?: string
  readonly make: () => () => Promise<unknown>
}[] = [
  { name: 'Promise.reject(shared error)', make: () => () => Promise.reject(FAILURE) },
  {
    name: 'holdfast',
    package: 'holdfast',
    make: () => {
      const circuit = new CircuitBreaker('service')
      circuit.trip('bench')
      return () => circuit.execute(answer)
    },
  },
  {
    name: 'cockatiel',
    package: 'cockatiel',
    make: () => {
      const policy = circuitBreaker(handleAll, { halfOpenAfter: 3_600_000, breaker: new ConsecutiveBreaker(5) })
      policy.isolate()
      return () => policy.execute(answer)
    },
  },
  {
    name: 'opossum',
    package: 'opossum',
    make: () => {
      const circuit = new Opossum(answer, { timeout: false, resetTimeout: 3_600_000 })
      circuit.open()
      return () => circuit.fire()
    },
  },
]

/** For how long a burst of refusals keeps everybody else from the event loop. */
export const storm: Study = {
  name: 'storm',
  title: 'circuit open, a thousand calls in one turn of the event loop',
  note: 'How long the turn takes in which a thousand calls arrive and are refused: so long everybody else waits.',
  columns: [
    { figure: 'medianMs', head: 'median, ms', digits: 2 },
    { figure: 'p99Ms', head: '99 of 100, ms', digits: 2 },
  ],
  async measure({ rounds, calls }: Effort, onRow) {
    const turns = calls === undefined ? rounds * 20 : 4
    const rows: Row[] = []
    for (const { name, package: library, make } of CONTESTANTS) {
      const call = make()
      await lastingOf(call, turns)
      const lasted = await lastingOf(call, turns)
      rows.push({ name, package: library, figures: { medianMs: quantile(lasted, 0.5), p99Ms: quantile(lasted, 0.99) } })
      onRow(rows.length, CONTESTANTS.length)
    }
    return rows
  },
}

async function lastingOf(call: () => Promise<unknown>, turns: number): Promise<readonly number[]> {
  const lasted: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    let refused = 0
    const begun = systemClock.now()
    for (let one = 0; one < BURST; one++) call().catch(() => refused++)
    await nextTurn()
    lasted.push(systemClock.now() - begun)
    while (refused < BURST) await nextTurn()
  }
  return lasted
}
