/** What is particular to undici: it tells when a request is written, and hands out answers part by part. */
import { createServer } from 'node:http'
import { guardUndici } from '@holdfast/http/undici'
import { createResilience, TimeoutError } from 'holdfast'
import { Agent, Pool, request, fetch as undiciFetch, upgrade } from 'undici'
import { expect, it, onTestFinished, vi } from 'vitest'
import { guarded, type Step, scripted } from '../support/scripted-service.ts'

const fine: Step = { status: 200, body: 'fine' }
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

it('knows that a POST which waited for a connection in vain was never sent, and repeats it', async () => {
  const { service, clock } = guarded({ attemptTimeoutMs: 1_000, circuitBreaker: false })
  const steps: Step[] = [() => {}, fine]
  const { url, seen } = await scripted(...steps)
  const pool = new Pool(url, { connections: 1 })
  onTestFinished(() => pool.destroy())
  const unguarded = new AbortController()
  const first = rejection(pool.request({ method: 'GET', path: '/', signal: unguarded.signal }))
  await vi.waitFor(() => expect(seen).toHaveLength(1), 5_000)
  const order = request(url, { dispatcher: pool.compose(guardUndici(service)), method: 'POST', body: 'order' })
  await vi.waitFor(() => expect(service.bulkhead?.snapshot().active).toBe(1), 5_000)
  await clock.advance(1_000)
  unguarded.abort()
  await first
  expect((await order).statusCode).toBe(200)
  await vi.waitFor(() => expect(seen.map(({ body }) => body)).toEqual(['', 'order']), 5_000)
  expect(service.snapshot().calls.retries).toBe(1)
})

it('serves undici’s own fetch', async () => {
  const { service } = guarded()
  const { url, seen } = await scripted({ status: 503 }, fine)
  const agent = new Agent()
  onTestFinished(() => agent.destroy())
  const response = await undiciFetch(url, { dispatcher: agent.compose(guardUndici(service)) })
  expect([response.status, await response.text(), seen.length]).toEqual([200, 'fine', 2])
})

it('gives up the request when its reader does, in the middle of the body', async () => {
  const { service } = guarded()
  let closed = 0
  const { url } = await scripted((incoming, response) => {
    incoming.socket.on('close', () => closed++)
    response.writeHead(200, { 'content-length': 100 }).write('half')
  })
  const agent = new Agent()
  onTestFinished(() => agent.destroy())
  const { body } = await request(url, { dispatcher: agent.compose(guardUndici(service)) })
  body.on('error', () => {}).destroy()
  await vi.waitFor(() => expect([closed, service.bulkhead?.snapshot().active]).toEqual([1, 0]), 5_000)
})

it('passes a long refusal on as it comes, counts it, and does not repeat it', async () => {
  const { service } = guarded()
  const { url, seen } = await scripted({ status: 503, body: 'x'.repeat(300_000) })
  const agent = new Agent()
  onTestFinished(() => agent.destroy())
  const { statusCode, body } = await request(url, { dispatcher: agent.compose(guardUndici(service)) })
  expect([statusCode, (await body.text()).length, seen.length]).toEqual([503, 300_000, 1])
  expect(service.circuitBreaker?.failureCount).toBe(1)
})

it('holds a reader’s pace: a body that nobody reads does not pile up', async () => {
  const { service } = guarded({ attemptTimeoutMs: 60_000 })
  const whole = 20_000_000
  const { url } = await scripted({ status: 200, body: 'x'.repeat(whole) })
  const agent = new Agent()
  onTestFinished(() => agent.destroy())
  const { body } = await request(url, { dispatcher: agent.compose(guardUndici(service)) })
  let length = 0
  for await (const part of body) length += part.length
  expect(length).toBe(whole)
})

it('ends a body that comes too slowly with a TimeoutError', async () => {
  const { service, clock } = guarded({ attemptTimeoutMs: 500 })
  const { url } = await scripted(
    (_incoming, response) => void response.writeHead(200, { 'content-length': 9 }).write('x'),
  )
  const agent = new Agent()
  onTestFinished(() => agent.destroy())
  const { body } = await request(url, { dispatcher: agent.compose(guardUndici(service)) })
  const text = rejection(body.text())
  await clock.advance(500)
  expect(await text).toBeInstanceOf(TimeoutError)
  expect(service.circuitBreaker?.failureCount).toBe(1)
})

it('passes an upgrade on as it is', async () => {
  const server = createServer().on('upgrade', (_incoming, socket) => {
    socket.end('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: chat\r\n\r\n')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const service = createResilience({ services: { chat: { profile: 'INTERNAL' } } }).service('chat')
  const agent = new Agent()
  onTestFinished(() => agent.destroy())
  const dispatcher = agent.compose(guardUndici(service))
  const { headers, socket } = await upgrade(`http://127.0.0.1:${port}`, { dispatcher, protocol: 'chat' })
  socket.destroy()
  expect([headers.upgrade, service.snapshot().calls.started]).toEqual(['chat', 0])
})
