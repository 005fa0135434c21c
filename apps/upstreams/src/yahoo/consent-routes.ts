/** What visitors from Europe go through before Yahoo gives them cookies: five steps over three hosts. */
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Simulation } from '../simulation.ts'
import { type Refusal, refuse } from '../upstream-server.ts'
import { complaint, onlyAt } from './answers.ts'

/** The cookie of those who have agreed. */
const AGREED = 'GUC'

const GUCE = 'guce.yahoo.com'
const CONSENT = 'consent.yahoo.com'

/** What the session is named by, in addresses and in the form. */
interface Session {
  readonly sessionId?: string
}

/** Whether a visitor has agreed before. */
export function hasAgreed(cookieHeader: unknown): boolean {
  return String(cookieHeader ?? '')
    .split('; ')
    .some((cookie) => cookie.startsWith(`${AGREED}=`))
}

/** Sends a visitor to be asked. @param path where he wanted to go at finance.yahoo.com */
export function askConsent({ consents }: Simulation, path: string): Refusal {
  const sessionId = consents.begin(`https://finance.yahoo.com${path}?guccounter=1`)
  return {
    status: 302,
    body: '',
    headers: {
      location: `https://${GUCE}/consent?sessionId=${sessionId}`,
      'set-cookie': 'GUCS=AQABCAFk; Max-Age=1800; Domain=.yahoo.com; Path=/; Secure',
    },
  }
}

export function consentRoutes(app: FastifyInstance, { consents, crumbs, clock }: Simulation): void {
  app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(String(body)))),
  )

  app.get<{ Querystring: Session }>('/consent', { preHandler: onlyAt(GUCE) }, ({ query }, reply) => {
    const { sessionId = '' } = query
    if (consents.doneUrl(sessionId) === undefined) return unknownSession(reply)
    return sendTo(reply, `https://${CONSENT}/v2/collectConsent?sessionId=${sessionId}`)
  })

  app.get<{ Querystring: Session }>('/v2/collectConsent', { preHandler: onlyAt(CONSENT) }, ({ query }, reply) => {
    const { sessionId = '' } = query
    const doneUrl = consents.doneUrl(sessionId)
    if (doneUrl === undefined) return unknownSession(reply)
    const fields = {
      csrfToken: consents.csrfToken(sessionId),
      sessionId,
      // As Yahoo writes it, and clients must read it.
      originalDoneUrl: doneUrl.replaceAll(/[:/?=]/g, (sign) => `&#x${sign.charCodeAt(0).toString(16)};`),
      namespace: 'yahoo',
    }
    const inputs = Object.entries(fields).map(
      ([name, value]) => `<input type="hidden" name="${name}" value="${value}">`,
    )
    reply.type('text/html; charset=utf-8')
    return `<!DOCTYPE html><html><body><form method="post">${inputs.join('')}<button name="agree" value="agree">Accept all</button></form></body></html>`
  })

  app.post<{ Body: Session & { readonly csrfToken?: string; readonly agree?: string } }>(
    '/v2/collectConsent',
    { preHandler: onlyAt(CONSENT) },
    ({ body }, reply) => {
      const { sessionId = '', csrfToken = '', agree } = body
      if (agree !== 'agree' || !consents.agree(sessionId, csrfToken)) return unknownSession(reply)
      reply.header('set-cookie', 'CFC=AQABCAFk; Domain=consent.yahoo.com; Path=/; Secure')
      return sendTo(reply, `https://${GUCE}/copyConsent?sessionId=${sessionId}&lang=en-US`)
    },
  )

  app.get<{ Querystring: Session }>('/copyConsent', { preHandler: onlyAt(GUCE) }, ({ query }, reply) => {
    const doneUrl = consents.end(query.sessionId ?? '')
    if (doneUrl === undefined) return unknownSession(reply)
    const agreed = `${AGREED}=AQABCAFk; Max-Age=31557600; Domain=.yahoo.com; Path=/; Secure`
    reply.header('set-cookie', [agreed, ...crumbs.cookies(clock.wallTime())])
    return sendTo(reply, doneUrl)
  })
}

function sendTo(reply: FastifyReply, location: string): FastifyReply {
  return reply.code(302).header('location', location).send('')
}

function unknownSession(reply: FastifyReply): FastifyReply {
  return refuse(reply, { status: 400, body: complaint('finance', 'Bad Request', 'No such consent session') })
}
