/** One suite for the guards of fetch, undici and axios, over real sockets. */
import { createServer } from 'node:net'
import { CircuitOpenError, describeFailure, RateLimitedError, RetriesExhaustedError, TimeoutError } from 'holdfast'
import { describe, expect, it, vi } from 'vitest'
import { CLIENTS } from '../support/outgoing-clients.ts'
import { guarded, type Step, scripted } from '../support/scripted-service.ts'

const fine: Step = { status: 200, body: 'fine' }
const busy: Step = { status: 503, body: 'busy' }
const hang: Step = () => {}
const breakOff: Step = (request) => void request.socket.destroy()
const breakOffInBody: Step = (request, response) => {
  response.writeHead(200, { 'content-length': 100 }).write('half')
  setImmediate(() => request.socket.destroy())
}
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

describe.each(CLIENTS)('$name behind a service', ({ name, guard }) => {
  it('hands out an answer as it is', async () => {
    const { service } = guarded()
    const { url, seen } = await scripted({ status: 201, body: 'made', headers: { 'x-request-id': 'r1' } })
    const answer = await guard(service)(`${url}/orders`, { method: 'POST', body: 'buy', headers: { 'x-desk': '7' } })
    expect([answer.status, answer.body, answer.header('x-request-id')]).toEqual([201, 'made', 'r1'])
    expect(seen).toMatchObject([{ method: 'POST', url: '/orders', body: 'buy', headers: { 'x-desk': '7' } }])
    await vi.waitFor(() => expect(service.snapshot().calls).toMatchObject({ started: 1, succeeded: 1 }), 5_000)
  })

  it.each([500, 502, 503, 504, 408, 429, 425])('repeats a read that was answered %i', async (status) => {
    const { service } = guarded()
    const { url, seen } = await scripted({ status, body: 'no' }, fine)
    expect(await guard(service)(url)).toMatchObject({ status: 200, body: 'fine' })
    expect(seen).toHaveLength(2)
  })

  it.each([400, 401, 403, 404, 409, 422, 501])('does not repeat a read that was answered %i', async (status) => {
    const { service } = guarded()
    const { url, seen } = await scripted({ status, body: 'no' })
    expect(await guard(service)(url)).toMatchObject({ status, body: 'no' })
    expect(seen).toHaveLength(1)
  })

  it('hands out the last answer when none was better, and its body and headers are there', async () => {
    const { service } = guarded()
    const { url, seen } = await scripted({ status: 503, body: 'first' }, { ...busy, headers: { 'x-node': '3' } })
    const answer = await guard(service)(url)
    expect([answer.status, answer.body, answer.header('x-node')]).toEqual([503, 'busy', '3'])
    expect(seen).toHaveLength(3)
    expect(service.snapshot().calls).toMatchObject({ failed: 1, retries: 2 })
  })

  it('counts what answers prove: a 500 is a failure, a 404 and a 429 are none', async () => {
    const { service } = guarded({ retry: { maxRetries: 0 } })
    const { url } = await scripted({ status: 404 }, { status: 500 }, { status: 429 })
    const send = guard(service)
    for (const failures of [0, 1, 1]) {
      await send(url)
      expect(service.circuitBreaker?.failureCount).toBe(failures)
    }
  })

  it('refuses without sending when the circuit is open', async () => {
    const { service } = guarded({ retry: { maxRetries: 0 } })
    const { url, seen } = await scripted(busy)
    const send = guard(service)
    for (let call = 0; call < 3; call++) await send(url)
    expect(await rejection(send(url))).toBeInstanceOf(CircuitOpenError)
    expect(seen).toHaveLength(3)
  })

  it.each(['429', '503'])(
    'waits as many seconds as the Retry-After of a %s says, whatever the method',
    async (status) => {
      const { service, delays } = guarded()
      const { url, seen } = await scripted({ status: Number(status), headers: { 'retry-after': '3' } }, fine)
      expect(await guard(service)(url, { method: 'POST', body: 'x' })).toMatchObject({ status: 200 })
      expect([seen.length, delays()]).toEqual([2, [3_000]])
    },
  )

  it.each([0, -600_000, 600_000])(
    'waits until the date in Retry-After, by a clock that is %d ms off',
    async (offMs) => {
      const { service, clock, delays } = guarded()
      const headersAt = (wallTime: number) => ({
        date: new Date(wallTime).toUTCString(),
        'retry-after': new Date(wallTime + 4_000).toUTCString(),
      })
      const { url } = await scripted({ status: 429, headers: headersAt(clock.wallTime() + offMs) }, fine)
      await guard(service)(url)
      expect(delays()).toEqual([4_000])
    },
  )

  it('lets no other request go before the time of a Retry-After', async () => {
    const { service } = guarded({
      retry: { maxRetries: 0 },
      rateLimiter: { tokensPerSecond: 100, burstSize: 100, maxWaitMs: 0 },
    })
    const { url, seen } = await scripted({ status: 429, headers: { 'retry-after': '30' } })
    const send = guard(service)
    await send(url)
    expect(await rejection(send(url))).toMatchObject({ constructor: RateLimitedError, retryAfterMs: 30_000 })
    expect(seen).toHaveLength(1)
  })

  it('learns what is left of the provider’s own limit from every answer', async () => {
    const { service } = guarded({ rateLimiter: { tokensPerSecond: 100, burstSize: 100, maxWaitMs: 0 } })
    const { url, seen } = await scripted({
      status: 200,
      headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '20' },
    })
    const send = guard(service)
    await send(url)
    expect(await rejection(send(url))).toMatchObject({ constructor: RateLimitedError, retryAfterMs: 20_000 })
    expect(seen).toHaveLength(1)
  })

  it('does not repeat a POST that may have happened', async () => {
    const { service } = guarded()
    const { url, seen } = await scripted({ status: 500, body: 'who knows' })
    expect(await guard(service)(url, { method: 'POST', body: 'order' })).toMatchObject({
      status: 500,
      body: 'who knows',
    })
    const broken = await scripted(breakOff)
    const error = await rejection(guard(service)(broken.url, { method: 'POST', body: 'order' }))
    expect(describeFailure(error).kind).toBe('may-have-happened')
    expect([seen.length, broken.seen.length]).toEqual([1, 1])
  })

  it('repeats a POST that was never sent', async () => {
    const { service } = guarded()
    const error = await rejection(
      guard(service)(`http://127.0.0.1:${await closedPort()}`, { method: 'POST', body: 'order' }),
    )
    expect(error).toBeInstanceOf(RetriesExhaustedError)
    expect(describeFailure(error).kind).toBe('never-sent')
    expect(service.snapshot().calls.retries).toBe(2)
  })

  it('repeats a POST that has an Idempotency-Key', async () => {
    const { service } = guarded()
    const { url, seen } = await scripted({ status: 500 }, fine)
    const request = { method: 'POST', body: 'order', headers: { 'Idempotency-Key': 'k1' } }
    expect(await guard(service)(url, request)).toMatchObject({ status: 200 })
    expect(seen.map(({ headers }) => headers['idempotency-key'])).toEqual(['k1', 'k1'])
  })

  it('gives a POST an Idempotency-Key on request, the same for all its attempts and another for the next', async () => {
    const { service } = guarded()
    const { url, seen } = await scripted({ status: 500 }, fine)
    const send = guard(service, { idempotencyKey: true })
    await send(url, { method: 'POST', body: 'one', headers: { 'x-desk': '7' } })
    await send(url, { method: 'POST', body: 'two' })
    await send(url)
    const [first, second, third, fourth] = seen.map(({ headers }) => headers['idempotency-key'])
    expect(first).toMatch(/^"[0-9a-f-]{36}"$/)
    expect([second, third === first, fourth]).toEqual([first, false, undefined])
    expect(seen[1]).toMatchObject({ body: 'one', headers: { 'x-desk': '7' } })
  })

  it('makes the key as it is told', async () => {
    const { service } = guarded()
    const { url, seen } = await scripted(fine)
    await guard(service, { idempotencyKey: () => 'mine' })(url, { method: 'PATCH', body: 'x' })
    expect(seen[0]?.headers['idempotency-key']).toBe('mine')
  })

  it('takes the user’s word for a call: its name, whether it may be repeated, what it costs', async () => {
    const { service, events } = guarded()
    const { url, seen } = await scripted({ status: 500 }, fine)
    const call = vi.fn(() => ({ operation: 'search', idempotent: true, cost: 7 }))
    await guard(service, { call })(`${url}/search`, { method: 'POST', body: 'q' })
    expect(call).toHaveBeenCalledExactlyOnceWith({ method: 'POST', url: `${url}/search` })
    expect([seen.length, events[0]]).toEqual([2, expect.objectContaining({ type: 'retry', operation: 'search' })])
    expect(service.rateLimiter?.snapshot().remaining).toBe(100 - 7)
  })

  it('fails with what the user’s code throws, and sends nothing', async () => {
    const { service } = guarded()
    const { url, seen } = await scripted(fine)
    const failing = guard(service, {
      call: () => {
        throw new Error('unknown route')
      },
    })
    expect(await rejection(failing(url))).toMatchObject({ message: 'unknown route' })
    expect(seen).toHaveLength(0)
  })

  it('sends a stream once: what was read is not repeated, even where the service refused it', async () => {
    const { service } = guarded()
    const { url, seen } = await scripted({ status: 429, body: 'slow down' }, fine)
    const answer = await guard(service)(url, { method: 'PUT', stream: parts('a', 'b') })
    expect(answer).toMatchObject({ status: 429, body: 'slow down' })
    expect(seen.map(({ body }) => body)).toEqual(['ab'])
  })

  it('counts a redirect once', async () => {
    const { service } = guarded()
    const target = await scripted(fine)
    const { url } = await scripted({ status: 302, headers: { location: target.url } })
    expect(await guard(service)(url)).toMatchObject({ status: 200, body: 'fine' })
    expect(service.rateLimiter?.snapshot().totals.admitted).toBe(1)
    await vi.waitFor(() => expect(service.snapshot().calls).toMatchObject({ started: 1, succeeded: 1 }), 5_000)
  })

  it('reads the body of a refused attempt, so that its connection serves the next', async () => {
    const { service } = guarded({ circuitBreaker: false, retry: { maxRetries: 3 } })
    const { url, seen, connections } = await scripted({ status: 503, body: 'x'.repeat(50_000) })
    expect((await guard(service)(url)).body).toHaveLength(50_000)
    expect(seen).toHaveLength(4)
    // axios without an agent asks over a new connection each time.
    if (name !== 'axios') expect(connections()).toBe(1)
  })

  it('gives up an attempt that hangs, closes its connection, and repeats what may be repeated', async () => {
    const { service, clock } = guarded({ attemptTimeoutMs: 1_000 })
    let closed = 0
    const { url, seen } = await scripted((request) => void request.socket.on('close', () => closed++), fine)
    const answer = guard(service)(url)
    await vi.waitFor(() => expect(seen).toHaveLength(1), 5_000)
    await clock.advance(1_000)
    expect(await answer).toMatchObject({ status: 200, body: 'fine' })
    await vi.waitFor(() => expect(closed).toBe(1), 5_000)
  })

  it('does not repeat a POST that hangs', async () => {
    const { service, clock } = guarded({ attemptTimeoutMs: 1_000 })
    const { url, seen } = await scripted(hang)
    const error = rejection(guard(service)(url, { method: 'POST', body: 'order' }))
    await vi.waitFor(() => expect(seen[0]?.body).toBe('order'), 5_000)
    await clock.advance(1_000)
    expect(await error).toBeInstanceOf(TimeoutError)
    expect(seen).toHaveLength(1)
  })

  it('ends at once when the caller gives up, while an attempt hangs and before the next', async () => {
    const { service } = guarded({ retry: { maxRetries: 0 } })
    const { url, seen } = await scripted(hang)
    const controller = new AbortController()
    const answer = rejection(guard(service)(url, { signal: controller.signal }))
    await vi.waitFor(() => expect(seen).toHaveLength(1), 5_000)
    controller.abort()
    expect(await answer).toMatchObject({ name: name === 'axios' ? 'CanceledError' : 'AbortError' })
    expect(service.snapshot().calls).toMatchObject({ cancelled: 1 })
    expect(service.circuitBreaker?.failureCount).toBe(0)
    expect(await rejection(guard(service)(url, { signal: controller.signal }))).toMatchObject({
      name: name === 'axios' ? 'CanceledError' : 'AbortError',
    })
    expect(seen).toHaveLength(1)
  })

  it('counts an answer that breaks off in its body', async () => {
    const { service } = guarded({ retry: { maxRetries: 0 } })
    const { url } = await scripted(breakOffInBody)
    expect(await rejection(guard(service)(url))).toBeInstanceOf(Error)
    await vi.waitFor(() => expect(service.circuitBreaker?.failureCount).toBe(1), 5_000)
    expect(service.bulkhead?.snapshot().active).toBe(0)
  })

  it('has given everything back when all is over', async () => {
    const { service, clock } = guarded({ attemptTimeoutMs: 1_000, retry: { maxRetries: 1 } })
    const { url } = await scripted(busy, fine, { status: 404, body: 'none' }, breakOff, fine)
    const send = guard(service)
    for (let call = 0; call < 4; call++) await rejection(send(url))
    await vi.waitFor(() => expect(service.bulkhead?.snapshot()).toMatchObject({ active: 0, queued: 0 }), 5_000)
    await clock.advance(1_000)
    expect(clock.pendingTimers).toBe(0)
  })

  it('rejects options that make no sense', () => {
    const { service } = guarded()
    const misspelt: object = { idempotencyKeys: true }
    expect(() => guard(service, misspelt)).toThrow(/idempotencyKeys/)
  })
})

async function* parts(...texts: string[]): AsyncGenerator<string> {
  yield* texts
}
