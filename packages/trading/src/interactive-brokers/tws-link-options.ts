/** How a link to TWS is kept. */
import {
  type Clock,
  type HookErrorReporter,
  InvalidOptionError,
  type Random,
  reportToConsole,
  systemClock,
  systemRandom,
} from 'holdfast'

/** How the link is kept. */
export interface TwsLinkOptions {
  /** Default `127.0.0.1`. */
  readonly host?: string | undefined
  /** 7496 and 7497 are those of TWS, 4001 and 4002 of the gateway: real and paper. Default 4002: play money. */
  readonly port?: number | undefined
  /** One session at a time has it. Default 1. */
  readonly clientId?: number | undefined
  /** How long a new connection may take until TWS has told an order id, in milliseconds. Default 10,000. */
  readonly handshakeMs?: number | undefined
  /** How long TWS may be silent before it is asked for a sign of life, in milliseconds. Default 10,000. */
  readonly heartbeatMs?: number | undefined
  /** How long it may take to give one, in milliseconds. Default 5,000. */
  readonly heartbeatAnswerMs?: number | undefined
  /** Delay before the first attempt to connect again, in milliseconds; it doubles. Default 500. */
  readonly reconnectDelayMs?: number | undefined
  /** The longest of these delays, in milliseconds. Default 30,000. */
  readonly maxReconnectDelayMs?: number | undefined
  /**
   * How many messages go out in any second, at most. TWS takes 50; two are left for what the SDK says by itself at the
   * beginning of a session, and for signs of life. Default 48.
   */
  readonly messagesPerSecond?: number | undefined
  /** Source of time. Default: the system's. */
  readonly clock?: Clock | undefined
  /** Source of chance, for the delays. */
  readonly random?: Random | undefined
  /** Told when a listener throws. Default: written to the console. */
  readonly onHookError?: HookErrorReporter | undefined
}

/** All of them. */
export type CompleteLinkOptions = { readonly [K in keyof TwsLinkOptions]-?: NonNullable<TwsLinkOptions[K]> }

const DEFAULTS: CompleteLinkOptions = {
  host: '127.0.0.1',
  port: 4002,
  clientId: 1,
  handshakeMs: 10_000,
  heartbeatMs: 10_000,
  heartbeatAnswerMs: 5_000,
  reconnectDelayMs: 500,
  maxReconnectDelayMs: 30_000,
  messagesPerSecond: 48,
  clock: systemClock,
  random: systemRandom,
  onHookError: reportToConsole,
}

/** From which to which value, and whether it must be whole. */
const RANGES = {
  port: [1, 65_535],
  clientId: [0, 2_147_483_647],
  handshakeMs: [1, 3_600_000],
  heartbeatMs: [1, 3_600_000],
  heartbeatAnswerMs: [1, 3_600_000],
  reconnectDelayMs: [1, 3_600_000],
  maxReconnectDelayMs: [1, 3_600_000],
  messagesPerSecond: [1, 10_000],
} as const

/** @throws InvalidOptionError that names the option, its value and the rule */
export function checkedLinkOptions(options: TwsLinkOptions): CompleteLinkOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const complete: CompleteLinkOptions = { ...DEFAULTS, ...given }
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(DEFAULTS, name)) {
      throw new InvalidOptionError(
        name,
        Reflect.get(options, name),
        `there is no such option; known are ${Object.keys(DEFAULTS).join(', ')}`,
      )
    }
  }
  for (const [name, [least, most]] of Object.entries(RANGES)) {
    const value: unknown = Reflect.get(complete, name)
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) continue
    throw new InvalidOptionError(name, value, `it must be a whole number from ${least} to ${most}`)
  }
  if (typeof complete.host !== 'string' || complete.host === '') {
    throw new InvalidOptionError('host', complete.host, 'it must be the name or the address of a machine')
  }
  return complete
}
