/** The three clients that there are guards for, behind one face. */

import { Readable } from 'node:stream'
import { guardAxios } from '@holdfast/http/axios'
import { type GuardOptions, guardFetch } from '@holdfast/http/fetch'
import { guardUndici } from '@holdfast/http/undici'
import { create } from 'axios'
import type { Service } from 'holdfast'
import { Agent, interceptors, request as undiciRequest } from 'undici'
import { onTestFinished } from 'vitest'

/** A request. */
export interface Outgoing {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Sent as a stream, which can be read only once. */
  readonly stream?: AsyncIterable<string>
  readonly signal?: AbortSignal
}

/** What came back. */
export interface Incoming {
  readonly status: number
  readonly body: string
  readonly header: (name: string) => string | undefined
}

/** A guarded client. */
export type Send = (url: string, request?: Outgoing) => Promise<Incoming>

/** A kind of client. */
export interface Client {
  readonly name: string
  guard(service: Service, options?: GuardOptions): Send
}

const throughFetch: Client = {
  name: 'fetch',
  guard: (service, options) => {
    const guarded = guardFetch(fetch, service, options)
    return async (url, { stream, ...request } = {}) => {
      const streamed = stream === undefined ? {} : { body: streamOf(stream), duplex: 'half' }
      const response = await guarded(url, { ...request, ...streamed })
      const header = (name: string): string | undefined => response.headers.get(name) ?? undefined
      return { status: response.status, body: await response.text(), header }
    }
  },
}

const throughUndici: Client = {
  name: 'undici',
  guard: (service, options) => {
    const agent = new Agent()
    onTestFinished(() => agent.destroy())
    const dispatcher = agent.compose(interceptors.redirect({ maxRedirections: 5 }), guardUndici(service, options))
    return async (url, { stream, method = 'GET', ...request } = {}) => {
      const streamed = stream === undefined ? {} : { body: Readable.from(stream) }
      const { statusCode, headers, body } = await undiciRequest(url, { dispatcher, method, ...request, ...streamed })
      return { status: statusCode, body: await body.text(), header: (name) => headers[name]?.toString() }
    }
  },
}

const throughAxios: Client = {
  name: 'axios',
  guard: (service, options) => {
    const client = create({
      adapter: guardAxios(service, options),
      responseType: 'text',
      validateStatus: () => true,
    })
    return async (url, { stream, body, method = 'GET', ...request } = {}) => {
      const data = stream === undefined ? body : Readable.from(stream)
      const answer = await client.request<string>({
        url,
        method,
        ...request,
        data,
        maxRedirects: stream === undefined ? 5 : 0,
      })
      const header = (name: string): string | undefined => answer.headers[name]?.toString()
      return { status: answer.status, body: answer.data, header }
    }
  },
}

/** Every client that there is a guard for. */
export const CLIENTS: readonly Client[] = [throughFetch, throughUndici, throughAxios]

function streamOf(parts: AsyncIterable<string>): ReadableStream<Uint8Array> {
  const iterator = parts[Symbol.asyncIterator]()
  const encoder = new TextEncoder()
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await iterator.next()
      if (done) controller.close()
      else controller.enqueue(encoder.encode(value))
    },
  })
}
