/** The SDK's client with a cookie jar of its own: a crumb that has gone bad goes with it. */
import YahooFinance from 'yahoo-finance2'

/** The SDK's client. */
export type YahooClient = InstanceType<typeof YahooFinance>

/** The SDK keeps to four requests at a time by itself; the service's bulkhead decides instead. */
const NO_QUEUE = { concurrency: 1_000 }

/** So that the SDK writes nothing to the console. */
const SILENT = { info: ignore, warn: ignore, error: ignore, debug: ignore, dir: ignore }

/**
 * A client that shares no cookies with any other. The SDK's jar is shared by the whole process otherwise, and a crumb that
 * the server no longer accepts would be kept for ever.
 */
export function newYahooClient(): YahooClient {
  const options = {
    queue: NO_QUEUE,
    logger: SILENT,
    versionCheck: false,
    suppressNotices: ['yahooSurvey' as const, 'ripHistorical' as const],
    validation: { logErrors: false, logOptionsErrors: false },
  }
  const { cookieJar } = new YahooFinance(options)._opts
  if (cookieJar === undefined) return new YahooFinance(options)
  // The jar's class is not among the SDK's exports.
  return new YahooFinance({ ...options, cookieJar: Reflect.construct(cookieJar.constructor, []) })
}

function ignore(): void {}
