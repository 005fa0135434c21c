/** A service over a real socket that answers as a test has written. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { VirtualClock } from '@holdfast/testing'
import { createResilience, type ResilienceEvent, type Service, type ServiceOptions } from 'holdfast'
import { onTestFinished } from 'vitest'

/** A request as it arrived. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  /** Empty until it has been read. */
  body: string
}

/** An answer, or what is done instead of answering. */
export type Step =
  | {
      readonly status: number
      readonly headers?: Readonly<Record<string, string>>
      readonly body?: string
    }
  | ((request: IncomingMessage, response: ServerResponse) => void)

/** A service that is started for one test. */
export interface ScriptedService {
  readonly url: string
  readonly seen: readonly Seen[]
  /** How many connections there have been. */
  readonly connections: () => number
}

/** Answers one request after the other, the last answer again and again; reads every body to its end first. */
export async function scripted(...steps: readonly Step[]): Promise<ScriptedService> {
  const seen: Seen[] = []
  let connections = 0
  const server = createServer((request, response) => {
    const step = steps[Math.min(seen.length, steps.length - 1)] ?? { status: 500 }
    const { method = '', url = '', headers } = request
    const arrived: Seen = { method, url, headers, body: '' }
    seen.push(arrived)
    request.setEncoding('utf8').on('data', (part) => {
      arrived.body += part
    })
    request.on('end', () => {
      if (typeof step === 'function') return step(request, response)
      const { status, headers: own = {}, body = '' } = step
      response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...own }).end(body)
    })
  })
  server.on('connection', () => connections++)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}`, seen, connections: () => connections }
}

/** A guarded service whose waits between attempts take no time: a virtual clock is moved on by each of them. */
export interface Guarded {
  readonly service: Service
  readonly clock: VirtualClock
  readonly events: readonly ResilienceEvent[]
  /** How long each wait between attempts would have been, in milliseconds. */
  readonly delays: () => number[]
}

/** Plenty of tokens and slots, unless told otherwise. */
export function guarded(options: ServiceOptions = {}): Guarded {
  const clock = new VirtualClock()
  const resilience = createResilience({
    clock,
    services: {
      upstream: {
        profile: 'BROKER',
        rateLimiter: { tokensPerSecond: 100, burstSize: 100, criticalShare: 0 },
        ...options,
        retry: { jitter: 'none', ...(options.retry || {}) },
      },
    },
  })
  const events: ResilienceEvent[] = []
  resilience.events.subscribe((event) => {
    events.push(event)
    if (event.type === 'retry') setImmediate(() => void clock.advance(event.delayMs))
  })
  const delays = (): number[] => events.flatMap((event) => (event.type === 'retry' ? [event.delayMs] : []))
  return { service: resilience.service('upstream'), clock, events, delays }
}
