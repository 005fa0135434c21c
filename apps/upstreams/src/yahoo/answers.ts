import type { FastifyReply, FastifyRequest } from 'fastify'
import { refuse } from '../upstream-server.ts'

/** Headers of a text. */
export const PLAIN = { 'content-type': 'text/plain' }

/** An error as Yahoo tells it, under the name of what was asked for. */
export function complaint(subject: 'finance' | 'chart', code: string, description: string): object {
  return { [subject]: { result: null, error: { code, description } } }
}

/** Keeps requests away that were meant for other hosts than a page has. */
export function onlyAt(...hosts: readonly string[]) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    const host = request.headers['x-orig-host']
    if (typeof host !== 'string' || hosts.includes(host)) return undefined
    return refuse(reply, { status: 404, body: complaint('finance', 'Not Found', `${host} has no such page`) })
  }
}

export const QUERY_HOSTS = ['query1.finance.yahoo.com', 'query2.finance.yahoo.com'] as const
