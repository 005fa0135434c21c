import type { RedisPort } from '@holdfast/redis'
import { Redis } from 'ioredis'

/** One connection for a thousand processes: what they ask is what counts here, and connections would fill the machine. */
export class OnePort implements RedisPort {
  readonly isCluster = false
  /** How many scripts it has run. */
  questions = 0
  readonly #redis: Redis

  private constructor(redis: Redis) {
    this.#redis = redis
  }

  static async open(url: string): Promise<OnePort> {
    const redis = new Redis(url, { lazyConnect: true })
    await redis.connect()
    return new OnePort(redis)
  }

  get connected(): boolean {
    return this.#redis.status === 'ready'
  }

  async run(
    { lua, sha }: { readonly lua: string; readonly sha: string },
    keys: readonly string[],
    args: readonly string[],
  ): Promise<unknown> {
    this.questions++
    const rest = [keys.length, ...keys, ...args] as const
    return this.#redis.evalsha(sha, ...rest).catch(() => this.#redis.eval(lua, ...rest))
  }

  read(key: string): Promise<unknown> {
    return this.#redis.get(key)
  }

  info(section: string): Promise<string> {
    return this.#redis.info(section)
  }

  /** Nothing is listened to. */
  async subscribe(): Promise<() => void> {
    return () => undefined
  }

  reconnect(): void {
    // The connection is everybody's.
  }

  async close(): Promise<void> {
    // A process leaves; the connection is everybody's.
  }

  /** What Redis has had of its CPU, in milliseconds. */
  async cpuMs(): Promise<number> {
    const info = await this.#redis.info('cpu')
    const seconds = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1] ?? Number.NaN)
    return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1_000
  }

  disconnect(): void {
    this.#redis.disconnect()
  }
}
