import { type RedisServer, type RedisServerOptions, startRedisServer } from '@holdfast/testing/redis-server'
import type { TestContext } from 'vitest'

/** A real redis-server that is closed after the test. */
export async function redisServer(test: TestContext, options: RedisServerOptions = {}): Promise<RedisServer> {
  const server = await startRedisServer(options)
  test.onTestFinished(() => server.close())
  return server
}
