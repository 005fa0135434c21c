/** Signing in and out of the page. */
import type { SessionView } from '@holdfast/console/api'
import { PROBLEM_JSON, problem } from '@holdfast/http'
import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { type Access, isFromOurPage, SESSION_COOKIE, sessionCookieOf } from './access.ts'
import { SESSION_MS } from './sessions.ts'

const signIn = z.strictObject({ token: z.string().min(1).max(200) })

/** `POST`, `GET` and `DELETE /v1/session`. @param secure whether the cookie travels over TLS only */
export function sessionRoutes(app: FastifyInstance, access: Access, secure: boolean): void {
  const attributes = `Path=/; HttpOnly; SameSite=Strict${secure ? '; Secure' : ''}`

  app.post('/v1/session', async (request, reply) => {
    const { token } = signIn.parse(request.body)
    const principal = isFromOurPage(request) ? access.tokens.identify(token) : undefined
    const cookie = principal === undefined ? undefined : access.sessions.begin(principal.name)
    if (principal === undefined || cookie === undefined) {
      const detail = 'The token is not known. Check that you have copied all of it, or ask for a new one.'
      return reply
        .code(401)
        .type(PROBLEM_JSON)
        .send(problem('not-signed-in', 401, 'Not signed in', detail))
    }
    reply.header('set-cookie', `${SESSION_COOKIE}=${cookie}; ${attributes}; Max-Age=${SESSION_MS / 1_000}`)
    return { ...principal, csrfToken: access.sessions.issueCsrf(cookie) } satisfies SessionView
  })

  app.get('/v1/session', { preHandler: access.requires('viewer') }, (request, reply): SessionView => {
    const principal = access.principalOf(request)
    const cookie = sessionCookieOf(request)
    if (principal === undefined) throw new Error('the hook before has seen somebody')
    reply.header('cache-control', 'no-store')
    return { ...principal, csrfToken: cookie === undefined ? '' : access.sessions.issueCsrf(cookie) }
  })

  app.delete('/v1/session', async (request, reply) => {
    const cookie = sessionCookieOf(request)
    if (cookie !== undefined && isFromOurPage(request)) access.sessions.end(cookie)
    return reply.header('set-cookie', `${SESSION_COOKIE}=; ${attributes}; Max-Age=0`).code(204).send()
  })
}
