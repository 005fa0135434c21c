/** `npm start`: the gateway, and the stand-ins that it talks to unless it is given credentials. */
import { portsFromEnvironment, startUpstreams, type Upstreams } from '@holdfast/upstreams'
import type { ServiceOptions } from 'holdfast'
import { type GatewayConfig, readConfig } from './config.ts'
import { createGateway } from './gateway.ts'
import { greeting } from './greeting.ts'
import { type Endpoints, guardUpstreams, realEndpoints } from './upstreams.ts'

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

async function start(): Promise<void> {
  const config = readConfig(process.env)
  const real = realEndpoints(config)
  const standIns = real === undefined ? await startUpstreams({ ports: portsFromEnvironment(process.env) }) : undefined
  const gateway = await createGateway({
    upstreams: guardUpstreams(real ?? standInEndpoints(standIns), {
      overrides: {
        alpaca: standIns === undefined ? {} : TO_WATCH,
        polygon: { ...(standIns === undefined ? {} : PAID_PLAN), ...polygonLimit(config) },
      },
    }),
    limits: {
      tokensPerSecond: config.TOKENS_PER_SECOND,
      burstSize: config.BURST_SIZE,
      perClient: { tokensPerSecond: config.CLIENT_TOKENS_PER_SECOND, burstSize: config.CLIENT_BURST_SIZE },
      trustProxy: config.TRUSTED_PROXIES,
    },
    logLevel: config.LOG_LEVEL,
  })
  const stop = async (): Promise<void> => {
    await gateway.stop()
    await standIns?.close()
  }
  try {
    await listen(gateway.app, config)
  } catch (error) {
    await stop()
    throw error
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop())
  const address = gateway.app.server.address()
  const port = typeof address === 'object' && address !== null ? address.port : config.PORT
  console.log(greeting({ host: config.HOST, port, standIns: standIns?.urls }))
}

function standInEndpoints(standIns: Upstreams | undefined): Endpoints {
  return {
    alpaca: { keyId: 'stand-in', secretKey: 'stand-in', paper: true, tradingUrl: standIns?.urls.alpaca },
    polygon: { apiKey: 'stand-in', baseUrl: standIns?.urls.polygon },
  }
}

function polygonLimit({
  POLYGON_TOKENS_PER_SECOND: tokensPerSecond,
  POLYGON_BURST_SIZE: burstSize,
}: GatewayConfig): ServiceOptions {
  return tokensPerSecond === undefined ? {} : { rateLimiter: { tokensPerSecond, burstSize } }
}

async function listen(
  app: { listen(options: { host: string; port: number }): Promise<string> },
  { HOST, PORT }: GatewayConfig,
): Promise<void> {
  try {
    await app.listen({ host: HOST, port: PORT })
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || error.code !== 'EADDRINUSE') throw error
    throw new Error(`port ${PORT} is taken; set PORT to another one (0 for any)`, { cause: error })
  }
}

try {
  await start()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
