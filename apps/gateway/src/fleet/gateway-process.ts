/** One gateway of a fleet, as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const START = fileURLToPath(new URL('../start.ts', import.meta.url))

/** A gateway that runs as another process, and can be killed and started again. */
export class GatewayProcess {
  readonly name: string
  readonly #env: Readonly<Record<string, string>>
  #child: ChildProcess | undefined
  #url: string | undefined

  constructor(name: string, env: Readonly<Record<string, string>>) {
    this.name = name
    this.#env = env
  }

  /** Where it listens; undefined while it does not run. */
  get url(): string | undefined {
    return this.#url
  }

  /** Starts it and waits until it listens. @throws Error with what it printed when it ends instead */
  async start(): Promise<void> {
    const { PATH = '' } = process.env
    const child = spawn(process.execPath, ['--conditions=development', START], { env: { PATH, ...this.#env } })
    this.#child = child
    child.once('exit', () => {
      this.#url = undefined
    })
    let printed = ''
    this.#url = await new Promise<string>((resolve, reject) => {
      const read = (chunk: string): void => {
        printed += chunk
        const found = /gateway +(http:\/\/\S+)/.exec(printed)?.[1]
        if (found !== undefined) resolve(found)
      }
      child.stdout.setEncoding('utf8').on('data', read)
      child.stderr.setEncoding('utf8').on('data', read)
      child.once('exit', () => reject(new Error(`gateway ${this.name} ended at its start:\n${printed}`)))
    })
  }

  /** Ends it at once, as a crash would. */
  kill(): Promise<void> {
    return this.#end('SIGKILL')
  }

  /** Ends it in order: it finishes what runs and gives back what it has leased. */
  stop(): Promise<void> {
    return this.#end('SIGTERM')
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child
    this.#url = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
}
