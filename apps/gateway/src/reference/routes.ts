/** What there is to say of each of the gateway's routes. A test holds the table to the routes that there are. */
import { z } from 'zod'
import { barsQuery, quoteQuery, seriesQuery } from '../routes/data-routes.ts'
import { changeBody, orderBody } from '../routes/trading-routes.ts'
import type { RouteDocs } from './route-docs.ts'
import { account, bars, order, position, quote, series } from './shapes.ts'

const TRADING = { tag: 'account and orders', asksUpstream: true } as const
const CHANGING = { ...TRADING, refusesForeignPages: true } as const
const DATA = { tag: 'market data', asksUpstream: true } as const
const WATCHING = { tag: 'watching and acting', role: 'viewer' } as const
const ACTING = { tag: 'watching and acting', role: 'operator' } as const

const broker = z.string().optional().describe('which broker is meant; the first one if none is named')
const which = z.object({ broker })

/** By method and path, as Fastify writes it. */
export const ROUTE_DOCS: Readonly<Record<string, RouteDocs>> = {
  'GET /v1/account': {
    ...TRADING,
    summary: 'The account',
    query: which,
    answers: { 200: { says: 'the account', body: account } },
  },
  'GET /v1/positions': {
    ...TRADING,
    summary: 'What is held',
    query: which,
    answers: { 200: { says: 'the positions', body: z.array(position) } },
  },
  'GET /v1/orders': {
    ...TRADING,
    summary: 'Open orders',
    query: which,
    answers: { 200: { says: 'the open orders', body: z.array(order) } },
  },
  'POST /v1/orders': {
    ...CHANGING,
    summary: 'Place an order, never twice under one clientOrderId',
    query: which,
    body: orderBody,
    answers: {
      201: { says: 'the broker has it; Location says where it is', body: order },
      200: { says: 'it was asked for before, and this is what became of it', body: order },
    },
  },
  'GET /v1/orders/:id': {
    ...TRADING,
    summary: 'One order',
    query: z.object({ broker, by: z.enum(['id', 'clientOrderId']).default('id') }),
    answers: { 200: { says: 'the order', body: order } },
  },
  'PATCH /v1/orders/:id': {
    ...CHANGING,
    summary: 'Change an order',
    query: which,
    body: changeBody,
    answers: {
      201: { says: 'the order that replaces it', body: order },
      200: { says: 'it was asked for before, and this is what became of it', body: order },
    },
  },
  'DELETE /v1/orders/:id': {
    ...CHANGING,
    summary: 'Cancel an order',
    query: which,
    answers: {
      204: { says: 'the broker was asked to' },
      200: { says: 'it could not be cancelled any more', body: order },
    },
  },
  'DELETE /v1/orders': {
    ...CHANGING,
    summary: 'Cancel all orders',
    query: which,
    answers: { 204: { says: 'the broker was asked to' } },
  },
  'GET /v1/orders/in-doubt': {
    tag: 'account and orders',
    summary: 'Orders of which nobody knows whether the broker has them',
    answers: { 200: { says: 'the orders in doubt' } },
  },
  'POST /v1/orders/in-doubt/:clientOrderId': {
    ...ACTING,
    summary: 'Say what became of an order in doubt',
    answers: { 200: { says: 'the order, as it stands now' } },
  },
  'GET /v1/bars/:symbol': {
    ...DATA,
    summary: 'Bars of a symbol, oldest first',
    query: barsQuery,
    answers: { 200: { says: 'the bars, where they come from and how old they are', body: bars } },
  },
  'GET /v1/quotes/:symbol': {
    ...DATA,
    summary: 'The best bid and offer',
    query: quoteQuery,
    answers: { 200: { says: 'the quote, where it comes from and how old it is', body: quote } },
  },
  'GET /v1/quotes/:symbol/stream': {
    tag: 'market data',
    summary: 'Quotes as they come, as server-sent events',
    answers: { 200: { says: 'text/event-stream' } },
  },
  'GET /v1/series/:id': {
    ...DATA,
    summary: 'An economic series',
    query: seriesQuery,
    answers: { 200: { says: 'the observations, where they come from and how old they are', body: series } },
  },
  'GET /healthz': { tag: 'operations', summary: 'Whether it lives', answers: { 200: { says: 'it does' } } },
  'GET /readyz': { tag: 'operations', summary: 'Whether it takes requests', answers: { 200: { says: 'it does' } } },
  'GET /v1/resilience': {
    tag: 'operations',
    role: 'viewer',
    summary: 'The state of every guard',
    answers: { 200: { says: 'a snapshot' } },
  },
  'GET /openapi.json': { tag: 'operations', summary: 'This document', answers: { 200: { says: 'OpenAPI 3.1' } } },
  'POST /v1/session': {
    tag: 'watching and acting',
    summary: 'Sign in with a token',
    answers: { 200: { says: 'who it is; the cookie is set' } },
  },
  'GET /v1/session': { ...WATCHING, summary: 'Who is signed in', answers: { 200: { says: 'who it is' } } },
  'DELETE /v1/session': { tag: 'watching and acting', summary: 'Sign out', answers: { 204: { says: 'done' } } },
  'GET /v1/resilience/events': {
    ...WATCHING,
    summary: 'What happens, as server-sent events',
    answers: { 200: { says: 'text/event-stream' } },
  },
  'GET /v1/resilience/services/:service': {
    ...WATCHING,
    summary: 'One service',
    answers: { 200: { says: 'how it stands' } },
  },
  'GET /v1/fleet': {
    ...WATCHING,
    summary: 'The fleet, and this gateway’s part in it',
    answers: { 200: { says: 'who is in it; null for a gateway that is alone' } },
  },
  'GET /v1/resilience/history': { ...WATCHING, summary: 'How it was', answers: { 200: { says: 'figures by time' } } },
  'GET /v1/resilience/audit': {
    ...WATCHING,
    summary: 'Who did what',
    answers: { 200: { says: 'acts, newest first' } },
  },
  'GET /v1/resilience/incidents': {
    ...WATCHING,
    summary: 'Incidents',
    answers: { 200: { says: 'incidents, newest first' } },
  },
  'GET /v1/resilience/incidents/:id/report': {
    ...WATCHING,
    summary: 'An incident as a report',
    answers: { 200: { says: 'text/markdown' } },
  },
  'GET /v1/resilience/rehearsal': {
    ...WATCHING,
    summary: 'Faults that are rehearsed on the stand-ins',
    answers: { 200: { says: 'which' } },
  },
  'POST /v1/resilience/acts': { ...ACTING, summary: 'Act on a service', answers: { 200: { says: 'what was done' } } },
  'POST /v1/kill-switch': {
    ...ACTING,
    summary: 'Stop new orders, or allow them again',
    answers: { 200: { says: 'what was done' } },
  },
}
