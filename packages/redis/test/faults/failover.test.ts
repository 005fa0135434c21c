/** Redis with a Sentinel, whose master dies, and a Cluster whose slots move: nothing goes over, and it goes on. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { freePort, type RedisServer } from '@holdfast/testing/redis-server'
import { Cluster, Redis } from 'ioredis'
import { createCluster, createSentinel } from 'redis'
import { describe, expect, it, type TestContext, vi } from 'vitest'
import { LIMIT, RealFleet } from '../support/real-fleet.ts'
import { redisServer } from '../support/server.ts'

const run = promisify(execFile)

/** A master, a replica of it, and a Sentinel that watches them. */
async function sentinelOf(
  test: TestContext,
): Promise<{ readonly master: RedisServer; readonly sentinel: RedisServer }> {
  const master = await redisServer(test)
  const replica = await redisServer(test, { settings: ['--replicaof', `127.0.0.1 ${master.port}`] })
  const port = await freePort()
  const watched = `sentinel monitor trading 127.0.0.1 ${master.port} 1`
  const sentinel = await redisServer(test, {
    port,
    config: [
      `port ${port}`,
      watched,
      'sentinel down-after-milliseconds trading 500',
      'sentinel failover-timeout trading 5000',
    ],
    settings: ['--sentinel'],
  })
  const [asked, copy] = [new Redis(port), new Redis(replica.port)]
  await vi.waitFor(
    async () => {
      // One that has never had the data is not made the master.
      const state = await copy.info('replication')
      if (!state.includes('master_link_status:up')) throw new Error('the replica has no data yet')
      const known = await asked.call('SENTINEL', ['REPLICAS', 'trading'])
      if (!JSON.stringify(known).includes(String(replica.port))) throw new Error('the Sentinel knows no replica yet')
    },
    { timeout: 30_000, interval: 100 },
  )
  asked.disconnect()
  copy.disconnect()
  return { master, sentinel }
}

/** Two members with each client, which ask the Sentinel where the master is. */
async function fleetBehind(test: TestContext, sentinel: RedisServer): Promise<RealFleet> {
  const fleet = new RealFleet(test)
  const sentinels = [{ host: '127.0.0.1', port: sentinel.port }]
  for (let member = 0; member < 2; member++) {
    await fleet.add(new Redis({ sentinels, name: 'trading', lazyConnect: true }))
    await fleet.add(createSentinel({ name: 'trading', sentinelRootNodes: sentinels }))
  }
  return fleet
}

/** Three masters that share the slots. */
async function clusterOf(test: TestContext): Promise<readonly RedisServer[]> {
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000']
  const nodes = await Promise.all([1, 2, 3].map(() => redisServer(test, { settings })))
  const addresses = nodes.map(({ port }) => `127.0.0.1:${port}`)
  await run('redis-cli', ['--cluster', 'create', ...addresses, '--cluster-yes'])
  return nodes
}

/**
 * Moves the slot of a tag to another node: first both know of it (`ASK`), then the keys go, then it belongs to the other
 * (`MOVED`). While some of its keys are here and some there a question is told to try again, and nothing is admitted.
 */
async function moveSlot(nodes: readonly RedisServer[], tag: string): Promise<void> {
  const clients = nodes.map(({ port }) => new Redis(port))
  const command = (index: number, ...words: string[]): Promise<unknown> =>
    clients[index]?.call(...asCommand(words)) ?? Promise.reject(new Error(`there is no node ${index}`))
  const slot = String(await command(0, 'CLUSTER', 'KEYSLOT', `{${tag}}`))
  const from = Math.min(nodes.length - 1, Math.floor(Number(slot) / (16_384 / nodes.length)))
  const to = (from + 1) % nodes.length
  const [source, target] = await Promise.all(
    [from, to].map(async (index) => String(await command(index, 'CLUSTER', 'MYID'))),
  )
  await command(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', source ?? '')
  await command(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', target ?? '')
  const port = String(nodes[to]?.port)
  for (let keys = await keysIn(command, from, slot); keys.length > 0; keys = await keysIn(command, from, slot)) {
    await command(from, 'MIGRATE', '127.0.0.1', port, '', '0', '5000', 'KEYS', ...keys)
  }
  for (const [index] of nodes.entries()) await command(index, 'CLUSTER', 'SETSLOT', slot, 'NODE', target ?? '')
  for (const client of clients) client.disconnect()
}

const asCommand = ([name = '', ...words]: readonly string[]): [string, string[]] => [name, words]

async function keysIn(
  command: (index: number, ...words: string[]) => Promise<unknown>,
  node: number,
  slot: string,
): Promise<string[]> {
  const keys = await command(node, 'CLUSTER', 'GETKEYSINSLOT', slot, '100')
  return Array.isArray(keys) ? keys.map(String) : []
}

describe.concurrent('a fleet keeps its limit and goes on', { timeout: 200_000 }, () => {
  it('when a Sentinel makes the replica the master', async (test) => {
    const { master, sentinel } = await sentinelOf(test)
    const fleet = await fleetBehind(test, sentinel)
    await fleet.admits(200)
    await master.kill()
    await fleet.answered()
    await fleet.admits(300)
    expect(fleet.over).toBe(0)
  })

  it('when the master is killed while the Sentinel stands still, and both are back', async (test) => {
    const { master, sentinel } = await sentinelOf(test)
    const fleet = await fleetBehind(test, sentinel)
    await fleet.established()
    sentinel.pause()
    await master.kill()
    await fleet.shares()
    // Long enough for every client to ask the Sentinel in vain, and for the fleet to give up what hangs.
    await fleet.admits(3 * LIMIT.tokensPerSecond)
    await master.start()
    sentinel.resume()
    await fleet.answered()
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })

  it('when the slots of a Cluster move to another node', async (test) => {
    const nodes = await clusterOf(test)
    const [first] = nodes
    const fleet = new RealFleet(test)
    for (let member = 0; member < 2; member++) {
      await fleet.add(new Cluster([{ host: '127.0.0.1', port: first?.port ?? 0 }], { lazyConnect: true }))
      await fleet.add(createCluster({ rootNodes: [{ url: first?.url ?? '' }] }))
    }
    await fleet.admits(200)
    await moveSlot(nodes, 'alpaca:global')
    await fleet.admits(200)
    await moveSlot(nodes, 'fleet')
    await fleet.admits(200)
    expect(fleet.over).toBe(0)
  })
})
