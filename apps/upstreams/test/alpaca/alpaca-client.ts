import { Alpaca } from '@alpacahq/alpaca-trade-api'

/** The real SDK in front of the stand-in, without retries and limits of its own. */
export function openAlpaca(url: string, { secret = 'secret', timeoutMs = 10_000 } = {}): Alpaca {
  return new Alpaca({
    keyId: 'key',
    secret,
    timeoutMs,
    retry: false,
    rateLimit: false,
    fetchApi: (input, init) => {
      const meant = new URL(String(input))
      return fetch(`${url}${meant.pathname}${meant.search}`, init)
    },
  })
}

/** Where the stand-in's trade updates are. */
export function streamUrl(url: string): string {
  return `${url.replace('http', 'ws')}/stream`
}
