/** `npm start`: the gateway, and the stand-ins that it talks to unless it is given credentials. */
import { portsFromEnvironment, startUpstreams } from '@holdfast/upstreams'
import type { ServiceOptions } from 'holdfast'
import { type GatewayConfig, readConfig } from './config.ts'
import { createGateway, type Gateway } from './gateway.ts'
import { type Addresses, greeting } from './greeting.ts'
import { type Endpoints, guardUpstreams, realEndpoints, type ServiceOverrides } from './upstreams.ts'

/** Shorter than the profile's, so that an outage can be watched: 5 s and 15 s are long when one waits for them. */
const TO_WATCH: ServiceOptions = {
  timeoutMs: 5_000,
  attemptTimeoutMs: 1_000,
  circuitBreaker: { recoveryTimeoutMs: 5_000 },
}

/** As the stand-in for Polygon allows: a paid plan. */
const PAID_PLAN: ServiceOptions = {
  rateLimiter: { tokensPerSecond: 100, burstSize: 100 },
  bulkhead: { maxConcurrent: 50, maxQueue: 500 },
}

/** What the gateway talks to. */
interface Surroundings {
  readonly endpoints: Endpoints
  readonly overrides: ServiceOverrides
  /** Where the stand-ins are; undefined for the real services. */
  readonly standIns: Addresses['standIns']
  close(): Promise<void>
}

async function surroundingsOf(config: GatewayConfig): Promise<Surroundings> {
  const real = realEndpoints(config)
  if (real !== undefined) {
    const overrides = { polygon: { rateLimiter: polygonLimit(config) } }
    return { endpoints: real, overrides, standIns: undefined, close: () => Promise.resolve() }
  }
  const { urls, close } = await startUpstreams({ ports: portsFromEnvironment(process.env) })
  return {
    endpoints: {
      alpaca: { keyId: 'stand-in', secretKey: 'stand-in', paper: true, tradingUrl: urls.alpaca },
      polygon: { apiKey: 'stand-in', baseUrl: urls.polygon },
    },
    overrides: {
      alpaca: TO_WATCH,
      polygon: { ...PAID_PLAN, rateLimiter: { ...PAID_PLAN.rateLimiter, ...polygonLimit(config) } },
    },
    standIns: urls,
    close,
  }
}

/** Only what is set: the rest is the profile's. */
function polygonLimit(config: GatewayConfig): { tokensPerSecond?: number; burstSize?: number } {
  const { POLYGON_TOKENS_PER_SECOND: tokensPerSecond, POLYGON_BURST_SIZE: burstSize } = config
  return {
    ...(tokensPerSecond === undefined ? {} : { tokensPerSecond }),
    ...(burstSize === undefined ? {} : { burstSize }),
  }
}

async function start(): Promise<void> {
  const config = readConfig(process.env)
  const surroundings = await surroundingsOf(config)
  try {
    const gateway = await gatewayIn(surroundings, config)
    const stop = async (): Promise<void> => {
      await gateway.stop()
      await surroundings.close()
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop().catch(fail))
    console.log(greeting({ address: await listen(gateway, config), standIns: surroundings.standIns }))
  } catch (error) {
    await surroundings.close()
    throw error
  }
}

function gatewayIn({ endpoints, overrides }: Surroundings, config: GatewayConfig): Promise<Gateway> {
  return createGateway({
    upstreams: guardUpstreams(endpoints, { overrides }),
    limits: {
      tokensPerSecond: config.TOKENS_PER_SECOND,
      burstSize: config.BURST_SIZE,
      perClient: { tokensPerSecond: config.CLIENT_TOKENS_PER_SECOND, burstSize: config.CLIENT_BURST_SIZE },
      trustProxy: config.TRUSTED_PROXIES,
    },
    logLevel: config.LOG_LEVEL,
  })
}

/** @returns where it listens */
async function listen({ app }: Gateway, { HOST, PORT }: GatewayConfig): Promise<string> {
  try {
    return await app.listen({ host: HOST, port: PORT })
  } catch (error) {
    await app.close()
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error
    throw new Error(`port ${PORT} is taken; set PORT to another one (0 for any)`, { cause: error })
  }
}

function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

await start().catch(fail)
