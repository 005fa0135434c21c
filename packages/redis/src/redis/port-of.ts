import { type IoredisClient, IoredisPort } from './ioredis-port.ts'
import { type NodeRedisClient, NodeRedisPort } from './node-redis-port.ts'
import type { RedisPort } from './port.ts'

/** What the fleet can be given: an address, a client of ioredis or node-redis, or a port of one's own. */
export type RedisSource = string | IoredisClient | NodeRedisClient | RedisPort

/**
 * The port of a client. An address is opened with ioredis, which must then be installed.
 *
 * @throws TypeError for what is none of these
 */
export async function portOf(source: RedisSource): Promise<RedisPort> {
  if (typeof source === 'string') return portOfAddress(source)
  if ('run' in source) return source
  if ('call' in source) return new IoredisPort(source)
  if ('isReady' in source) return new NodeRedisPort(source)
  throw new TypeError(
    'redis is none of these: an address, a client of ioredis or node-redis, a RedisPort; pass one of them',
  )
}

async function portOfAddress(address: string): Promise<RedisPort> {
  const { Redis } = await import('ioredis').catch((cause: unknown) => {
    throw new Error(`redis is an address, and ioredis is not installed; install it, or pass a client`, { cause })
  })
  // Only its options are used: the port opens connections of its own.
  const template = new Redis(address, { lazyConnect: true })
  return new IoredisPort(template)
}
