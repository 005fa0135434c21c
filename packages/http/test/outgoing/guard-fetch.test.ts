/** What is particular to `fetch`: answers that are objects of their own, and bodies that come later. */
import { type Fetch, guardFetch } from '@holdfast/http/fetch'
import { TimeoutError } from 'holdfast'
import { fetch as undiciFetch } from 'undici'
import { expect, it, vi } from 'vitest'
import { guarded, type Step, scripted } from '../support/scripted-service.ts'

const fine: Step = { status: 200, body: '{"symbol":"AAPL"}', headers: { 'content-type': 'application/json' } }
const busy: Step = { status: 503, body: 'busy' }
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

/** Sends its headers and the first half of its body, and the rest when it is told to. */
function inHalves(): { readonly step: Step; readonly finish: () => void } {
  let finish = (): void => {}
  const step: Step = (_request, response) => {
    response.writeHead(200, { 'content-length': 8 }).write('half')
    finish = () => response.end('half')
  }
  return { step, finish: () => finish() }
}

it('hands out the answer that fetch has made, and not a copy', async () => {
  const { service } = guarded()
  const target = await scripted(fine)
  const { url } = await scripted({ status: 302, headers: { location: `${target.url}/there` } })
  const response = await guardFetch(fetch, service)(url)
  expect(response).toBeInstanceOf(Response)
  expect([response.url, response.redirected, response.ok]).toEqual([`${target.url}/there`, true, true])
  expect(await response.json()).toEqual({ symbol: 'AAPL' })
  expect(response.bodyUsed).toBe(true)
})

it('hands it out when its headers are there, and keeps the slot until its body has been read', async () => {
  const { service } = guarded()
  const { step, finish } = inHalves()
  const { url } = await scripted(step)
  const response = await guardFetch(fetch, service)(url)
  const text = response.text()
  expect(service.bulkhead?.snapshot().active).toBe(1)
  finish()
  expect(await text).toBe('halfhalf')
  await vi.waitFor(() => expect(service.bulkhead?.snapshot().active).toBe(0), 5_000)
})

it.each([
  ['part by part', readByParts],
  ['into another stream', (response: Response) => response.body?.pipeTo(new WritableStream())],
  ['as bytes', (response: Response) => response.arrayBuffer()],
  ['as a blob', (response: Response) => response.blob()],
  ['in a copy too', async (response: Response) => [await response.clone().text(), await response.text()]],
  ['not to its end', (response: Response) => response.body?.cancel()],
])('sees the end of a body that is read %s', async (_how, read) => {
  const { service } = guarded()
  const { url } = await scripted(fine)
  await read(await guardFetch(fetch, service)(url))
  await vi.waitFor(
    () => expect(service.snapshot()).toMatchObject({ calls: { succeeded: 1 }, bulkhead: { active: 0 } }),
    5_000,
  )
})

it('does not wait for the body of an answer to HEAD, or of a 204', async () => {
  const { service } = guarded()
  const { url } = await scripted({ status: 200 }, { status: 204 })
  const guardedFetch = guardFetch(fetch, service)
  await guardedFetch(url, { method: 'HEAD' })
  await guardedFetch(url)
  await vi.waitFor(() => expect(service.snapshot().calls.succeeded).toBe(2), 5_000)
})

it('gives the slot back when nobody begins to read for a second; the body is still there then', async () => {
  const { service, clock } = guarded()
  const { url } = await scripted(fine)
  const response = await guardFetch(fetch, service, { clock })(url)
  await clock.advance(999)
  expect(service.bulkhead?.snapshot().active).toBe(1)
  await clock.advance(1)
  expect(service.snapshot()).toMatchObject({ calls: { succeeded: 1 }, bulkhead: { active: 0 } })
  expect(await response.text()).toBe('{"symbol":"AAPL"}')
})

it('ends a body that comes too slowly: its reader is told, the service judged, nothing repeated', async () => {
  const { service, clock } = guarded({ attemptTimeoutMs: 500 })
  const { url, seen } = await scripted(inHalves().step, fine)
  const text = rejection((await guardFetch(fetch, service, { clock })(url)).text())
  await clock.advance(500)
  expect(await text).toBeInstanceOf(TimeoutError)
  expect([seen.length, service.circuitBreaker?.failureCount]).toEqual([1, 1])
  expect(service.snapshot().calls).toMatchObject({ failed: 1, retries: 0 })
})

it('lets the caller give up while he reads', async () => {
  const { service } = guarded()
  const { url } = await scripted(inHalves().step)
  const controller = new AbortController()
  const response = await guardFetch(fetch, service)(url, { signal: controller.signal })
  const text = rejection(response.text())
  controller.abort(new Error('enough'))
  expect(await text).toMatchObject({ message: 'enough' })
  await vi.waitFor(
    () => expect(service.snapshot()).toMatchObject({ calls: { cancelled: 1 }, bulkhead: { active: 0 } }),
    5_000,
  )
})

it('hands out a refusal with all that can be read of it, more than was read ahead too', async () => {
  const { service } = guarded({ retry: { maxRetries: 1 } })
  const long = 'x'.repeat(300_000)
  const { url } = await scripted(busy, { status: 503, body: long, headers: { 'content-type': 'text/plain' } })
  const response = await guardFetch(fetch, service)(url)
  const copy = response.clone()
  expect([response.status, response.bodyUsed, copy.status]).toEqual([503, false, 503])
  expect([(await copy.text()).length, (await response.blob()).size]).toEqual([300_000, 300_000])
  expect(response.bodyUsed).toBe(true)
  expect(await rejection(response.text())).toBeInstanceOf(TypeError)
})

it('does not wait longer than a second for the body of a refusal, and repeats', async () => {
  const { service, clock } = guarded()
  const slow: Step = (_request, response) => void response.writeHead(503, { 'content-length': 10 }).write('x')
  const { url, seen } = await scripted(slow, fine)
  const answer = guardFetch(fetch, service, { clock })(url)
  await vi.waitFor(() => expect(clock.pendingTimers).toBe(2), 5_000)
  await clock.advance(1_000)
  expect((await answer).status).toBe(200)
  expect(seen).toHaveLength(2)
})

it('takes a Request, with its method, headers, body and signal', async () => {
  const { service } = guarded()
  const { url, seen } = await scripted({ status: 500 })
  const controller = new AbortController()
  const request = new Request(url, {
    method: 'POST',
    body: 'order',
    headers: { 'x-desk': '7' },
    signal: controller.signal,
  })
  expect((await guardFetch(fetch, service, { idempotencyKey: true })(request)).status).toBe(500)
  expect(seen).toMatchObject([{ method: 'POST', body: 'order', headers: { 'x-desk': '7' } }])
  controller.abort()
  expect(await rejection(guardFetch(fetch, service)(new Request(url, { signal: controller.signal })))).toMatchObject({
    name: 'AbortError',
  })
})

it('keeps a stream that was not read for the next attempt', async () => {
  const { service } = guarded()
  const { url, seen } = await scripted(fine)
  let attempts = 0
  // A network that fails before anything is sent.
  const flaky: Fetch = (input, init) =>
    ++attempts === 1
      ? Promise.reject(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }))
      : fetch(input, init)
  const body = new Blob(['a stream']).stream()
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', body, duplex: 'half' }
  expect((await guardFetch(flaky, service)(url, init)).status).toBe(200)
  expect([attempts, seen[0]?.body]).toEqual([2, 'a stream'])
})

it('guards another fetch too, with answers of its own kind', async () => {
  const { service } = guarded()
  const { url } = await scripted(busy, fine)
  const other: unknown = undiciFetch
  if (!isFetch(other)) throw new Error('undici has a fetch')
  const response = await guardFetch(other, service)(url)
  expect(await response.json()).toEqual({ symbol: 'AAPL' })
  await vi.waitFor(
    () => expect(service.snapshot()).toMatchObject({ calls: { succeeded: 1 }, bulkhead: { active: 0 } }),
    5_000,
  )
})

it('hands out one of two answers when the service hedges, and gives the other up', async () => {
  const { service, clock } = guarded({ hedge: { delayMs: 50 } })
  let closed = 0
  const hang: Step = (request) => void request.socket.on('close', () => closed++)
  const { url, seen } = await scripted(hang, fine)
  const answer = guardFetch(fetch, service, { clock })(url)
  await vi.waitFor(() => expect(seen).toHaveLength(1), 5_000)
  await clock.advance(50)
  expect(await (await answer).text()).toBe('{"symbol":"AAPL"}')
  await vi.waitFor(() => expect([seen.length, closed]).toEqual([2, 1]), 5_000)
  expect(service.bulkhead?.snapshot().active).toBe(0)
})

async function readByParts({ body }: Response): Promise<void> {
  const reader = body?.getReader()
  for (let part = await reader?.read(); part !== undefined && !part.done; part = await reader?.read());
}

function isFetch(value: unknown): value is Fetch {
  return typeof value === 'function'
}
