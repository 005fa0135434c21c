import type { FastifyInstance } from 'fastify'
import type { Simulation } from '../simulation.ts'
import { refuse } from '../upstream-server.ts'
import { onlyAt, PLAIN, QUERY_HOSTS } from './answers.ts'

/** The page that gives cookies, and the crumb that goes with them. */
export function sessionRoutes(app: FastifyInstance, { crumbs, clock }: Simulation): void {
  app.get<{ Params: { symbol: string } }>(
    '/quote/:symbol',
    { preHandler: onlyAt('finance.yahoo.com') },
    ({ params }, reply) => {
      const title = params.symbol.replaceAll(/[^A-Za-z0-9.^=-]/g, '')
      reply.header('set-cookie', crumbs.cookies(clock.wallTime())).type('text/html; charset=utf-8')
      return `<!DOCTYPE html><html><head><title>${title}</title></head><body></body></html>`
    },
  )

  app.get('/v1/test/getcrumb', { preHandler: onlyAt(...QUERY_HOSTS) }, ({ headers }, reply) => {
    const crumb = crumbs.crumbFor(headers.cookie)
    if (crumb === undefined) return refuse(reply, { status: 401, body: '', headers: PLAIN })
    reply.type('text/plain')
    return crumb
  })
}
