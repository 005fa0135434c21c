/** What is particular to axios: it makes errors of answers, and is cancelled in its own way. */
import { guardAxios } from '@holdfast/http/axios'
import axios, { AxiosError, create, isCancel } from 'axios'
import { CircuitOpenError } from 'holdfast'
import { expect, it, vi } from 'vitest'
import { guarded, type Step, scripted } from '../support/scripted-service.ts'

const fine: Step = { status: 200, body: '{"a":1}', headers: { 'content-type': 'application/json' } }
const rejection = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  )

it('rejects with the error that axios makes of an answer, after the retries', async () => {
  const { service } = guarded()
  const { url, seen } = await scripted({ status: 503, body: 'busy' })
  const error = await rejection(create({ adapter: guardAxios(service) }).get(url))
  expect(error).toBeInstanceOf(AxiosError)
  expect(error).toMatchObject({ status: 503, response: { data: 'busy' } })
  expect(seen).toHaveLength(3)
})

it('reads answers as axios does', async () => {
  const { service } = guarded()
  const { url, seen } = await scripted({ status: 500 }, fine)
  const client = create({ adapter: guardAxios(service, { adapter: 'fetch' }), baseURL: url })
  expect((await client.get('/x', { params: { page: 2 } })).data).toEqual({ a: 1 })
  expect(seen.map((request) => request.url)).toEqual(['/x?page=2', '/x?page=2'])
})

it('repeats a read whose answer broke off', async () => {
  const { service } = guarded()
  const half: Step = (request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('half')
    setImmediate(() => request.socket.destroy())
  }
  const { url } = await scripted(half, fine)
  expect((await create({ adapter: guardAxios(service) }).get(url)).data).toEqual({ a: 1 })
})

it('lets its own refusals through as they are', async () => {
  const { service } = guarded()
  const { url } = await scripted(fine)
  service.circuitBreaker?.trip('maintenance')
  expect(await rejection(create({ adapter: guardAxios(service) }).get(url))).toBeInstanceOf(CircuitOpenError)
})

it('is cancelled as axios is, before an attempt too', async () => {
  const { service } = guarded({ rateLimiter: { tokensPerSecond: 0.001, burstSize: 1 } })
  const { url, seen } = await scripted(fine)
  const client = create({ adapter: guardAxios(service) })
  await client.get(url)
  const controller = new AbortController()
  const waiting = rejection(client.get(url, { signal: controller.signal }))
  await vi.waitFor(() => expect(service.rateLimiter?.snapshot().queued ?? 0).toBeGreaterThanOrEqual(0), 5_000)
  controller.abort()
  expect(isCancel(await waiting)).toBe(true)
  expect(seen).toHaveLength(1)
})

it('is cancelled by a token of old as by a signal: that is no failure of the service', async () => {
  const { service } = guarded()
  const { url, seen } = await scripted(() => undefined)
  const source = axios.CancelToken.source()
  const asked = rejection(create({ adapter: guardAxios(service) }).get(url, { cancelToken: source.token }))
  await vi.waitFor(() => expect(seen).toHaveLength(1))
  source.cancel('no longer wanted')
  const error = await asked
  expect([isCancel(error), error]).toMatchObject([true, { message: 'no longer wanted' }])
  expect(seen).toHaveLength(1)
  expect(service.snapshot()).toMatchObject({ calls: { cancelled: 1, failed: 0 } })
})

it('does not stay with a token that serves many requests, whose signal still holds beside it', async () => {
  const { service } = guarded()
  const { url } = await scripted(fine, () => undefined)
  const { token } = axios.CancelToken.source()
  const unsubscribe = vi.spyOn(token, 'unsubscribe')
  const client = create({ adapter: guardAxios(service), cancelToken: token })
  await client.get(url)
  expect(unsubscribe).toHaveBeenCalledTimes(1)
  const controller = new AbortController()
  const asked = rejection(client.get(url, { signal: controller.signal }))
  controller.abort()
  expect(isCancel(await asked)).toBe(true)
})

it('hands out an answer that is a stream when its headers are there', async () => {
  const { service } = guarded()
  const { url } = await scripted({ status: 503, body: 'busy' }, { status: 200, body: 'streamed' })
  const { data } = await create({ adapter: guardAxios(service), responseType: 'stream' }).get(url)
  let text = ''
  for await (const part of data) text += part
  expect(text).toBe('streamed')
})
