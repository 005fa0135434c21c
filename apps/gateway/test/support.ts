import { request } from 'node:http'
import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type GuardedUpstreams,
  type GuardOptions,
  guardUpstreams,
  type ServiceOverrides,
} from '@holdfast/gateway'
import { memoryJournal } from '@holdfast/trading'
import { connectToTws } from '@holdfast/trading/interactive-brokers'
import { startUpstreams, type Upstreams, yahooTransport } from '@holdfast/upstreams'
import { onTestFinished, vi } from 'vitest'

/** A gateway in front of the stand-ins, through the real SDKs, over real sockets; all of it is closed after the test. */
export interface World {
  readonly url: string
  readonly port: number
  readonly gateway: Gateway
  readonly upstreams: GuardedUpstreams
  readonly standIns: Upstreams
  ask(path: string, init?: AskInit): Promise<Answered>
}

export interface AskInit {
  readonly method?: string
  /** Sent as it is if it is a text, and as JSON otherwise. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** The answer's body is a text that is not JSON. */
  readonly raw?: boolean
}

export interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  /** The body, read as JSON if there is one. */
  readonly body: unknown
}

/** Attempts that wait for nobody, and limits that nobody meets. */
const PLENTY = { tokensPerSecond: 10_000, burstSize: 10_000 }

/** On a machine that is busy with other tests the event loop is late, which is not what these are about. */
const ANY_DELAY = { maxInFlight: 1_000 }

export async function startWorld(
  options: { services?: ServiceOverrides; sources?: 'polygon' | 'all'; ib?: boolean } & Partial<
    Pick<GatewayOptions, 'limits' | 'shedding' | 'clock' | 'control'>
  > &
    Pick<GuardOptions, 'orders' | 'journal'> = {},
): Promise<World> {
  const standIns = await startUpstreams({
    ports: { control: 0, alpaca: 0, polygon: 0 },
    workers: { count: 64, minMs: 0, maxMs: 0 },
  })
  onTestFinished(() => standIns.close())
  const {
    services = {},
    sources = 'polygon',
    ib = false,
    limits = PLENTY,
    shedding = ANY_DELAY,
    clock,
    orders = {},
    journal = memoryJournal(),
    control,
  } = options
  const tws = ib ? connectToTws({ port: standIns.ports.ib }) : undefined
  onTestFinished(() => tws?.close())
  const upstreams = guardUpstreams(
    {
      ib: tws && { tws },
      alpaca: { keyId: 'key', secretKey: 'secret', paper: true, tradingUrl: standIns.urls.alpaca },
      polygon: { apiKey: 'key', baseUrl: standIns.urls.polygon },
      ...(sources === 'all' && {
        alpacaData: { keyId: 'key', secretKey: 'secret', dataUrl: standIns.urls.alpaca },
        yahoo: { fetch: yahooTransport(standIns.urls.yahoo) },
        fred: { apiKey: 'a'.repeat(32), baseUrl: standIns.urls.fred },
      }),
    },
    {
      orders,
      journal,
      overrides: {
        alpaca: { retry: false, rateLimiter: PLENTY, ...services.alpaca },
        polygon: { retry: false, rateLimiter: PLENTY, ...services.polygon },
        ib: { rateLimiter: PLENTY, ...services.ib },
      },
      marketTime: () => standIns.control.marketTime,
    },
  )
  const gateway = await createGateway({ upstreams, limits, shedding, clock, control })
  onTestFinished(() => gateway.app.close())
  const url = await gateway.app.listen({ host: '127.0.0.1', port: 0 })
  const port = Number(new URL(url).port)
  return { url, port, gateway, upstreams, standIns, ask: (path, init) => ask(port, path, init) }
}

/** Asks with the path exactly as it is written: `fetch` would resolve dots. */
export function ask(port: number, path: string, init: AskInit = {}): Promise<Answered> {
  const { method = 'GET', body, headers = {}, signal, raw = false } = init
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
  const type = text === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        headers: { ...type, ...headers },
        agent: false,
        ...(signal === undefined ? {} : { signal }),
      },
      (answer) => {
        let received = ''
        answer.setEncoding('utf8').on('data', (chunk) => {
          received += chunk
        })
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: raw ? received : received === '' ? undefined : JSON.parse(received),
          }),
        )
        answer.on('error', reject)
      },
    )
    asked.on('error', reject)
    asked.end(text)
  })
}

/** An order that can be placed. */
export const ORDER = { symbol: 'AAPL', side: 'buy', quantity: '1', type: 'market' } as const

/** Waits until it holds, as long as a machine that is busy with other tests may need. */
export function eventually<T>(check: () => T): Promise<T> {
  return vi.waitFor(check, { timeout: 20_000, interval: 20 })
}
