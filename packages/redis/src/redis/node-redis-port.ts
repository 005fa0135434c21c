import type { Unsubscribe } from 'holdfast'
import type { Script } from '../scripts/script.ts'
import { ConnectingPatience } from './connecting-patience.ts'
import { type RedisPort, runScript } from './port.ts'

/** A client of node-redis, from `createClient`, `createCluster` or `createSentinel`: what is used of it. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  readonly isReady: boolean
  duplicate(overrides?: object): NodeRedisClient
  connect(): Promise<unknown>
  subscribe(channel: string, listener: (message: string | Uint8Array) => void): Promise<unknown>
  unsubscribe(channel: string, listener?: (message: string | Uint8Array) => void): Promise<unknown>
  on(event: string, listener: (...args: unknown[]) => void): unknown
  destroy(): unknown
}

/** Sends a command; each kind of client has its own way of being told the key. */
type Send = (key: string, args: string[]) => Promise<unknown>

const socket = {
  connectTimeout: 1_000,
  reconnectStrategy: (attempt: number): number => Math.min(50 * (attempt + 1), 500),
}

/** Nothing waits: what cannot be sent now is refused now. */
const SAFE = { disableOfflineQueue: true }

type Heard = (message: string | Uint8Array) => void

/** A connection that only listens. */
interface Subscriber {
  readonly client: NodeRedisClient
  /** Settles when it listens to everything. */
  readonly ready: Promise<void>
}

/** The port of node-redis: connections of its own, made like the given one but without its queue. */
export class NodeRedisPort implements RedisPort {
  readonly isCluster: boolean
  readonly #given: NodeRedisClient
  #client: NodeRedisClient
  #send: Send
  #subscriber: Subscriber | undefined
  readonly #listeners = new Map<string, Set<Heard>>()
  readonly #patience = new ConnectingPatience()
  #closed = false

  constructor(client: NodeRedisClient) {
    this.isCluster = 'masters' in client
    this.#given = client
    this.#client = this.#open(SAFE)
    this.#send = sender(this.#client)
  }

  get connected(): boolean {
    return this.#client.isReady
  }

  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    const key = keys[0] ?? ''
    return runScript((command) => this.#send(key, [...command]), script, keys, args)
  }

  read(key: string): Promise<unknown> {
    return this.#send(key, ['GET', key])
  }

  async info(section: string): Promise<string> {
    return String(await this.#send('', ['INFO', section]))
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<Unsubscribe> {
    const heard = (message: string | Uint8Array): void => listener(String(message))
    const listeners = this.#listeners.get(channel) ?? new Set()
    this.#listeners.set(channel, listeners.add(heard))
    if (this.#subscriber === undefined) this.#subscriber = this.#openSubscriber()
    else await this.#subscriber.ready.then(() => this.#subscriber?.client.subscribe(channel, heard))
    await this.#subscriber.ready
    return () => {
      listeners.delete(heard)
      // Of a connection that is just being closed nobody needs to take leave.
      this.#subscriber?.client.unsubscribe(channel, heard).catch(() => undefined)
    }
  }

  reconnect(): void {
    if (this.#closed) return
    if (!this.#patience.isOverFor({ isConnecting: !this.#client.isReady })) return
    destroy(this.#client)
    this.#client = this.#open(SAFE)
    this.#send = sender(this.#client)
    if (this.#subscriber === undefined) return
    destroy(this.#subscriber.client)
    this.#subscriber = this.#openSubscriber()
  }

  async close(): Promise<void> {
    this.#closed = true
    destroy(this.#client)
    if (this.#subscriber !== undefined) destroy(this.#subscriber.client)
  }

  #open(options: object): NodeRedisClient {
    const opened = this.#given.duplicate(this.#overrides(options))
    // What happens to a connection is seen by what happens to the questions.
    opened.on('error', () => undefined)
    opened.connect().catch(() => undefined)
    return opened
  }

  /** A connection that listens to all that is listened to. */
  #openSubscriber(): Subscriber {
    const client = this.#given.duplicate(this.#overrides({}))
    client.on('error', () => undefined)
    const ready = client.connect().then(async () => {
      for (const [channel, listeners] of this.#listeners) {
        for (const heard of listeners) await client.subscribe(channel, heard)
      }
    })
    ready.catch(() => undefined)
    return { client, ready }
  }

  /** Each kind of client takes the options of its connections in another place. */
  #overrides(options: object): object {
    if (this.isCluster) return { defaults: { ...defaultsOf(this.#given), ...options, socket } }
    if ('acquire' in this.#given) return {}
    return { ...options, socket: { ...socketOf(this.#given), ...socket } }
  }
}

function destroy(client: NodeRedisClient): void {
  if (client.isOpen) client.destroy()
}

function socketOf(client: object): object {
  const options = 'options' in client ? client.options : undefined
  const found = typeof options === 'object' && options !== null && 'socket' in options ? options.socket : undefined
  return typeof found === 'object' && found !== null ? found : {}
}

function defaultsOf(client: object): object {
  const options = '_options' in client ? client._options : undefined
  const found = typeof options === 'object' && options !== null && 'defaults' in options ? options.defaults : undefined
  return typeof found === 'object' && found !== null ? found : {}
}

/** The client's own `sendCommand`: a single one takes (args), a Sentinel (readonly, args), a Cluster (key, readonly, args). */
function sender(client: NodeRedisClient): Send {
  if (!('sendCommand' in client) || typeof client.sendCommand !== 'function') {
    throw new TypeError(
      'the client of node-redis has no sendCommand; pass one of createClient, createCluster, createSentinel',
    )
  }
  const send = client.sendCommand.bind(client)
  if ('masters' in client) return (key, args) => send(key === '' ? undefined : key, false, args)
  if ('acquire' in client) return (_, args) => send(false, args)
  return (_, args) => send(args)
}
