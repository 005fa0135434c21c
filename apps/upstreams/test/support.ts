import { request } from 'node:http'
import { connect } from 'node:net'
import { startUpstreams, type Upstreams, type UpstreamsOptions } from '@holdfast/upstreams'
import { onTestFinished, vi } from 'vitest'

/** The stand-ins on free ports, with keys that are welcome; they are closed after the test. */
export interface StandIns {
  readonly upstreams: Upstreams
  readonly control: Upstreams['control']
  readonly ports: Upstreams['ports']
  /** Asks Alpaca. */
  alpaca(path: string, init?: AskInit): Promise<Answered>
  /** Asks Polygon. */
  polygon(path: string, init?: AskInit): Promise<Answered>
  /** Asks Yahoo. */
  yahoo(path: string, init?: AskInit): Promise<Answered>
  /** Asks FRED, with a key that is welcome. */
  fred(path: string, init?: AskInit): Promise<Answered>
  /** Asks the control server. */
  ask(path: string, init?: AskInit): Promise<Answered>
}

export interface AskInit {
  readonly method?: string
  /** Sent as it is if it is a text, and as JSON otherwise. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The body, read as JSON; undefined when it is none. */
  readonly body: unknown
}

export const ALPACA_KEYS = { 'apca-api-key-id': 'key', 'apca-api-secret-key': 'secret' }
export const FRED_KEY = 'abcdefghijklmnopqrstuvwxyz012345'
export const POLYGON_KEY = { authorization: 'Bearer key' }

/** Starts the stand-ins; their work takes no time unless told otherwise. */
export async function startStandIns(options: Omit<UpstreamsOptions, 'ports'> = {}): Promise<StandIns> {
  const upstreams = await startUpstreams({
    workers: { count: 64, minMs: 0, maxMs: 0 },
    ...options,
    ports: {},
  })
  onTestFinished(() => upstreams.close())
  const { control, ports } = upstreams
  const asker = (port: number, keys: Readonly<Record<string, string>>) => (path: string, init?: AskInit) =>
    ask(port, path, { ...init, headers: { ...keys, ...init?.headers } })
  return {
    upstreams,
    control,
    ports,
    alpaca: asker(ports.alpaca, ALPACA_KEYS),
    polygon: asker(ports.polygon, POLYGON_KEY),
    yahoo: asker(ports.yahoo, {}),
    fred: (path, init) => ask(ports.fred, `${path}${path.includes('?') ? '&' : '?'}api_key=${FRED_KEY}`, init),
    ask: asker(ports.control, {}),
  }
}

/** Asks over a connection of its own. Rejects as the client sees it: with ECONNRESET when the connection is lost. */
export function ask(port: number, path: string, init: AskInit = {}): Promise<Answered> {
  const { method = 'GET', body, headers = {} } = init
  const sent = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const type = sent === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, headers: { ...type, ...headers }, agent: false },
      (answer) => {
        let text = ''
        answer.setEncoding('utf8').on('data', (chunk) => {
          text += chunk
        })
        answer.on('end', () =>
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text, body: parsed(text) }),
        )
        answer.on('error', reject)
      },
    )
    asked.on('error', reject)
    asked.end(sent)
  })
}

/** What came over a connection, byte for byte. */
export interface Wire {
  /** All that has come so far. */
  received(): string
  /** The pieces in which it came. */
  readonly pieces: readonly string[]
  /** How the other side ended it: `closed` in an orderly way, or with an error like `ECONNRESET`. */
  readonly ended: Promise<string>
  /** Closes it from this side. */
  giveUp(): void
}

/** Opens a connection and sends a text; the connection is closed after the test. */
export function openWire(port: number, text: string): Wire {
  const socket = connect(port, '127.0.0.1', () => socket.write(text))
  onTestFinished(() => void socket.destroy())
  const pieces: string[] = []
  socket.setEncoding('utf8').on('data', (chunk) => pieces.push(String(chunk)))
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve('closed'))
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
  })
  return { received: () => pieces.join(''), pieces, ended, giveUp: () => void socket.destroy() }
}

/** A request as it goes over the wire. */
export function requestText(
  path: string,
  { method = 'GET', headers = ALPACA_KEYS, body }: AskInit & { readonly body?: object } = {},
): string {
  const content = body === undefined ? '' : JSON.stringify(body)
  const about = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': content.length }
  const lines = Object.entries({ host: 'stand-in', connection: 'close', ...headers, ...about })
  return `${[`${method} ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`)].join('\r\n')}\r\n\r\n${content}`
}

/** What stands somewhere within an answer; undefined when nothing does. */
export function at(value: unknown, ...path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>(
    (inner, key) =>
      typeof inner === 'object' && inner !== null ? Object.getOwnPropertyDescriptor(inner, key)?.value : undefined,
    value,
  )
}

/** A text or a number within an answer, as a text. */
export function textAt(value: unknown, ...path: readonly (string | number)[]): string {
  const found = at(value, ...path)
  if (typeof found !== 'string' && typeof found !== 'number') {
    throw new Error(`${path.join('.')} is ${JSON.stringify(found)}, neither a text nor a number`)
  }
  return String(found)
}

/** A list within an answer. */
export function listAt(value: unknown, ...path: readonly (string | number)[]): readonly unknown[] {
  const found = at(value, ...path)
  if (!Array.isArray(found)) throw new Error(`${path.join('.')} is ${JSON.stringify(found)}, no list`)
  return found
}

/** Waits until a check holds; fails as the check does when it never does. */
export function eventually(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 5_000, interval: 5 })
}

/** An order that is filled at once when the market is open. */
export const MARKET_ORDER = { symbol: 'AAPL', qty: '1', side: 'buy', type: 'market', time_in_force: 'day' } as const

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
