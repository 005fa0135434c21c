/** Redis behind TLS, with a user that may do no more than the documentation says. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { freePort } from '@holdfast/testing/redis-server'
import { Redis } from 'ioredis'
import { createClient } from 'redis'
import { describe, expect, it, type TestContext, vi } from 'vitest'
import {
  connectFleet,
  fleetCircuitBreaker,
  fleetRateLimiter,
  fleetSemaphore,
  type RedisSource,
} from '../../src/index.ts'
import { redisServer } from '../support/server.ts'

const run = promisify(execFile)

/** A key and a certificate for the loopback address, which signs itself. */
async function certificate(test: TestContext): Promise<{ readonly key: string; readonly cert: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-tls-'))
  test.onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=holdfast test', '-addext', 'subjectAltName=IP:127.0.0.1']
  const pair = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-keyout', key, '-out', cert]
  await run('openssl', ['req', '-x509', '-nodes', '-days', '2', ...pair, ...subject])
  return { key, cert }
}

/** The rights that the documentation lists, as Redis takes them. */
async function documentedRights(): Promise<readonly string[]> {
  const page = await readFile(fileURLToPath(new URL('../../../../docs/fleet.md', import.meta.url)), 'utf8')
  const section = page.slice(page.indexOf('## Rights'))
  const inline = [...section.slice(0, section.indexOf('\n## ')).matchAll(/`([^`]+)`/g)].map(([, text = '']) => text)
  return inline.flatMap((text) => text.split(' ')).filter((word) => /^[~&+]/.test(word))
}

describe('a fleet on a Redis with TLS and users', { timeout: 60_000 }, () => {
  it.for(['ioredis', 'node-redis'])(
    'works with %s and the rights of the documentation, and needs no other',
    async (client, test) => {
      const { key, cert } = await certificate(test)
      const port = await freePort()
      const tls = [
        '--tls-port',
        String(port),
        '--tls-cert-file',
        cert,
        '--tls-key-file',
        key,
        '--tls-auth-clients',
        'no',
      ]
      const server = await redisServer(test, { settings: tls })
      const operator = new Redis(server.port)
      test.onTestFinished(() => operator.disconnect())
      await operator.call('ACL', 'SETUSER', 'fleet', 'on', '>secret', ...(await documentedRights()))
      const ca = await readFile(cert, 'utf8')
      const who = { username: 'fleet', password: 'secret' }
      const redis: RedisSource =
        client === 'ioredis'
          ? new Redis(port, { ...who, host: '127.0.0.1', tls: { ca }, lazyConnect: true })
          : createClient({ ...who, socket: { host: '127.0.0.1', port, tls: true, ca } })
      const fleet = await connectFleet({ redis })
      test.onTestFinished(() => fleet.close())
      const limiter = fleetRateLimiter(fleet, 'alpaca', {
        tokensPerSecond: 100,
        burstSize: 10,
        perClient: { tokensPerSecond: 50, burstSize: 5 },
      })
      for (let call = 0; call < 20; call++) await limiter.acquire({ client: `desk-${call % 2}`, maxWaitMs: 10_000 })
      const breaker = fleetCircuitBreaker(fleet, 'alpaca', {
        failureThreshold: 1,
        recoveryTimeoutMs: 100,
        rampStepMs: 10,
      })
      await breaker.execute(() => Promise.reject(new Error('socket hang up'))).catch(() => undefined)
      await vi.waitFor(async () => expect(await breaker.execute(() => 'account')).toBe('account'), {
        timeout: 10_000,
        interval: 20,
      })
      await fleetSemaphore(fleet, 'stream', { slotLeaseMs: 100, acquireTimeoutMs: 10_000 }).execute(() => undefined)
      expect(fleet.snapshot().shards).toMatchObject([{ available: true }])
      expect(await operator.call('ACL', 'LOG')).toEqual([])
    },
  )
})
