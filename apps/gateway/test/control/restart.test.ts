import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { StateInUseError } from '@holdfast/gateway'
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { type Controlled, fail, startControlled, temporaryFolder, tokenBook } from './support.ts'

/** The same gateway, started anew on the folder it has left; `minutes` later. */
async function restarted(world: Controlled, stateFolder: string, minutes = 0): Promise<Controlled> {
  await world.gateway.stop()
  const clock = new VirtualClock({ wallTime: world.clock.wallTime() + minutes * 60_000 })
  return startControlled({ clock, control: { tokens: tokenBook(), stateFolder } })
}

describe('after a restart', () => {
  it('what people have set is in force again, for as long as it was to be', async () => {
    const stateFolder = temporaryFolder()
    const world = await startControlled({ control: { tokens: tokenBook(), stateFolder } })
    const reason = 'before the restart'
    await world.act({ act: 'pause', service: 'polygon', reason, forMs: 600_000 })
    await world.act({ act: 'trip', service: 'alpaca', reason })
    await world.act({ act: 'set-slots', service: 'alpaca', reason, forMs: 120_000, maxConcurrent: 2 })
    await world.act({ act: 'set-limit', service: 'alpaca', reason, forMs: 900_000, tokensPerSecond: 1 })
    await world.act({ act: 'stop-orders', reason })
    const again = await restarted(world, stateFolder, 5)
    const services = await again.as('viewer', '/v1/resilience/services/alpaca')
    expect(services.body).toMatchObject({
      status: {
        state: 'OPEN',
        limit: { tokensPerSecond: 1 },
        slots: { max: 5 },
        acts: [{ kind: 'trip' }, { kind: 'limit' }],
      },
    })
    expect((await again.as('viewer', '/v1/resilience/services/polygon')).body).toMatchObject({
      status: { state: 'PAUSED' },
    })
    expect((await again.as('viewer', '/v1/resilience/audit')).body).toMatchObject({
      entries: expect.arrayContaining([
        expect.objectContaining({ who: 'gateway', act: 'pause', reason: `still in force after a restart: ${reason}` }),
        expect.objectContaining({ who: 'a-operator', act: 'stop-orders', reason }),
      ]),
    })
    const order = { symbol: 'AAPL', side: 'buy', quantity: '1', type: 'market' }
    expect((await again.as('viewer', '/v1/orders', { method: 'POST', body: order })).body).toMatchObject({
      type: 'urn:holdfast:orders-stopped',
    })
    await again.clock.advance(300_000)
    expect((await again.as('viewer', '/v1/resilience/services/polygon')).body).toMatchObject({
      status: { state: 'CLOSED' },
    })
  })

  it('history and incidents are there, and an outage that lasted is over', async () => {
    const stateFolder = temporaryFolder()
    const world = await startControlled({ control: { tokens: tokenBook(), stateFolder } })
    const from = world.clock.wallTime()
    await fail(world.resilience, 'alpaca', 5)
    await world.clock.advance(2_000)
    const again = await restarted(world, stateFolder, 1)
    await again.clock.advance(1_000)
    const to = again.clock.wallTime()
    const history = await again.as('viewer', `/v1/resilience/history?service=alpaca&from=${from}&to=${to}`)
    expect(history.body).toMatchObject({
      services: { alpaca: { failed: [3, 0, 0], refusedCircuit: [2, 0, 0] } },
      happenings: [{ kind: 'gateway' }, { kind: 'circuit' }, { kind: 'gateway' }],
    })
    expect((await again.as('viewer', '/v1/resilience/incidents')).body).toMatchObject({
      incidents: [{ service: 'alpaca', failed: 3, ending: 'the gateway was restarted, with closed circuits' }],
    })
  })

  it('a second gateway on the same folder is refused, and told what to set', async () => {
    const stateFolder = temporaryFolder()
    await startControlled({ control: { tokens: tokenBook(), stateFolder } })
    const second = startControlled({ control: { tokens: tokenBook(), stateFolder } })
    await expect(second).rejects.toThrow(StateInUseError)
    await expect(second).rejects.toThrow('set STATE_FOLDER to another one')
  })
})

describe('the audit', () => {
  it('is neither changed nor deleted, not even by a mistake of our own', async () => {
    const stateFolder = temporaryFolder()
    const world = await startControlled({ control: { tokens: tokenBook(), stateFolder } })
    await world.act({ act: 'trip', service: 'alpaca', reason: 'a test' })
    await world.gateway.stop()
    const file = new DatabaseSync(join(stateFolder, 'control.sqlite'))
    expect(() => file.exec('DELETE FROM audit')).toThrow('never deleted')
    expect(() => file.exec("UPDATE audit SET reason = 'another'")).toThrow('never changed')
    file.close()
  })
})
