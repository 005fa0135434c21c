/** A real redis-server of one's own: for tests, examples and demonstrations. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

/** How such a server is started. */
export interface RedisServerOptions {
  /** Which port of the loopback address. Default: a free one. */
  readonly port?: number | undefined
  /** More settings, as on its command line: `['--maxmemory', '10mb']`. */
  readonly settings?: readonly string[] | undefined
  /** Lines of a configuration file, instead of the folder and nothing on disk: for a Sentinel, which needs one. */
  readonly config?: readonly string[] | undefined
  /** The program. Default: `redis-server`. */
  readonly program?: string | undefined
}

/** How long a server may take to answer, in milliseconds: far beyond what one needs on a busy machine. */
const START_LIMIT_MS = 20_000

/** A port of the loopback address that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('the system gave no port')
  return address.port
}

/**
 * A redis-server on the loopback address with a folder of its own and nothing on disk unless the settings say so. It can
 * be killed, stopped for a while, and started again on the same port.
 */
export class RedisServer {
  readonly port: number
  readonly #folder: string
  readonly #program: string
  readonly #settings: readonly string[]
  readonly #config: readonly string[] | undefined
  #process: ChildProcess | undefined

  /** Made by {@link startRedisServer}. */
  constructor(port: number, folder: string, options: RedisServerOptions) {
    this.port = port
    this.#folder = folder
    this.#program = options.program ?? 'redis-server'
    this.#settings = options.settings ?? []
    this.#config = options.config
  }

  /** Its address. */
  get url(): string {
    return `redis://127.0.0.1:${this.port}`
  }

  /** Starts it, if it does not run, and waits until it answers. @throws Error with what it printed when it does not */
  async start(): Promise<void> {
    const settings = [...(await this.#basics()), ...this.#settings]
    const child = spawn(this.#program, settings, { stdio: ['ignore', 'pipe', 'pipe'] })
    this.#process = child
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (chunk) => {
        printed = `${printed}${chunk}`.slice(-2_000)
      })
    }
    const failed = new Promise<never>((_, reject) => {
      child.once('error', (cause) => reject(new Error(`${this.#program} cannot be started; install it`, { cause })))
      child.once('exit', () => reject(new Error(`${this.#program} ended at its start:\n${printed}`)))
    })
    failed.catch(() => undefined)
    await Promise.race([failed, this.#answers()])
  }

  /** Ends it at once, as a crash would. */
  async kill(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }

  /** Ends it in order: it writes what its settings tell it to write. */
  async stop(): Promise<void> {
    const child = this.#process
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGCONT')
    child.kill('SIGTERM')
    await ended
  }

  /** Stands still: connections stay, nothing is answered. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  /** Goes on where it stood still. */
  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Ends it and removes its folder. */
  async close(): Promise<void> {
    await this.kill()
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #basics(): Promise<readonly string[]> {
    if (this.#config === undefined) {
      return ['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#folder, '--save', '']
    }
    const file = join(this.#folder, 'redis.conf')
    await writeFile(file, `${this.#config.join('\n')}\n`)
    return [file]
  }

  async #answers(): Promise<void> {
    const deadline = performance.now() + START_LIMIT_MS
    while (!(await pong(this.port))) {
      if (performance.now() > deadline) throw new Error(`redis-server does not answer on port ${this.port}`)
      await delay(20)
    }
  }
}

/** Whether somebody answers the port with what a Redis answers (a Sentinel, or one that wants a password, included). */
function pong(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => socket.write('PING\r\n'))
    socket.once('data', (data) => {
      resolve(/^(\+PONG|-NOAUTH)/.test(data.toString()))
      socket.destroy()
    })
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })
}

/**
 * Starts a redis-server.
 *
 * @throws Error when the program is not there, or ends at its start
 * @example
 * const server = await startRedisServer()
 * try { await use(server.url) } finally { await server.close() }
 */
export async function startRedisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-redis-'))
  const server = new RedisServer(options.port ?? (await freePort()), folder, options)
  try {
    await server.start()
  } catch (error) {
    await server.close()
    throw error
  }
  return server
}
