/** The gateway's configuration, from the environment. */
import { ClientAddresses, type TrustProxy } from '@holdfast/http'
import { z } from 'zod'

/** A number between two bounds; every way of being wrong is told in the same words. */
function number(rule: string, range: { min: number; max: number; whole?: boolean }) {
  return z.coerce.number(rule).refine((value) => {
    const { min, max, whole = false } = range
    return value >= min && value <= max && (!whole || Number.isInteger(value))
  }, rule)
}

const port = number('it must be a port: a whole number from 0 to 65535', { min: 0, max: 65_535, whole: true })
const rate = number('it must be a number from 0.001 to 1000000000', { min: 0.001, max: 1e9 })
const burst = number('it must be a number from 1 to 1000000000', { min: 1, max: 1e9 })
const proxies = z.string().transform((text, context): TrustProxy => {
  const trustProxy = /^[-\d]+$/.test(text) ? Number(text) : text.split(/[,\s]+/)
  try {
    new ClientAddresses({ trustProxy })
  } catch {
    const message = 'it must be a whole number from 0 to 32, or addresses and ranges such as 10.0.0.7, 10.1.0.0/16'
    context.addIssue({ code: 'custom', message })
  }
  return trustProxy
})
const whole = number('it must be a whole number from 1 to 1000000', { min: 1, max: 1e6, whole: true })
const yesOrNo = z.stringbool({ error: 'it must be true or false' })
const url = z.url('it must be a URL such as http://127.0.0.1:9001')
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'silent'] as const
const key = z.string().max(200, 'it must be a text of 1 to 200 characters')

const environment = z.object({
  /** Where the gateway listens. 0 is any free port. */
  PORT: port.default(8080),
  HOST: z.string().min(1).default('127.0.0.1'),
  LOG_LEVEL: z.enum(LOG_LEVELS, `it must be one of ${LOG_LEVELS.join(', ')}`).default('warn'),
  /** How many of our own proxies stand in front, or their addresses and ranges, apart by commas or white space. */
  TRUSTED_PROXIES: proxies.default(0),
  /** Limits of the requests that come in: for all clients together, and for each. */
  TOKENS_PER_SECOND: rate.default(1_000),
  BURST_SIZE: burst.default(2_000),
  CLIENT_TOKENS_PER_SECOND: rate.default(100),
  CLIENT_BURST_SIZE: burst.default(200),
  /** File of the API keys that were given out, with their limits. */
  API_KEYS_FILE: z.string().min(1).optional(),
  /** When requests are turned away, the least important first. */
  MAX_IN_FLIGHT: whole.default(1_000),
  MAX_EVENT_LOOP_DELAY_MS: whole.default(100),
  /** Credentials: with them the gateway talks to the real services. */
  ALPACA_KEY_ID: key.optional(),
  ALPACA_SECRET_KEY: key.optional(),
  ALPACA_PAPER: yesOrNo.default(true),
  ALPACA_TRADING_URL: url.optional(),
  ALPACA_DATA_URL: url.optional(),
  POLYGON_API_KEY: key.optional(),
  POLYGON_URL: url.optional(),
  /** Requests a second towards Polygon, as the plan allows. Default: the profile's 5, and 10 at once. */
  POLYGON_TOKENS_PER_SECOND: rate.optional(),
  POLYGON_BURST_SIZE: burst.optional(),
  /** Whether Yahoo is asked when the others do not answer: it has no contract with anybody. */
  YAHOO: yesOrNo.default(false),
  /** For economic series. */
  FRED_API_KEY: z
    .string()
    .regex(/^[a-z0-9]{32}$/, 'it must be 32 lower-case letters and digits')
    .optional(),
  /** Where TWS or the IB gateway listens, on whose account orders with `?broker=ib` are. Without a port there is none. */
  IB_HOST: z.string().min(1).default('127.0.0.1'),
  IB_PORT: number('it must be a port: a whole number from 1 to 65535', { min: 1, max: 65_535, whole: true }).optional(),
  IB_CLIENT_ID: number('it must be a whole number from 0 to 2147483647', {
    min: 0,
    max: 2_147_483_647,
    whole: true,
  }).default(1),
  /** The account's code, for users with several. */
  IB_ACCOUNT: z.string().min(1).max(50).optional(),
  /** Who may watch and act: entries as `npm run token` writes them, apart by commas or white space. */
  CONTROL_TOKENS: z.string().default(''),
  /** Where history, audit, sessions and, unless told otherwise, the journal of orders are kept. */
  STATE_FOLDER: z.string().min(1).default('.holdfast'),
  /** File of the journal of orders. Default: `orders.db` in the state folder. */
  ORDER_JOURNAL: z.string().min(1).optional(),
  /** Where Redis is that all gateways of a fleet share. Default: this gateway is alone. */
  REDIS_URL: z.url({ protocol: /^rediss?$/, error: 'it must be a URL such as redis://127.0.0.1:6379' }).optional(),
  /** Name of this gateway in its fleet, the same after a restart: then nothing is kept for the one that was. Default: drawn. */
  GATEWAY_NAME: z.string().min(1).max(200).optional(),
  /** Whether a little traffic is made in front of the stand-ins, so that there is something to see. */
  BACKGROUND_TRAFFIC: yesOrNo.default(true),
})

/** What the environment says, checked. */
export type GatewayConfig = z.output<typeof environment>

/** The environment says something that makes no sense. */
export class InvalidConfigError extends Error {
  override readonly name = 'InvalidConfigError'
  readonly code = 'GATEWAY_INVALID_CONFIG'
}

/** Reads the environment. An empty variable counts as absent. @throws InvalidConfigError that names variable, value and rule */
export function readConfig(env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const read = environment.safeParse(given)
  if (!read.success) {
    const [issue] = read.error.issues
    const variable = String(issue?.path[0])
    const value = /KEY/.test(variable) ? 'given' : JSON.stringify(env[variable])
    throw new InvalidConfigError(`${variable} is ${value}: ${issue?.message}`)
  }
  const { ALPACA_KEY_ID, ALPACA_SECRET_KEY, POLYGON_API_KEY } = read.data
  const credentials = { ALPACA_KEY_ID, ALPACA_SECRET_KEY, POLYGON_API_KEY }
  const missing = Object.entries(credentials)
    .filter(([, value]) => value === undefined)
    .map(([name]) => name)
  if (missing.length > 0 && missing.length < 3) {
    const rule = 'set all of ALPACA_KEY_ID, ALPACA_SECRET_KEY and POLYGON_API_KEY, or none of them for the stand-ins'
    throw new InvalidConfigError(
      `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} missing: orders on a real account with prices from a stand-in would be dangerous; ${rule}`,
    )
  }
  if (missing.length > 0 && read.data.IB_PORT !== undefined) {
    throw new InvalidConfigError(
      'IB_PORT is set, but the gateway would talk to the stand-ins: set ALPACA_KEY_ID, ALPACA_SECRET_KEY and POLYGON_API_KEY too',
    )
  }
  return read.data
}
