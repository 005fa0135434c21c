/** Who asks, and whether he may: a bearer token or the page's session. */

import type { Role } from '@holdfast/console/api'
import { PROBLEM_JSON, problem } from '@holdfast/http'
import type { FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify'
import type { Sessions } from './sessions.ts'
import { mayActAs, type Principal, type TokenBook } from './tokens.ts'

/** Name of the page's cookie. */
export const SESSION_COOKIE = 'holdfast_session'

/** Header of the token against forgery. */
const CSRF_HEADER = 'x-csrf-token'

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Tells who asks, and turns away who may not. */
export class Access {
  readonly tokens: TokenBook
  readonly sessions: Sessions

  constructor(tokens: TokenBook, sessions: Sessions) {
    this.tokens = tokens
    this.sessions = sessions
  }

  /** Who asks; undefined when nobody whom we know. */
  principalOf(request: FastifyRequest): Principal | undefined {
    const bearer = bearerOf(request)
    if (bearer !== undefined) return this.tokens.identify(bearer)
    const cookie = sessionCookieOf(request)
    return cookie === undefined ? undefined : this.sessions.principalOf(cookie)
  }

  /**
   * A hook for routes that need a role. What changes something by the page's session also needs a token against forgery,
   * which is used up by it, and must come from our own page.
   */
  requires(needed: Role): preHandlerAsyncHookHandler {
    return async (request, reply) => {
      const principal = this.principalOf(request)
      if (principal === undefined) return answerUnknown(reply)
      if (!mayActAs(principal.role, needed)) return answerForbidden(request, reply, principal, needed)
      if (SAFE.has(request.method) || bearerOf(request) !== undefined) return undefined
      const cookie = sessionCookieOf(request) ?? ''
      const token = request.headers[CSRF_HEADER]
      const genuine = isFromOurPage(request) && typeof token === 'string' && this.sessions.redeemCsrf(cookie, token)
      return genuine ? undefined : answerForged(reply)
    }
  }
}

/** The session's cookie, if the request carries one. */
export function sessionCookieOf({ headers }: FastifyRequest): string | undefined {
  const wanted = `${SESSION_COOKIE}=`
  const found = headers.cookie
    ?.split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(wanted))
  const value = found?.slice(wanted.length)
  return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined
}

/** Whether a request comes from a page of our own origin, as far as browsers tell. */
export function isFromOurPage({ headers }: FastifyRequest): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin, host } = headers
  return origin !== undefined && URL.canParse(origin) && new URL(origin).host === host
}

function bearerOf({ headers }: FastifyRequest): string | undefined {
  return /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1]
}

function answerUnknown(reply: FastifyReply): FastifyReply {
  const detail = 'Sign in on the page, or send a token: Authorization: Bearer <token>.'
  return reply
    .code(401)
    .header('www-authenticate', 'Bearer realm="holdfast"')
    .type(PROBLEM_JSON)
    .send(problem('not-signed-in', 401, 'Nobody is signed in', detail))
}

function answerForbidden(
  { log, method, url }: FastifyRequest,
  reply: FastifyReply,
  { name, role }: Principal,
  needed: Role,
): FastifyReply {
  log.warn({ who: name, role, needed, method, path: url.slice(0, 200) }, 'refused for want of a role')
  const detail = `${name} is ${role}; this needs ${needed}. Ask somebody who has that role, or for a token that has it.`
  return reply
    .code(403)
    .type(PROBLEM_JSON)
    .send(problem('not-permitted', 403, 'Not permitted', detail))
}

function answerForged(reply: FastifyReply): FastifyReply {
  const detail = 'The request does not come from the open page, or was sent twice. Load the page again.'
  return reply
    .code(403)
    .type(PROBLEM_JSON)
    .send(problem('not-genuine', 403, 'The request is not genuine', detail))
}
