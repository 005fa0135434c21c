/** The three frameworks behind one face, each over a real server on a free port. */
import { createServer, type ServerOptions } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type Caller,
  type DeadlineOptions,
  type LoadSheddingOptions,
  type Priority,
  type Problem,
  problem,
  problemOf,
  type RateLimitOptions,
  type RouteLimit,
  requestProblemOf,
} from '@holdfast/http'
import * as forExpress from '@holdfast/http/express'
import * as forFastify from '@holdfast/http/fastify'
import * as forHono from '@holdfast/http/hono'
import { answerClientError } from '@holdfast/http/node'
import { getRequestListener } from '@hono/node-server'
import express from 'express'
import { fastify } from 'fastify'
import { Hono } from 'hono'
import { bodyLimit as limitBody } from 'hono/body-limit'
import { onTestFinished } from 'vitest'

/** A route of an application. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** As all three frameworks write it: `/orders/:id`. */
  readonly path: string
  readonly limit?: RouteLimit | false
  readonly priority?: Priority
  /** What it answers; a problem that it throws is answered as such, everything else is the application's failure. */
  answer(body: string, caller: Caller): string | Promise<string>
}

/** What an application is made of. */
export interface Application {
  /** Options that all three take; whom a request is from is read from its headers. */
  readonly limits?: Omit<RateLimitOptions<never>, 'user'> & { readonly user?: (header: HeaderOf) => string | undefined }
  readonly shedding?: LoadSheddingOptions
  readonly deadlines?: DeadlineOptions
  /** Besides `GET /`, which answers `hello`. */
  readonly routes?: readonly Route[]
  readonly server?: ServerOptions
  /** The largest body that is read, in bytes. */
  readonly bodyLimit?: number
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
  serve: async ({
    limits: { user, ...limits } = PLENTY,
    shedding,
    deadlines,
    routes = [],
    server = {},
    bodyLimit = 1_048_576,
  }) => {
    const app = fastify({
      forceCloseConnections: true,
      http: server,
      bodyLimit,
      requestTimeout: server.requestTimeout ?? 0,
      clientErrorHandler: answerClientError,
    })
    onTestFinished(() => app.close())
    if (shedding !== undefined) await app.register(forFastify.loadShedding, shedding)
    await app.register(forFastify.deadlines, { ...deadlines })
    await app.register(forFastify.rateLimit, {
      ...limits,
      ...(user === undefined ? {} : { user: ({ headers }) => user((name) => headers[name]?.toString()) }),
    })
    app.setErrorHandler((error, _request, reply) => {
      const told = failureOf(error)
      return reply.code(told.status).send(told)
    })
    app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
    for (const { method, path: url, limit, priority, answer } of [HOME, ...routes]) {
      const config = { ...(limit === undefined ? {} : { rateLimit: limit }), ...(priority && { priority }) }
      app.route({
        method,
        url,
        config,
        handler: ({ body, caller }) => answer(typeof body === 'string' ? body : '', caller),
      })
    }
    await app.listen({ host: '127.0.0.1', port: 0 })
    return portOf(app.server.address())
  },
}

const onExpress: Framework = {
  name: 'Express',
  serve: async ({
    limits: { user, ...limits } = PLENTY,
    shedding,
    deadlines,
    routes = [],
    server = {},
    bodyLimit = 1_048_576,
  }) => {
    const app = express()
    if (shedding !== undefined) app.use(forExpress.loadShedding({ ...shedding, routes: prioritiesOf(routes) }))
    app.use(forExpress.deadlines(deadlines))
    app.use(
      forExpress.rateLimit({
        ...limits,
        routes: limitsOf(routes),
        ...(user === undefined ? {} : { user: ({ headers }) => user((name) => headers[name]?.toString()) }),
      }),
    )
    app.use(express.text({ type: () => true, limit: bodyLimit }))
    for (const { method, path, answer } of [HOME, ...routes]) {
      const verb = method === 'GET' ? 'get' : method === 'POST' ? 'post' : 'delete'
      app[verb](path, async (request, response) => {
        const body = typeof request.body === 'string' ? request.body : ''
        response.type('text/plain').send(await answer(body, forExpress.callerOf(request)))
      })
    }
    const failed: express.ErrorRequestHandler = (error, _request, response, _next) => {
      const told = failureOf(error)
      response.status(told.status).json(told)
    }
    app.use(failed)
    return await listening(createServer(server, app))
  },
}

const onHono: Framework = {
  name: 'Hono',
  serve: async ({
    limits: { user, ...limits } = PLENTY,
    shedding,
    deadlines,
    routes = [],
    server = {},
    bodyLimit = 1_048_576,
  }) => {
    const app = new Hono()
    if (shedding !== undefined) app.use(forHono.loadShedding({ ...shedding, routes: prioritiesOf(routes) }))
    app.use(forHono.deadlines(deadlines))
    app.use(
      forHono.rateLimit({
        ...limits,
        routes: limitsOf(routes),
        ...(user === undefined ? {} : { user: ({ req }) => user((name) => req.header(name)) }),
      }),
    )
    app.use(limitBody({ maxSize: bodyLimit }))
    for (const { method, path, answer } of [HOME, ...routes]) {
      app.on(method, path, async (context) =>
        context.text(await answer(await context.req.text(), forHono.callerOf(context))),
      )
    }
    app.onError((error) => {
      const told = failureOf(error)
      return Response.json(told, { status: told.status })
    })
    return await listening(createServer(server, getRequestListener(app.fetch)))
  },
}

/** Every framework that there is middleware for. */
export const FRAMEWORKS: readonly Framework[] = [onFastify, onExpress, onHono]

function failureOf(error: unknown): Problem {
  return requestProblemOf(error) ?? problemOf(error) ?? problem('internal', 500, 'Internal error', 'The log has more.')
}

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
  server.on('clientError', answerClientError)
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
