import { type RedisServer, type RedisServerOptions, startRedisServer } from '@holdfast/testing/redis-server'
import { onTestFinished } from 'vitest'

/** A real redis-server that is closed after the test. */
export async function redisServer(options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await startRedisServer(options)
  onTestFinished(() => server.close())
  return server
}
