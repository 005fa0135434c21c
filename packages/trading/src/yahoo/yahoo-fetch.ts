/** What the SDK is given for `fetch`: every request counted, every refusal told as it is, none printed with its crumb. */
import { type Call, parseRetryAfter, type Service, timeout } from 'holdfast'
import { UpstreamRequestError } from '../errors.ts'
import { redactUrl } from '../redact.ts'

/** How long cookie and crumb may take, in milliseconds. */
const HANDSHAKE_TIMEOUT_MS = 5_000

/** Where quotes and bars are. All other hosts are on the way there: the page with the cookies, and the consent page of Europe. */
const ANSWERS = /^query\d\.finance\.yahoo\.com$/

/** Yahoo says "Too Many Requests" with status 200 where a crumb should stand. */
const CRUMB = /^[^\s<>]{4,40}$/

/** A refusal that says that the crumb is no longer good. */
export class StaleCrumbError extends UpstreamRequestError {
  constructor(message: string) {
    super(message, { code: 'YAHOO_INVALID_CRUMB', status: 401, retryAfterMs: undefined })
  }
}

/**
 * A `fetch` for one call of the SDK.
 *
 * The first request of the call has its token already; every further one (consent, cookie, crumb) takes one more. They
 * are fetched for all callers at once, so one caller who gives up must not end them: they have a limit of their own.
 */
export function yahooFetch(service: Service, call: Pick<Call, 'signal'>, transport: typeof fetch): typeof fetch {
  let requests = 0
  return async (input, init) => {
    const url = new URL(String(input))
    const isHandshake = !ANSWERS.test(url.host) || url.pathname.endsWith('/getcrumb')
    if (++requests > 1) await service.rateLimiter?.acquire()
    const response = isHandshake
      ? await timeout(({ signal }) => transport(url, { ...init, signal }), HANDSHAKE_TIMEOUT_MS)
      : await transport(url, { ...init, signal: call.signal })
    if (url.pathname.endsWith('/getcrumb')) return await checkedCrumb(response)
    // The SDK reads the cookies and where it is sent, whatever the status.
    if (isHandshake || response.ok) return response
    throw await refusalOf(response)
  }
}

async function checkedCrumb(response: Response): Promise<Response> {
  if (!response.ok) throw await refusalOf(response)
  const text = await response.text()
  if (CRUMB.test(text)) return new Response(text, { status: 200, headers: response.headers })
  throw new UpstreamRequestError(`Yahoo gave no crumb, but: ${text.trim().slice(0, 100)}`, {
    code: 'YAHOO_NO_CRUMB',
    status: 429,
    retryAfterMs: undefined,
  })
}

async function refusalOf(response: Response): Promise<UpstreamRequestError> {
  const text = (await response.text()).trim()
  const message = redactUrl(said(text) ?? text.slice(0, 200)) || `Yahoo answered ${response.status}`
  if (response.status === 401 && /crumb/i.test(message)) return new StaleCrumbError(message)
  // 999 is how Yahoo's edge turns clients away.
  const status = response.status === 999 ? 429 : response.status
  return new UpstreamRequestError(message, {
    code: `YAHOO_${response.status}`,
    status,
    retryAfterMs: parseRetryAfter(response.headers.get('retry-after') ?? ''),
  })
}

/** The description in an answer like `{"chart":{"result":null,"error":{"code":"Not Found","description":"…"}}}`. */
function said(text: string): string | undefined {
  const description = /"description"\s*:\s*"((?:[^"\\]|\\.){1,300})"/.exec(text)?.[1]
  return description?.replace(/\\(.)/g, '$1')
}
