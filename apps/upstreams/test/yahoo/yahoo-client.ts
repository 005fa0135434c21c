import { yahooTransport } from '@holdfast/upstreams'
import { onTestFinished, vi } from 'vitest'
import YahooFinance from 'yahoo-finance2'

export type YahooClient = InstanceType<typeof YahooFinance>

const SILENT = { info: ignore, warn: ignore, error: ignore, debug: ignore, dir: ignore }

/** The real SDK in front of the stand-in, with cookies of its own. It prints addresses that failed: not here. */
export function openYahoo(
  url: string,
  { headers, timeoutMs }: { headers?: Readonly<Record<string, string>>; timeoutMs?: number } = {},
): YahooClient {
  const printed = vi.spyOn(console, 'error').mockImplementation(ignore)
  onTestFinished(() => printed.mockRestore())
  const options = {
    fetch: yahooTransport(url, headers),
    ...(timeoutMs === undefined ? {} : { fetchOptions: { signal: AbortSignal.timeout(timeoutMs) } }),
    versionCheck: false,
    logger: SILENT,
    suppressNotices: ['yahooSurvey' as const, 'ripHistorical' as const],
  }
  const { cookieJar } = new YahooFinance(options)._opts
  // The jar is one for the whole process otherwise; its class is not among the SDK's exports.
  return new YahooFinance({ ...options, cookieJar: Reflect.construct(Object(cookieJar).constructor, []) })
}

function ignore(): void {}
