import { type ChildProcess, fork } from 'node:child_process'
import { on, once } from 'node:events'
import { z } from 'zod'
import { type Effort, quantile } from '../measure.ts'
import type { Row, Study } from '../study.ts'
import { Load } from './http-load.ts'
import { type Measured, SERVERS } from './http-servers.ts'

/** Enough requests for the optimizer to finish: what it takes is CPU of the server too. */
const WARM_UP = 40_000

const PROGRAM = new URL('http-program.ts', import.meta.url)

/** What the limit of a request adds to the CPU of a server. */
export const http: Study = {
  name: 'http',
  title: 'HTTP, CPU that a rate limit adds to a request',
  note: 'Real servers on the loopback in a process of their own, whose CPU is taken; keep-alive connections, sixteen requests under way on each of four. Every client is one address. What is added is the difference to the bare framework in the same round.',
  columns: [
    { figure: 'cpuUs', head: 'CPU a request, µs', digits: 1 },
    { figure: 'addedUs', head: 'added, µs', digits: 1 },
  ],
  async measure({ rounds, calls }: Effort, onRow) {
    const frameworks = Object.entries(SERVERS)
    const rows: Row[] = []
    for (const [index, [framework, measured]] of frameworks.entries()) {
      rows.push(...(await measureFramework(framework, measured, rounds, calls)))
      onRow(index + 1, frameworks.length)
    }
    return rows
  },
}

async function measureFramework(
  framework: string,
  measured: readonly Measured[],
  rounds: number,
  calls: number | undefined,
): Promise<readonly Row[]> {
  const requests = calls ?? 3_000
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
    for (let round = 0; round < rounds; round++) {
      for (const [index, load] of loads.entries()) {
        const before = await servers.cpuUs()
        await load.send(requests)
        spent[index]?.push(((await servers.cpuUs()) - before) / requests)
      }
    }
    const [bare = []] = spent
    return measured.map(({ name, package: library }, index) => {
      const own = spent[index] ?? []
      const added = own.map((cpu, round) => cpu - (bare[round] ?? Number.NaN))
      const figures = { cpuUs: quantile(own, 0.5), ...(library === undefined ? {} : { addedUs: quantile(added, 0.5) }) }
      return { name, package: library, figures }
    })
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
