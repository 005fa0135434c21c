/** `npm start`: the gateway with its console, and the stand-ins that it talks to unless it is given credentials. */
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { CONSOLE_FOLDER } from '@holdfast/console/folder'
import { connectFleet, type Fleet } from '@holdfast/redis'
import type { OrderJournal } from '@holdfast/trading'
import { connectToTws } from '@holdfast/trading/interactive-brokers'
import { openJournal } from '@holdfast/trading/journal'
import { portsFromEnvironment, startUpstreams, yahooTransport } from '@holdfast/upstreams'
import { type ServiceOptions, systemClock, systemRandom } from 'holdfast'
import { isLoopback, localToken } from './access/local-token.ts'
import { InvalidTokenEntryError, TokenBook, tokenEntry } from './access/tokens.ts'
import { readApiKeys } from './api-keys.ts'
import { BackgroundTraffic } from './background-traffic.ts'
import { type GatewayConfig, InvalidConfigError, readConfig } from './config.ts'
import type { DoubtfulOrder } from './control/control-plane.ts'
import { Rehearsal, type StandInControls } from './control/rehearsal.ts'
import { createGateway, type Gateway } from './gateway.ts'
import { type Addresses, greeting } from './greeting.ts'
import { listenError, makeFolder } from './machine.ts'
import {
  type Endpoints,
  type GuardedUpstreams,
  guardUpstreams,
  realEndpoints,
  realTws,
  type ServiceOverrides,
} from './upstreams.ts'

/**
 * Shorter than the profile's, so that an outage can be watched: 5 s and 15 s are long when one waits for them. Two failures
 * open, so that one timeout which our own machine was late for, and which proves nothing, does not matter.
 */
const TO_WATCH: ServiceOptions = {
  timeoutMs: 5_000,
  attemptTimeoutMs: 1_000,
  circuitBreaker: { failureThreshold: 2, recoveryTimeoutMs: 5_000 },
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
  /** What time it is in their market; undefined for the real services. */
  readonly marketTime: (() => number) | undefined
  /** Their control; undefined for the real services. */
  readonly standInControls: StandInControls | undefined
  close(): Promise<void>
}

async function surroundingsOf(config: GatewayConfig): Promise<Surroundings> {
  const real = realEndpoints(config)
  if (real !== undefined) {
    const overrides = { polygon: { rateLimiter: polygonLimit(config) } }
    const tws = realTws(config)
    return {
      endpoints: { ...real, ib: tws && { tws, accountCode: config.IB_ACCOUNT } },
      overrides,
      standIns: undefined,
      marketTime: undefined,
      standInControls: undefined,
      close: async () => tws?.close(),
    }
  }
  const { urls, ports, control, close } = await startUpstreams({ ports: portsFromEnvironment(process.env) })
  const tws = connectToTws({ port: ports.ib })
  return {
    endpoints: {
      alpaca: { keyId: 'stand-in', secretKey: 'stand-in', paper: true, tradingUrl: urls.alpaca },
      polygon: { apiKey: 'stand-in', baseUrl: urls.polygon },
      alpacaData: { keyId: 'stand-in', secretKey: 'stand-in', dataUrl: urls.alpaca },
      yahoo: { fetch: yahooTransport(urls.yahoo) },
      fred: { apiKey: 'standin'.padEnd(32, '0'), baseUrl: urls.fred },
      ib: { tws },
    },
    overrides: {
      alpaca: TO_WATCH,
      ib: TO_WATCH,
      polygon: { ...PAID_PLAN, rateLimiter: { ...PAID_PLAN.rateLimiter, ...polygonLimit(config) } },
    },
    standIns: urls,
    marketTime: () => control.marketTime,
    standInControls: control,
    close: async () => {
      tws.close()
      await close()
    },
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

/** Who may sign in: whom the configuration names, else whoever reads what the start prints on this machine. */
interface SignIn {
  readonly tokens: TokenBook
  /** The token of the local run; undefined when the configuration has its own, or others can reach the gateway. */
  readonly local: string | undefined
}

function signInBy({ CONTROL_TOKENS, HOST, STATE_FOLDER }: GatewayConfig): SignIn {
  if (CONTROL_TOKENS !== '' || !isLoopback(HOST)) return { tokens: configuredTokens(CONTROL_TOKENS), local: undefined }
  const local = localToken(STATE_FOLDER)
  return { tokens: new TokenBook(tokenEntry({ name: 'local', role: 'admin' }, local)), local }
}

function configuredTokens(entries: string): TokenBook {
  try {
    return new TokenBook(entries)
  } catch (error) {
    if (!(error instanceof InvalidTokenEntryError)) throw error
    throw new InvalidConfigError(`CONTROL_TOKENS has ${error.message}`, { cause: error })
  }
}

/** The journal of orders. The stand-ins begin with empty books, and so does theirs; one that somebody has named is his. */
async function journalOf(config: GatewayConfig, isStandIn: boolean): Promise<OrderJournal> {
  const { STATE_FOLDER, ORDER_JOURNAL } = config
  const path = ORDER_JOURNAL ?? join(STATE_FOLDER, isStandIn ? 'stand-in-orders.db' : 'orders.db')
  makeFolder('ORDER_JOURNAL', path, dirname(path))
  if (isStandIn && ORDER_JOURNAL === undefined) removeJournal(path)
  return await openJournal(path)
}

/** The database and what stands beside it: its write-ahead log, and the logs of its owners. */
function removeJournal(path: string): void {
  const own = basename(path)
  const isPart = (name: string): boolean =>
    [own, `${own}-wal`, `${own}-shm`].includes(name) || name.startsWith(`${own}-ahead-`)
  for (const name of readdirSync(dirname(path)).filter(isPart)) rmSync(join(dirname(path), name))
}

/** The other gateways, if there are any. */
async function fleetOf({ REDIS_URL, GATEWAY_NAME }: GatewayConfig): Promise<Fleet | undefined> {
  return REDIS_URL === undefined ? undefined : await connectFleet({ redis: REDIS_URL, processId: GATEWAY_NAME })
}

async function start(): Promise<void> {
  const config = readConfig(process.env)
  makeFolder('STATE_FOLDER', config.STATE_FOLDER, config.STATE_FOLDER)
  const signIn = signInBy(config)
  /** What ends what was begun, the last first. */
  const endings: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of endings.splice(0).reverse()) await end()
  }
  try {
    const surroundings = await surroundingsOf(config)
    endings.push(() => surroundings.close())
    const journal = await journalOf(config, surroundings.standIns !== undefined)
    endings.push(() => journal.close())
    const fleet = await fleetOf(config)
    endings.push(async () => fleet?.close())
    const { endpoints, overrides, marketTime } = surroundings
    const upstreams = guardUpstreams(endpoints, {
      overrides,
      journal,
      ...(fleet === undefined ? {} : { fleet }),
      ...(marketTime === undefined ? {} : { marketTime }),
    })
    const gateway = await gatewayIn(upstreams, surroundings, config, signIn, fleet)
    endings.push(() => gateway.stop())
    // Before anybody can ask: another gateway with this account must be stopped first.
    await Promise.all([...upstreams.brokers.values()].map((broker) => broker.open()))
    const address = await listen(gateway, config)
    if (surroundings.standIns !== undefined && config.BACKGROUND_TRAFFIC) {
      const traffic = new BackgroundTraffic(address, systemClock, systemRandom)
      endings.push(() => traffic.stop())
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop().catch(fail))
    console.log(
      greeting({
        address,
        standIns: surroundings.standIns,
        console: consoleAddress(address, signIn),
        redis: redisOf(config, fleet),
      }),
    )
  } catch (error) {
    await stop()
    throw error
  }
}

/** Where the fleet's Redis is, without the password that its address may have. */
function redisOf({ REDIS_URL }: GatewayConfig, fleet: Fleet | undefined): Addresses['redis'] {
  if (REDIS_URL === undefined || fleet === undefined) return undefined
  return { host: new URL(REDIS_URL).host, answers: fleet.snapshot().processes !== null }
}

/** The page's address, with the local run's token behind the mark that browsers keep to themselves. */
function consoleAddress(address: string, { tokens, local }: SignIn): Addresses['console'] {
  if (!existsSync(CONSOLE_FOLDER)) return { missing: 'not built; npm run build:console builds it' }
  if (local !== undefined) return { url: `${address}/console/#token=${local}` }
  if (tokens.isEmpty) return { missing: 'nobody can sign in; set CONTROL_TOKENS (npm run token -- NAME ROLE)' }
  return { url: `${address}/console/` }
}

function gatewayIn(
  upstreams: GuardedUpstreams,
  { standInControls }: Surroundings,
  config: GatewayConfig,
  { tokens }: SignIn,
  fleet: Fleet | undefined,
): Promise<Gateway> {
  return createGateway({
    upstreams,
    fleet,
    limits: {
      tokensPerSecond: config.TOKENS_PER_SECOND,
      burstSize: config.BURST_SIZE,
      perClient: { tokensPerSecond: config.CLIENT_TOKENS_PER_SECOND, burstSize: config.CLIENT_BURST_SIZE },
      trustProxy: config.TRUSTED_PROXIES,
      apiKeys: config.API_KEYS_FILE === undefined ? undefined : readApiKeys(config.API_KEYS_FILE),
    },
    shedding: { maxInFlight: config.MAX_IN_FLIGHT, maxEventLoopDelayMs: config.MAX_EVENT_LOOP_DELAY_MS },
    logLevel: config.LOG_LEVEL,
    control: {
      tokens,
      stateFolder: config.STATE_FOLDER,
      secureCookies: !isLoopback(config.HOST),
      rehearsal: standInControls && new Rehearsal(standInControls),
      doubtfulOrders: () => doubtfulOrders(upstreams),
    },
    consoleFolder: existsSync(CONSOLE_FOLDER) ? CONSOLE_FOLDER : undefined,
  })
}

function doubtfulOrders({ brokers }: GuardedUpstreams): readonly DoubtfulOrder[] {
  return [...brokers.values()].flatMap((broker) =>
    broker.inDoubt().map(({ clientOrderId, changedAt }) => ({ id: clientOrderId, since: changedAt, ending: null })),
  )
}

/** @returns where it listens */
async function listen({ app }: Gateway, config: GatewayConfig): Promise<string> {
  try {
    return await app.listen({ host: config.HOST, port: config.PORT })
  } catch (error) {
    throw listenError(error, config)
  }
}

function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}

await start().catch(fail)
