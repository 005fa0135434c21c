/** `fetch` over the loopback address, bare and behind the guards of a service. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { guardFetch } from '@holdfast/http/fetch'
import { createResilience } from 'holdfast'
import type { Contestant, Prepared, Suite } from '../suite.ts'
import { UNLIMITED } from './service.ts'

/** The server has a thread of its own. It runs as long as one of those who ask it does. */
class LoopbackServer {
  #users = 0
  #url: Promise<string> | undefined
  #worker: Worker | undefined

  async use(fetcher: (url: string) => () => Promise<unknown>): Promise<Prepared> {
    this.#users++
    this.#url ??= this.#start()
    const call = fetcher(await this.#url)
    return { call, dispose: () => this.#leave() }
  }

  async #start(): Promise<string> {
    this.#worker = new Worker(new URL('./loopback-server.ts', import.meta.url))
    const [url] = await once(this.#worker, 'message')
    return String(url)
  }

  #leave(): void {
    if (--this.#users > 0) return
    void this.#worker?.terminate()
    this.#worker = undefined
    this.#url = undefined
  }
}

const server = new LoopbackServer()

const read = async (response: Promise<Response>): Promise<unknown> => (await response).json()

const holdfast: Contestant = {
  name: 'holdfast',
  package: 'holdfast',
  prepare: () => {
    const service = createResilience({
      services: {
        loopback: { profile: 'DATA_PROVIDER', rateLimiter: { tokensPerSecond: UNLIMITED, burstSize: UNLIMITED } },
      },
    }).service('loopback')
    const guarded = guardFetch(fetch, service)
    return server.use((url) => () => read(guarded(url)))
  },
}

/** What `guardFetch` costs. */
export const guardedFetch: Suite = {
  name: 'guard-fetch',
  title: 'fetch over the loopback address, one after the other',
  note: 'A GET that is answered with 120 bytes of JSON by a server in a thread of its own, read as JSON. holdfast has all patterns of the profile DATA_PROVIDER: both time limits, retry, circuit breaker, rate limiter, bulkhead. The other does no more than to give up in time, as a bare fetch should.',
  shape: 'fulfils',
  baseline: { name: 'bare fetch', prepare: () => server.use((url) => () => read(fetch(url))) },
  contestants: [
    holdfast,
    {
      name: 'fetch with AbortSignal.timeout',
      prepare: () => server.use((url) => () => read(fetch(url, { signal: AbortSignal.timeout(10_000) }))),
    },
  ],
}
