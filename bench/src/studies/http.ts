import { type ChildProcess, fork } from 'node:child_process'
import { on, once } from 'node:events'
import { systemRandom } from 'holdfast'
import { z } from 'zod'
import { type Effort, quantile, shuffled } from '../measure.ts'
import type { Row, Study } from '../study.ts'
import { Load } from './http-load.ts'
import { type Measured, SERVERS } from './http-servers.ts'

/** Enough requests for the optimizer to finish: what it takes is CPU of the server too. */
const WARM_UP = 40_000

/** So many times the servers are started anew: how well the optimizer does is the luck of a process. */
const STARTS = 3

/** Of the others nothing is asked that only real servers can tell. */
const IN_A_QUICK_RUN = 'fastify'

/** In a round a server answers so many times so many requests. Short turns lie close to those of the bare framework. */
const TURNS = 4
const REQUESTS_A_TURN = 768

const PROGRAM = new URL('http-program.ts', import.meta.url)

/** What the limit of a request adds to the CPU of a server. */
export const http: Study = {
  name: 'http',
  title: 'HTTP, CPU that a rate limit adds to a request',
  note: 'Real servers on the loopback in a process of their own, whose CPU is taken; keep-alive connections, sixteen requests under way on each of four. Every client is one address. What is added is the difference to the bare framework in the same turn; the median is over all turns of three starts, in each of which the servers take turns in an order of chance.',
  columns: [
    { figure: 'cpuUs', head: 'CPU a request, µs', digits: 1 },
    { figure: 'addedUs', head: 'added, µs', digits: 1 },
  ],
  async measure({ isQuick, rounds, calls }: Effort, onRow) {
    const frameworks = Object.entries(SERVERS).filter(([framework]) => !isQuick || framework === IN_A_QUICK_RUN)
    const rows: Row[] = []
    for (const [index, [framework, measured]] of frameworks.entries()) {
      const turns = calls === undefined ? Math.ceil((rounds * TURNS) / STARTS) : 1
      rows.push(...(await measureFramework(framework, measured, turns, calls)))
      onRow(index + 1, frameworks.length)
    }
    return rows
  },
}

async function measureFramework(
  framework: string,
  measured: readonly Measured[],
  turns: number,
  calls: number | undefined,
): Promise<readonly Row[]> {
  const spent = measured.map((): number[] => [])
  for (let start = 0; start < (calls === undefined ? STARTS : 1); start++) {
    const ofStart = await measureStart(framework, measured, turns, calls)
    for (const [index, own] of ofStart.entries()) spent[index]?.push(...own)
  }
  const [bare = []] = spent
  return measured.map(({ name, package: library }, index) => {
    const own = spent[index] ?? []
    const added = own.map((cpu, turn) => cpu - (bare[turn] ?? Number.NaN))
    const figures = { cpuUs: quantile(own, 0.5), ...(library === undefined ? {} : { addedUs: quantile(added, 0.5) }) }
    return { name, package: library, figures }
  })
}

/** @returns for each server the microseconds of CPU that a request took, turn by turn */
async function measureStart(
  framework: string,
  measured: readonly Measured[],
  turns: number,
  calls: number | undefined,
): Promise<readonly (readonly number[])[]> {
  const requests = calls ?? REQUESTS_A_TURN
  const servers = new Servers(framework)
  const loads: Load[] = []
  try {
    const ports = await servers.ports()
    const spent = measured.map((): number[] => [])
    for (const [index, { status }] of measured.entries()) {
      // The one request that a refusing limit admits.
      await (await fetch(`http://127.0.0.1:${ports[index]}/`)).text()
      const load = await Load.open(ports[index] ?? 0, status)
      loads.push(load)
      await load.send(calls === undefined ? WARM_UP : requests * 2)
    }
    for (let turn = 0; turn < turns; turn++) {
      for (const [index, load] of shuffled([...loads.entries()], systemRandom)) {
        const before = await servers.cpuUs()
        await load.send(requests)
        spent[index]?.push(((await servers.cpuUs()) - before) / requests)
      }
    }
    return spent
  } finally {
    for (const load of loads) load.close()
    await servers.end()
  }
}

/** The servers of one framework, in their own process. */
class Servers {
  readonly #child: ChildProcess
  readonly #said: AsyncIterator<unknown[]>

  constructor(framework: string) {
    this.#child = fork(PROGRAM, [framework], { execArgv: ['--conditions=development'] })
    this.#said = on(this.#child, 'message', { close: ['exit'] })
  }

  async ports(): Promise<readonly number[]> {
    return z.array(z.number()).parse(await this.#next())
  }

  /** How much CPU they have used, in microseconds. */
  async cpuUs(): Promise<number> {
    this.#child.send('how much?')
    return z.number().parse(await this.#next())
  }

  async end(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }

  async #next(): Promise<unknown> {
    const { value } = await this.#said.next()
    return value?.[0]
  }
}
