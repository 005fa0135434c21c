import { startGatewayFleet } from '@holdfast/gateway/fleet'
import { describe, expect, it, onTestFinished, vi } from 'vitest'

const answerOf = async (url: string, token = ''): Promise<{ status: number; body: unknown }> => {
  const answer = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  return { status: answer.status, body: await answer.json() }
}

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
