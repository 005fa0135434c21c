/** Eight processes and one Redis: what they log is within the limit in every window, whatever befalls them. */
import { Redis } from 'ioredis'
import { describe, expect, it } from 'vitest'
import { LoggedFleet } from '../support/logged-fleet.ts'
import { redisServer } from '../support/server.ts'

describe('eight processes log no admission beyond the limit', { timeout: 200_000 }, () => {
  it('when Redis forgets its scripts, hangs, is killed and comes back empty, and processes are killed and replaced', async (test) => {
    const server = await redisServer(test)
    const fleet = new LoggedFleet(test, server.url)
    const processes = Array.from({ length: 8 }, () => fleet.start())
    await fleet.admits(300)
    const operator = new Redis(server.port)
    await operator.script('FLUSH')
    operator.disconnect()
    await fleet.admits(100)
    server.pause()
    // Leases are spent at once; more than a burst is admitted only by shares.
    await fleet.admits(150)
    server.resume()
    await fleet.admits(200)
    await server.kill()
    await fleet.admits(150)
    await server.start()
    await fleet.admits(200)
    for (const killed of processes.slice(0, 2)) {
      killed.kill()
      fleet.start()
    }
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })
})
