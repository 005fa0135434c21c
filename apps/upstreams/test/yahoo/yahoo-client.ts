import { onTestFinished, vi } from 'vitest'
import YahooFinance from 'yahoo-finance2'

export type YahooClient = InstanceType<typeof YahooFinance>

/** A `fetch` that goes to the stand-in and says which host was meant. */
export function yahooTransport(url: string, headers: Readonly<Record<string, string>> = {}): typeof fetch {
  return (input, init) => {
    const meant = new URL(String(input))
    const told = new Headers(init?.headers)
    told.set('x-orig-host', meant.host)
    for (const [name, value] of Object.entries(headers)) told.set(name, value)
    return fetch(`${url}${meant.pathname}${meant.search}`, { ...init, headers: told })
  }
}

const SILENT = { info: ignore, warn: ignore, error: ignore, debug: ignore, dir: ignore }

/** The real SDK in front of the stand-in, with cookies of its own. It prints addresses that failed: not here. */
export function openYahoo(url: string, headers?: Readonly<Record<string, string>>): YahooClient {
  const printed = vi.spyOn(console, 'error').mockImplementation(ignore)
  onTestFinished(() => printed.mockRestore())
  const options = {
    fetch: yahooTransport(url, headers),
    versionCheck: false,
    logger: SILENT,
    suppressNotices: ['yahooSurvey' as const, 'ripHistorical' as const],
  }
  const { cookieJar } = new YahooFinance(options)._opts
  // The jar is one for the whole process otherwise; its class is not among the SDK's exports.
  return new YahooFinance({ ...options, cookieJar: Reflect.construct(Object(cookieJar).constructor, []) })
}

function ignore(): void {}
