import type { Unsubscribe } from 'holdfast'
import type { Script } from '../scripts/script.ts'
import { ConnectingPatience } from './connecting-patience.ts'
import { type RedisPort, runScript } from './port.ts'

/** A client of ioredis, `Redis` (single or Sentinel) or `Cluster`: what is used of it. */
export interface IoredisClient {
  readonly isCluster: boolean
  readonly status: string
  duplicate(first?: object, second?: object): IoredisClient
  call(command: string, args: string[]): Promise<unknown>
  subscribe(channel: string): Promise<unknown>
  unsubscribe(channel: string): Promise<unknown>
  on(event: string, listener: (...args: string[]) => void): unknown
  disconnect(): void
}

const reconnectAfterMs = (attempt: number): number => Math.min(50 * attempt, 500)

/** Nothing waits, nothing is sent twice: what cannot be sent now is refused now. */
const SAFE = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  keyPrefix: '',
  connectTimeout: 1_000,
  sentinelCommandTimeout: 1_000,
  retryStrategy: reconnectAfterMs,
  lazyConnect: false,
}

const SAFE_CLUSTER = {
  enableOfflineQueue: false,
  lazyConnect: false,
  keyPrefix: '',
  retryDelayOnFailover: 0,
  retryDelayOnClusterDown: 0,
  retryDelayOnTryAgain: 0,
  slotsRefreshTimeout: 1_000,
  slotsRefreshInterval: 1_000,
  clusterRetryStrategy: reconnectAfterMs,
  redisOptions: { maxRetriesPerRequest: 0, autoResendUnfulfilledCommands: false, connectTimeout: 1_000 },
}

/** A connection that only listens. */
interface Subscriber {
  readonly client: IoredisClient
  /** Settles when it listens to everything. */
  readonly ready: Promise<unknown>
}

/** The port of ioredis: connections of its own, made like the given one but without its queues. */
export class IoredisPort implements RedisPort {
  readonly isCluster: boolean
  readonly #given: IoredisClient
  #client: IoredisClient
  #subscriber: Subscriber | undefined
  readonly #listeners = new Map<string, Set<(message: string) => void>>()
  readonly #patience = new ConnectingPatience()
  #closed = false

  constructor(client: IoredisClient) {
    this.isCluster = client.isCluster
    this.#given = client
    this.#client = this.#open(SAFE)
  }

  get connected(): boolean {
    return this.#client.status === 'ready'
  }

  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return runScript((command) => this.#command(command), script, keys, args)
  }

  read(key: string): Promise<unknown> {
    return this.#command(['GET', key])
  }

  async info(section: string): Promise<string> {
    return String(await this.#command(['INFO', section]))
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<Unsubscribe> {
    const known = this.#listeners.get(channel)
    const listeners = known ?? new Set()
    this.#listeners.set(channel, listeners.add(listener))
    if (this.#subscriber === undefined) this.#subscriber = this.#openSubscriber()
    else if (known === undefined) await this.#subscriber.client.subscribe(channel)
    await this.#subscriber.ready
    return () => {
      listeners.delete(listener)
      if (listeners.size > 0) return
      this.#listeners.delete(channel)
      // Of a connection that is just being closed nobody needs to take leave.
      this.#subscriber?.client.unsubscribe(channel).catch(() => undefined)
    }
  }

  reconnect(): void {
    if (this.#closed) return
    const { status } = this.#client
    if (!this.#patience.isOverFor({ isConnecting: status !== 'ready' && status !== 'end' })) return
    // Another one, for good: told to disconnect while it asks a Sentinel, this one would end and never connect again.
    this.#client.disconnect()
    this.#client = this.#open(SAFE)
    if (this.#subscriber === undefined) return
    this.#subscriber.client.disconnect()
    this.#subscriber = this.#openSubscriber()
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#client.disconnect()
    this.#subscriber?.client.disconnect()
  }

  #command([name = '', ...args]: readonly string[]): Promise<unknown> {
    return this.#client.call(name, args)
  }

  /** A connection that listens to all that is listened to. */
  #openSubscriber(): Subscriber {
    // A subscription must outlive the time that its connection needs to be there.
    const client = this.#open({ ...SAFE, enableOfflineQueue: true, maxRetriesPerRequest: null })
    client.on('message', (channel = '', message = '') => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(message)
    })
    const ready = Promise.all([...this.#listeners.keys()].map((channel) => client.subscribe(channel)))
    ready.catch(() => undefined)
    return { client, ready }
  }

  #open(options: object): IoredisClient {
    const opened = this.isCluster
      ? this.#given.duplicate([], { ...SAFE_CLUSTER, ...(options === SAFE ? {} : { enableOfflineQueue: true }) })
      : this.#given.duplicate(options)
    // What happens to a connection is seen by what happens to the questions.
    opened.on('error', () => undefined)
    return opened
  }
}
