import type { Server } from 'node:http'
import { connect } from 'node:net'
import { type FastifyRateLimitOptions, rateLimit } from '@holdfast/http/fastify'
import { type FastifyHttpOptions, type FastifyInstance, fastify } from 'fastify'
import { onTestFinished } from 'vitest'

/** A limited application on a free port, closed when the test is over. */
export interface Served {
  readonly app: FastifyInstance
  readonly url: string
  readonly port: number
}

/** Starts an application whose only route is `GET /`, limited as told; more routes come from `add`. */
export async function serve(
  options: FastifyRateLimitOptions,
  {
    add,
    server,
    host = '127.0.0.1',
  }: { add?: (app: FastifyInstance) => void; server?: FastifyHttpOptions<Server>; host?: string } = {},
): Promise<Served> {
  const app = fastify({ forceCloseConnections: true, ...server })
  onTestFinished(() => app.close())
  await app.register(rateLimit, options)
  app.get('/', () => 'hello')
  add?.(app)
  const url = await app.listen({ host, port: 0 })
  return { app, url, port: Number(new URL(url).port) }
}

/** Sends text as it is over a socket, in one write, and returns all that comes back until the other side closes. */
export function exchange(port: number, text: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    let answer = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      answer += chunk
    })
    socket.on('end', () => resolve(answer)).on('error', reject)
  })
}

/** The statuses of one answer after another, in order. */
export function statusesOf(answers: string): number[] {
  return [...answers.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))
}

/** The statuses of requests with these headers, sent one after another. */
export async function statuses(url: string, requests: readonly Record<string, string>[]): Promise<number[]> {
  const seen: number[] = []
  for (const headers of requests) {
    const answer = await fetch(url, { headers })
    await answer.arrayBuffer()
    seen.push(answer.status)
  }
  return seen
}
