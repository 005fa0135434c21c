import { createGateway, guardUpstreams } from '@holdfast/gateway'
import { startGatewayFleet } from '@holdfast/gateway/fleet'
import { connectFleet } from '@holdfast/redis'
import { startRedisServer } from '@holdfast/testing/redis-server'
import { systemClock } from 'holdfast'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const answerOf = async (url: string, token = ''): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  return { status: answer.status, body: await answer.json() }
}

/** A gateway on that Redis, whose clients may ask ten times at once and twice a second. */
async function limitedGateway(redis: string, processId: string): Promise<string> {
  const fleet = await connectFleet({ redis, processId })
  const limits = { perClient: { tokensPerSecond: 2, burstSize: 10 }, fleet }
  const endpoints = { alpaca: { keyId: 'key', secretKey: 'secret', paper: true }, polygon: { apiKey: 'key' } }
  // A machine that is busy with other tests has its event loop late.
  const shedding = { maxInFlight: 1_000 }
  const gateway = await createGateway({ upstreams: guardUpstreams(endpoints, { fleet }), limits, shedding })
  onTestFinished(async () => {
    await gateway.stop()
    await fleet.close()
  })
  return await gateway.app.listen({ host: '127.0.0.1', port: 0 })
}

describe('two gateways of a fleet', { timeout: 60_000 }, () => {
  it('hold a client to one limit together, whichever of them he asks', async () => {
    const redis = await startRedisServer()
    onTestFinished(() => redis.close())
    const urls = await Promise.all(['one', 'other'].map((name) => limitedGateway(redis.url, name)))
    const statusOf = async (url: string | undefined): Promise<number> => (await fetch(`${url}/v1/limits`)).status
    // Redis remembers from its first second on; until then nobody is let in.
    await vi.waitFor(async () => expect(await statusOf(urls[0])).toBe(404), { timeout: 30_000 })
    const begunAt = systemClock.now()
    const seen = await Promise.all(Array.from({ length: 40 }, (_, index) => statusOf(urls[index % 2])))
    const admitted = seen.filter((status) => status === 404).length
    expect(admitted).toBeLessThanOrEqual(10 + (2 * (systemClock.now() - begunAt)) / 1_000)
    expect(seen.filter((status) => status === 429)).toHaveLength(40 - admitted)
  })
})

describe('a fleet of gateways', { timeout: 120_000 }, () => {
  it('answers at one address, knows its members, and goes on when one of them is killed and comes back', async () => {
    const fleet = await startGatewayFleet({ processes: 2 })
    onTestFinished(() => fleet.close())
    const [first, second] = fleet.gateways
    // Redis remembers from its first second on, and then tokens flow.
    await vi.waitFor(async () => expect((await answerOf(`${fleet.url}/v1/account`)).status).toBe(200), {
      timeout: 30_000,
    })
    const members = await Promise.all([
      answerOf(`${first?.url}/v1/fleet`, fleet.token),
      answerOf(`${second?.url}/v1/fleet`, fleet.token),
    ])
    for (const { body } of members) {
      expect(body).toMatchObject({
        processes: 2,
        members: [{ processId: 'gateway-1' }, { processId: 'gateway-2' }],
        shards: [{ available: true }],
        limits: { alpaca: expect.any(Object) },
      })
    }
    await first?.kill()
    expect((await answerOf(`${fleet.url}/v1/fleet`, fleet.token)).body).toMatchObject({ shards: [{ available: true }] })
    await first?.start()
    await vi.waitFor(async () => expect((await answerOf(`${first?.url}/v1/account`)).status).toBe(200), {
      timeout: 30_000,
    })
    expect(fleet.standIns.control.stats('alpaca').rateViolations).toBe(0)
  })
})
