import type { Unsubscribe } from 'holdfast'
import type { Script } from '../scripts/script.ts'
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
  disconnect(reconnect?: boolean): void
}

const reconnectAfterMs = (attempt: number): number => Math.min(50 * attempt, 500)

/** Nothing waits, nothing is sent twice: what cannot be sent now is refused now. */
const SAFE = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  autoResendUnfulfilledCommands: false,
  keyPrefix: '',
  connectTimeout: 1_000,
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

/** The port of ioredis: connections of its own, made like the given one but without its queues. */
export class IoredisPort implements RedisPort {
  readonly isCluster: boolean
  readonly #client: IoredisClient
  readonly #given: IoredisClient
  #subscriber: IoredisClient | undefined
  readonly #listeners = new Map<string, Set<(message: string) => void>>()

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
    listeners.add(listener)
    this.#listeners.set(channel, listeners)
    const subscriber = this.#subscriberClient()
    if (known === undefined) await subscriber.subscribe(channel)
    return () => {
      listeners.delete(listener)
      if (listeners.size > 0) return
      this.#listeners.delete(channel)
      // Of a connection that is just being closed nobody needs to take leave.
      subscriber.unsubscribe(channel).catch(() => undefined)
    }
  }

  reconnect(): void {
    this.#client.disconnect(true)
    this.#subscriber?.disconnect(true)
  }

  async close(): Promise<void> {
    this.#client.disconnect()
    this.#subscriber?.disconnect()
  }

  #command([name = '', ...args]: readonly string[]): Promise<unknown> {
    return this.#client.call(name, args)
  }

  #subscriberClient(): IoredisClient {
    if (this.#subscriber !== undefined) return this.#subscriber
    // A subscription must outlive the time that its connection needs to be there.
    this.#subscriber = this.#open({ ...SAFE, enableOfflineQueue: true, maxRetriesPerRequest: null })
    this.#subscriber.on('message', (channel = '', message = '') => {
      for (const listener of this.#listeners.get(channel) ?? []) listener(message)
    })
    return this.#subscriber
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
