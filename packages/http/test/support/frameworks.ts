/** The three frameworks behind one face, each over a real server on a free port. */
import { createServer, type ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { LoadSheddingOptions, Priority, RateLimitOptions, RouteLimit } from '@holdfast/http'
import * as forExpress from '@holdfast/http/express'
import * as forFastify from '@holdfast/http/fastify'
import * as forHono from '@holdfast/http/hono'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import { onTestFinished } from 'vitest'

/** A route of an application. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** As all three frameworks write it: `/orders/:id`. */
  readonly path: string
  readonly limit?: RouteLimit | false
  readonly priority?: Priority
  /** What it answers; what it throws is the application's failure. */
  answer(body: string): string | Promise<string>
}

/** What an application is made of. */
export interface Application {
  /** Options that all three take; whom a request is from is read from its headers. */
  readonly limits?: Omit<RateLimitOptions<never>, 'user'> & { readonly user?: (header: HeaderOf) => string | undefined }
  readonly shedding?: LoadSheddingOptions
  /** Besides `GET /`, which answers `hello`. */
  readonly routes?: readonly Route[]
  readonly server?: ServerOptions
}

type HeaderOf = (name: string) => string | undefined

/** A framework. */
export interface Framework {
  readonly name: string
  /** Starts an application, limited as told, and stops it after the test. @returns its port */
  serve(application: Application): Promise<number>
}

/** Limits that nobody meets. */
const PLENTY: NonNullable<Application['limits']> = { tokensPerSecond: 1e6 }

const HOME: Route = { method: 'GET', path: '/', answer: () => 'hello' }

const onFastify: Framework = {
  name: 'Fastify',
  serve: async ({ limits: { user, ...limits } = PLENTY, shedding, routes = [], server = {} }) => {
    const app = fastify({ forceCloseConnections: true, http: server })
    onTestFinished(() => app.close())
    if (shedding !== undefined) await app.register(forFastify.loadShedding, shedding)
    await app.register(forFastify.rateLimit, {
      ...limits,
      ...(user === undefined ? {} : { user: ({ headers }) => user((name) => headers[name]?.toString()) }),
    })
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    for (const { method, path: url, limit, priority, answer } of [HOME, ...routes]) {
      const config = { ...(limit === undefined ? {} : { rateLimit: limit }), ...(priority && { priority }) }
      app.route({ method, url, config, handler: ({ body }) => answer(typeof body === 'string' ? body : '') })
    }
    await app.listen({ host: '127.0.0.1', port: 0 })
    return portOf(app.server.address())
  },
}

const onExpress: Framework = {
  name: 'Express',
  serve: async ({ limits: { user, ...limits } = PLENTY, shedding, routes = [], server = {} }) => {
    const app = express()
    if (shedding !== undefined) app.use(forExpress.loadShedding({ ...shedding, routes: prioritiesOf(routes) }))
    app.use(
      forExpress.rateLimit({
        ...limits,
        routes: limitsOf(routes),
        ...(user === undefined ? {} : { user: ({ headers }) => user((name) => headers[name]?.toString()) }),
      }),
    )
    app.use(express.text({ type: () => true }))
    for (const { method, path, answer } of [HOME, ...routes]) {
      const verb = method === 'GET' ? 'get' : method === 'POST' ? 'post' : 'delete'
      app[verb](path, async (request, response) => {
        response.type('text/plain').send(await answer(typeof request.body === 'string' ? request.body : ''))
      })
    }
    // Its own would write the error to the console.
    const failed: express.ErrorRequestHandler = (_error, _request, response, _next) => void response.sendStatus(500)
    app.use(failed)
    return await listening(createServer(server, app))
  },
}

const onHono: Framework = {
  name: 'Hono',
  serve: async ({ limits: { user, ...limits } = PLENTY, shedding, routes = [], server = {} }) => {
    const app = new Hono()
    if (shedding !== undefined) app.use(forHono.loadShedding({ ...shedding, routes: prioritiesOf(routes) }))
    app.use(
      forHono.rateLimit({
        ...limits,
        routes: limitsOf(routes),
        ...(user === undefined ? {} : { user: ({ req }) => user((name) => req.header(name)) }),
      }),
    )
    for (const { method, path, answer } of [HOME, ...routes]) {
      app.on(method, path, async (context) => context.text(await answer(await context.req.text())))
    }
    app.onError((_error, context) => context.text('failed', 500))
    return await listening(createServer(server, getRequestListener(app.fetch)))
  },
}

/** Every framework that there is middleware for. */
export const FRAMEWORKS: readonly Framework[] = [onFastify, onExpress, onHono]

function prioritiesOf(routes: readonly Route[]): Record<string, Priority> {
  return Object.fromEntries(
    routes.flatMap(({ method, path, priority }) => (priority === undefined ? [] : [[`${method} ${path}`, priority]])),
  )
}

function limitsOf(routes: readonly Route[]): Record<string, RouteLimit | false> {
  return Object.fromEntries(
    routes.flatMap(({ method, path, limit }) => (limit === undefined ? [] : [[`${method} ${path}`, limit]])),
  )
}

async function listening(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return portOf(server.address())
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port')
  return address.port
}
