/** What the gateway says of itself: a document for programs, and a page for people. */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import { openapiDocument } from './openapi-document.ts'

/** Nothing but what the gateway itself serves; pictures and marks of the page may stand in its styles; in nobody's frame. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Listens to the routes that are added from now on. @returns them, as `METHOD /path` */
export function watchRoutes(app: FastifyInstance): ReadonlySet<string> {
  const added = new Set<string>()
  app.addHook('onRoute', ({ method, url }) => {
    for (const one of [method].flat()) if (one !== 'HEAD') added.add(`${one} ${url}`)
  })
  return added
}

/**
 * Serves the OpenAPI document at `/openapi.json` and a page that shows it at `/docs`: files of the gateway's own, under a
 * policy that lets the page ask nobody else for anything. Both are limited like every other route.
 *
 * @param added the routes that there are, as {@link watchRoutes} has them
 */
export async function referenceRoutes(app: FastifyInstance, added: ReadonlySet<string>): Promise<void> {
  app.get('/openapi.json', { config: { priority: 'background' } }, () => document)
  // As it goes over the wire.
  const document = JSON.parse(JSON.stringify(openapiDocument(added)))
  await app.register(async (routes) => {
    await routes.register(swagger, { mode: 'static', specification: { document } })
    await routes.register(swaggerUi, {
      routePrefix: '/docs',
      staticCSP: POLICY,
      uiConfig: { layout: 'BaseLayout', validatorUrl: null, supportedSubmitMethods: [] },
    })
  })
}
