/** How long callers wait, from their request to the attempt at a service, on every framework, over real sockets. */
import { createServer } from 'node:http'
import type { Caller } from '@holdfast/http'
import { VirtualClock } from '@holdfast/testing'
import { pipeline } from 'holdfast'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { FRAMEWORKS, type Framework, type Route } from '../support/frameworks.ts'
import { ask, hangUpOnce } from '../support/raw-http.ts'

/** A service that takes requests and answers none, and what it has seen. */
async function hangingService() {
  const seen = { requests: 0, givenUp: 0 }
  const server = createServer((request) => {
    seen.requests++
    request.socket.once('close', () => seen.givenUp++)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the service listens on no port')
  return { url: `http://127.0.0.1:${address.port}/`, seen }
}

/** Whether a caller has gone once what is heard of its connection must have been. */
async function goneAfterTurns({ signal }: Caller): Promise<string> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  return `gone: ${signal.aborted}`
}

/** An application in front of such a service: `GET /read` and `POST /order`, in their callers' names. */
async function applicationInFront({ serve }: Framework) {
  const clock = new VirtualClock()
  const { url, seen } = await hangingService()
  const service = pipeline({ name: 'broker', timeoutMs: 30_000, clock })
  const call = (options: Parameters<typeof service.execute>[1]) =>
    service.execute(async ({ signal }) => (await fetch(url, { signal })).text(), options)
  const routes: Route[] = [
    { method: 'GET', path: '/read', answer: (_body, caller: Caller) => call(caller.forRead()) },
    { method: 'POST', path: '/order', answer: (_body, caller: Caller) => call(caller.forOrder()) },
    { method: 'POST', path: '/patient', answer: (_body, caller: Caller) => goneAfterTurns(caller) },
    { method: 'GET', path: '/left', answer: (_body, caller: Caller) => String(caller.remainingMs()) },
  ]
  const port = await serve({ deadlines: { clock, maxDeadlineMs: 10_000 }, routes })
  return { port, clock, seen, service }
}

const within = (milliseconds: string) => ({ 'x-request-deadline-ms': milliseconds })

describe.each(FRAMEWORKS)('a deadline on $name', (framework) => {
  it('ends the attempt at the service, and is answered 504', async () => {
    const { port, clock, seen } = await applicationInFront(framework)
    const asked = ask(port, { path: '/read', headers: within('250') })
    await vi.waitFor(() => expect(seen.requests).toBe(1))
    await clock.advance(249)
    expect(seen.givenUp).toBe(0)
    await clock.advance(1)
    expect(await asked).toMatchObject({ status: 504 })
    await vi.waitFor(() => expect(seen.givenUp).toBe(1))
  })

  it("does not lengthen the service's own limit", async () => {
    const { port, clock, seen } = await applicationInFront(framework)
    const asked = ask(port, { path: '/read' })
    await vi.waitFor(() => expect(seen.requests).toBe(1))
    await clock.advance(30_000)
    expect(await asked).toMatchObject({ status: 504, body: expect.stringContaining('urn:holdfast:timeout') })
  })

  it('is believed up to a limit, and is none where none is named', async () => {
    const { port } = await applicationInFront(framework)
    const left = async (headers = {}) => (await ask(port, { path: '/left', headers })).body
    expect([await left(within('250')), await left(within('9999999')), await left()]).toEqual([
      '250',
      '10000',
      'Infinity',
    ])
  })

  it('that has passed already is answered 504 before anything is done', async () => {
    const { port, seen } = await applicationInFront(framework)
    const { status, headers, body } = await ask(port, { path: '/read', headers: within('0') })
    expect([status, seen.requests]).toEqual([504, 0])
    expect(headers['content-type']).toMatch(/^application\/problem\+json/)
    expect(JSON.parse(body)).toMatchObject({ type: 'urn:holdfast:deadline-passed' })
  })

  it.each(['soon', '-1', '1.5', '1e3', '250, 250', '99999999999', ' '.repeat(10)])(
    'of %j is a mistake of the client: 400',
    async (value) => {
      const { port, seen } = await applicationInFront(framework)
      const { status } = await ask(port, { path: '/read', headers: within(value) })
      expect([status, seen.requests]).toEqual([400, 0])
    },
  )
})

describe.each(FRAMEWORKS)('a client of $name that hangs up', (framework) => {
  it('takes its read back from the service', async () => {
    const { port, seen, service } = await applicationInFront(framework)
    await hangUpOnce(port, 'GET /read HTTP/1.1\r\nhost: a\r\n\r\n', () => seen.requests === 1)
    await vi.waitFor(() => expect(seen.givenUp).toBe(1))
    expect(service.totals).toMatchObject({ cancelled: 1, inFlight: 0 })
  })

  it('is not one that has sent all of its request and waits', async () => {
    const { port } = await applicationInFront(framework)
    const headers = { 'content-type': 'application/json' }
    const asked = await ask(port, { method: 'POST', path: '/patient', headers, body: '{"symbol":"AAPL"}' })
    expect(asked).toMatchObject({ status: 200, body: expect.stringContaining('gone: false') })
  })

  it('takes the reads back that wait in one packet', async () => {
    const { port, seen } = await applicationInFront(framework)
    await hangUpOnce(port, 'GET /read HTTP/1.1\r\nhost: a\r\n\r\n'.repeat(3), () => seen.requests === 3)
    await vi.waitFor(() => expect(seen.givenUp).toBe(3))
  })

  it('does not take back an order that was sent', async () => {
    const { port, clock, seen, service } = await applicationInFront(framework)
    await hangUpOnce(port, 'POST /order HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n', () => seen.requests === 1)
    // What hangs up later has been seen to leave by then.
    await hangUpOnce(port, 'GET /read HTTP/1.1\r\nhost: a\r\n\r\n', () => seen.requests === 2)
    await vi.waitFor(() => expect(seen.givenUp).toBe(1))
    expect(service.totals).toMatchObject({ cancelled: 1, inFlight: 1 })
    await clock.advance(30_000)
    await vi.waitFor(() => expect(seen.givenUp).toBe(2))
  })
})
