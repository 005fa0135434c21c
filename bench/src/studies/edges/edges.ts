import { systemClock, systemRandom } from 'holdfast'
import { type Effort, quantile, shuffled } from '../../measure.ts'
import type { Row, Study } from '../../study.ts'
import { FRAMEWORKS, type Framework, MANY } from './limits.ts'
import { ask, type Listener } from './nowhere.ts'

/** More than any request that is measured costs. */
const ADMITS_ALL = 1_000_000_000

/** In a round each application has so many turns: short ones lie close to those of the bare framework. */
const TURNS = 4

/** What a limit adds to a request, without the network: admitted, with a million clients, and refused. */
export const edges: Study = {
  name: 'edges',
  title: 'The edges, what a rate limit adds to a request without the network',
  note: 'A GET that is answered "hello"; the client is told by a header. Requests and answers are Node’s own, on a socket that leads nowhere, so that the framework and the limiter are measured and not the kernel. What is added is the difference to the bare framework in the same turn; the applications take turns in an order of chance. The million clients are asked for in turn, and the limiter knows all of them before; a quick run leaves them out.',
  columns: [
    { figure: 'addedUs', head: 'admitted, added µs', digits: 1 },
    { figure: 'addedOfManyUs', head: 'of a million clients, added µs', digits: 1 },
    { figure: 'addedRefusedUs', head: 'refused, added µs', digits: 1 },
  ],
  async measure(effort, onRow) {
    const rows: Row[] = []
    for (const [index, framework] of FRAMEWORKS.entries()) {
      rows.push(...(await measureFramework(framework, effort)))
      onRow(index + 1, FRAMEWORKS.length)
    }
    return rows
  },
}

/** Requests of one kind to one application. */
interface Runner {
  readonly subject: string
  readonly figure: string
  readonly listener: Listener
  readonly client: () => string
  readonly status: number
  /** Microseconds a request, in each turn. */
  readonly spent: number[]
}

async function measureFramework({ name, bare, subjects }: Framework, effort: Effort): Promise<readonly Row[]> {
  const withMany = effort.calls === undefined && !effort.isQuick
  const one = (): string => 'desk-1'
  const base: Runner = { subject: '', figure: 'bareUs', listener: await bare(), client: one, status: 200, spent: [] }
  const runners = [base]
  for (const { name: subject, limited } of subjects) {
    const kinds = [
      { figure: 'addedUs', listener: await limited(ADMITS_ALL), client: one, status: 200 },
      { figure: 'addedRefusedUs', listener: await limited(1), client: one, status: 429 },
      ...(withMany
        ? [{ figure: 'addedOfManyUs', listener: await limited(ADMITS_ALL), client: manyClients(), status: 200 }]
        : []),
    ]
    for (const kind of kinds) runners.push({ subject, ...kind, spent: [] })
  }
  for (const runner of runners) await warmUp(runner, effort)
  const requests = effort.calls ?? (effort.turnMs * 50) / TURNS
  for (let turn = 0; turn < effort.rounds * TURNS; turn++) {
    for (const runner of shuffled(runners, systemRandom)) runner.spent.push(await microseconds(runner, requests))
  }
  return subjects.map(({ name: subject, package: library }) => {
    const own = runners.filter((runner) => runner.subject === subject)
    const figures = own.map(({ figure, spent }) => {
      const added = spent.map((time, turn) => time - (base.spent[turn] ?? Number.NaN))
      return [figure, quantile(added, 0.5)]
    })
    return { name: `${name}, ${subject}`, package: library, figures: Object.fromEntries(figures) }
  })
}

/** Brings the limiter into the state that is measured, and lets the optimizer do its work. */
async function warmUp(runner: Runner, { calls, warmUpMs }: Effort): Promise<void> {
  const { figure, listener, client, status } = runner
  if (status === 429) await ask(listener, client(), 200)
  if (calls !== undefined) return
  if (figure === 'addedOfManyUs') await microseconds(runner, MANY)
  for (const until = systemClock.now() + warmUpMs; systemClock.now() < until; ) await microseconds(runner, 1_000)
}

async function microseconds({ listener, client, status }: Runner, requests: number): Promise<number> {
  const begun = systemClock.now()
  for (let request = 0; request < requests; request++) await ask(listener, client(), status)
  return ((systemClock.now() - begun) * 1_000) / requests
}

/** Names made beforehand: to make one costs as much as to look it up. */
function manyClients(): () => string {
  const names = Array.from({ length: MANY }, (_, index) => `desk-${index}`)
  let next = 0
  return () => names[next++ % MANY] ?? ''
}
