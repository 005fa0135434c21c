/** A gateway that is killed and started again, and where it is at the moment. */
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { GatewayPlan } from './gateway-plan.ts'

const PROGRAM = fileURLToPath(new URL('./gateway-process.ts', import.meta.url))

export class KillableGateway {
  readonly #plan: Omit<GatewayPlan, 'seed'>
  #seed: number
  /** One that is loaded and waits for its turn. */
  #spare: ChildProcessByStdio<Writable, Readable, null>
  #child: ChildProcessByStdio<Writable, Readable, null>
  #address: Promise<string>

  constructor(plan: GatewayPlan) {
    this.#plan = plan
    this.#seed = plan.seed
    this.#child = this.#load()
    this.#address = begun(this.#child)
    this.#spare = this.#load()
  }

  /** Where it listens, once it does. */
  get address(): Promise<string> {
    return this.#address
  }

  /** Kills it with a signal that it cannot see, and lets the next one begin. */
  async kill(): Promise<void> {
    await ended(this.#child, 'SIGKILL')
    this.#child = this.#spare
    this.#address = begun(this.#child)
    this.#spare = this.#load()
    await this.#address
  }

  /** Lets it finish. */
  async stop(): Promise<void> {
    await Promise.all([ended(this.#child, 'SIGTERM'), ended(this.#spare, 'SIGKILL')])
  }

  #load(): ChildProcessByStdio<Writable, Readable, null> {
    const plan: GatewayPlan = { ...this.#plan, seed: this.#seed++ }
    const args = ['--conditions=development', PROGRAM, JSON.stringify(plan)]
    return spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  }
}

/** Lets a process begin. @returns its address, once it takes orders */
function begun(child: ChildProcessByStdio<Writable, Readable, null>): Promise<string> {
  return new Promise((resolve, reject) => {
    let printed = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      printed += text
      const [line, rest] = printed.split('\n', 2)
      if (line !== undefined && rest !== undefined) resolve(line)
    })
    child.once('exit', (code, signal) =>
      reject(new Error(`the gateway ended before it listened (${signal ?? `code ${code}`})`)),
    )
    child.once('error', reject)
    child.stdin.end('begin\n')
  })
}

async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}
