/** The same small application on each framework, with whatever limits it. */
import { getRequestListener } from '@hono/node-server'
import express, { type RequestHandler } from 'express'
import { type FastifyInstance, fastify } from 'fastify'
import { Hono, type MiddlewareHandler } from 'hono'
import type { Listener } from './nowhere.ts'

export async function onFastify(limit?: (app: FastifyInstance) => PromiseLike<unknown>): Promise<Listener> {
  const app = fastify()
  await limit?.(app)
  app.get('/', () => 'hello')
  await app.ready()
  return (request, response) => app.routing(request, response)
}

export function onExpress(limit?: RequestHandler): Listener {
  const app = express().disable('x-powered-by').disable('etag')
  if (limit !== undefined) app.use(limit)
  app.get('/', (_request, response) => {
    response.setHeader('content-type', 'text/plain')
    response.end('hello')
  })
  return (request, response) => app(request, response)
}

export function onHono(limit?: MiddlewareHandler): Listener {
  const app = new Hono()
  if (limit !== undefined) app.use(limit)
  app.get('/', (context) => context.text('hello'))
  const listener = getRequestListener(app.fetch)
  return (request, response) => void listener(request, response)
}
