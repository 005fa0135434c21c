import type { ServerOptions } from 'node:http'
import { checkOptions, durationMs, type Rules } from 'holdfast/options'

/** How long a client may take to say what it wants. */
export interface SlowClientOptions {
  /** For the headers of a request, in milliseconds. Default 10,000. */
  readonly headersTimeoutMs?: number | undefined
  /** For a request, its body included, in milliseconds. Default 30,000. */
  readonly requestTimeoutMs?: number | undefined
}

const SLOW_CLIENT_RULES: Rules<SlowClientOptions> = {
  headersTimeoutMs: durationMs(1),
  requestTimeoutMs: durationMs(1),
}

/** How often Node looks for connections that are over their time, in milliseconds, at the most and at the least. */
const [RAREST_LOOK_MS, SMALLEST_LOOK_MS] = [1_000, 10]

/**
 * Options of Node's own server that keep slow clients from holding connections: who has not sent its headers or its body in
 * time is answered 408. Node's own default waits 60 s for headers and 300 s for a body and looks every 30 s; Fastify's waits
 * for ever.
 *
 * @throws InvalidOptionError when an option makes no sense
 * @example
 * createServer(limitSlowClients(), app) // Express
 * fastify({ http: limitSlowClients(), requestTimeout: 30_000, clientErrorHandler: answerClientError })
 */
export function limitSlowClients(
  options: SlowClientOptions = {},
): Required<Pick<ServerOptions, 'headersTimeout' | 'requestTimeout' | 'connectionsCheckingInterval'>> {
  checkOptions('limitSlowClients', options, SLOW_CLIENT_RULES)
  const { headersTimeoutMs = 10_000, requestTimeoutMs = 30_000 } = options
  const shortest = Math.min(headersTimeoutMs, requestTimeoutMs)
  return {
    headersTimeout: shortest,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval: Math.min(RAREST_LOOK_MS, Math.max(SMALLEST_LOOK_MS, Math.floor(shortest / 4))),
  }
}
