import type { Unsubscribe } from 'holdfast'
import type { Script } from '../scripts/script.ts'

/**
 * The little that the fleet asks of a client of Redis. {@link portOf} makes one of ioredis' and node-redis' clients, single,
 * Sentinel and Cluster; `RedisModel` of `@holdfast/testing` has one for virtual time.
 */
export interface RedisPort {
  /** Whether the keys of different hash tags may live on different servers. */
  readonly isCluster: boolean
  /** Whether a command would be sent now. A command is never put by for later. */
  readonly connected: boolean
  /** Runs a script as one step. All keys have the same hash tag. */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>
  /** Reads a key, to see whether its server answers. */
  read(key: string): Promise<unknown>
  /** What the server says of itself: a section of `INFO`. */
  info(section: string): Promise<string>
  /** Listens to a channel, over connections lost and made again. */
  subscribe(channel: string, listener: (message: string) => void): Promise<Unsubscribe>
  /** Drops a connection on which nothing has come for long, and makes another. */
  reconnect(): void
  /** Ends all that it has opened. */
  close(): Promise<void>
}

/** Runs a script by its digest; a server that does not know it yet is given it whole. */
export async function runScript(
  command: (args: readonly string[]) => Promise<unknown>,
  script: Script,
  keys: readonly string[],
  args: readonly string[],
): Promise<unknown> {
  const rest = [String(keys.length), ...keys, ...args]
  try {
    return await command(['EVALSHA', script.sha, ...rest])
  } catch (error) {
    if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
    return command(['EVAL', script.lua, ...rest])
  }
}
