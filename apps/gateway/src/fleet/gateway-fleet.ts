/** Several gateways with one Redis, one set of stand-ins and a load balancer in front: a fleet on one machine. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type RedisServer, startRedisServer } from '@holdfast/testing/redis-server'
import { startUpstreams, type Upstreams } from '@holdfast/upstreams'
import { localToken } from '../access/local-token.ts'
import { tokenEntry } from '../access/tokens.ts'
import { GatewayProcess } from './gateway-process.ts'
import { loadBalancer } from './load-balancer.ts'

/** How a fleet is started. */
export interface GatewayFleetOptions {
  /** How many gateways. */
  readonly processes: number
  /** Where Redis is. Default: one is started. False: the gateways know nothing of each other. */
  readonly redisUrl?: string | false | undefined
  /** Where the load balancer listens. Default: any free port. */
  readonly port?: number | undefined
}

/** A fleet that runs. */
export interface GatewayFleet {
  /** The load balancer's address. */
  readonly url: string
  readonly redisUrl: string | undefined
  readonly gateways: readonly GatewayProcess[]
  /** With it whoever started the fleet may watch and act in each gateway. */
  readonly token: string
  readonly standIns: Upstreams
  close(): Promise<void>
}

/** What the stand-ins take for keys. */
const KEYS = { ALPACA_KEY_ID: 'stand-in', ALPACA_SECRET_KEY: 'stand-in', POLYGON_API_KEY: 'stand-in' } as const

/**
 * Starts a fleet: redis-server unless told where one is, the stand-ins, the gateways, and the load balancer.
 *
 * @throws Error when one of them does not start
 */
export async function startGatewayFleet(options: GatewayFleetOptions): Promise<GatewayFleet> {
  const closing: (() => Promise<unknown>)[] = []
  const close = async (): Promise<void> => {
    for (const end of closing.reverse()) await end()
    closing.length = 0
  }
  try {
    const folder = await mkdtemp(join(tmpdir(), 'holdfast-fleet-'))
    closing.push(() => rm(folder, { recursive: true, force: true }))
    const token = localToken(folder)
    const redis = await redisOf(options.redisUrl)
    if (redis.server !== undefined) closing.push(() => redis.server?.close() ?? Promise.resolve())
    const standIns = await startUpstreams({ ports: { control: 0, alpaca: 0, polygon: 0 } })
    closing.push(() => standIns.close())
    const gateways = Array.from({ length: options.processes }, (_, index) => {
      const name = `gateway-${index + 1}`
      return new GatewayProcess(name, {
        ...KEYS,
        PORT: '0',
        GATEWAY_NAME: name,
        CONTROL_TOKENS: tokenEntry({ name: 'local', role: 'admin' }, token),
        STATE_FOLDER: join(folder, name),
        ALPACA_TRADING_URL: standIns.urls.alpaca,
        ALPACA_DATA_URL: standIns.urls.alpaca,
        POLYGON_URL: standIns.urls.polygon,
        ...(redis.url === undefined ? {} : { REDIS_URL: redis.url }),
      })
    })
    closing.push(() => Promise.all(gateways.map((gateway) => gateway.stop())))
    await Promise.all(gateways.map((gateway) => gateway.start()))
    const balancer = await loadBalancer(gateways)
    closing.push(() => balancer.close())
    const url = await balancer.listen({ host: '127.0.0.1', port: options.port ?? 0 })
    return { url, redisUrl: redis.url, gateways, token, standIns, close }
  } catch (error) {
    await close()
    throw error
  }
}

async function redisOf(
  redisUrl: string | false | undefined,
): Promise<{ readonly url: string | undefined; readonly server?: RedisServer }> {
  if (redisUrl === false) return { url: undefined }
  if (redisUrl !== undefined) return { url: redisUrl }
  const server = await startRedisServer()
  return { url: server.url, server }
}
