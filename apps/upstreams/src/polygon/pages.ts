import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { Refusal } from '../upstream-server.ts'
import { requestId } from './answers.ts'

/** Which part of a list is asked for. */
export interface Page {
  readonly begin: number
  readonly limit: number
}

const cursor = z
  .string()
  .default('')
  .transform((text) => Number(Buffer.from(text, 'base64url').toString()))
  .refine((offset) => Number.isSafeInteger(offset) && offset >= 0)

/** Reads `limit` and `cursor`. @returns the refusal when they make no sense */
export function readPage(request: FastifyRequest, usual: number, most: number): Page | Refusal {
  const query = z.object({ cursor, limit: z.coerce.number().int().min(1).max(most).default(usual) })
  const found = query.safeParse(request.query)
  if (found.success) return { begin: found.data.cursor, limit: found.data.limit }
  const field = String(found.error.issues[0]?.path[0] ?? 'query')
  const rule = field === 'limit' ? `it must be from 1 to ${most}` : 'use the next_url of the page before'
  return { status: 400, body: { status: 'ERROR', request_id: requestId(), error: `'${field}' is invalid: ${rule}` } }
}

/** Part of a list, and the address of the next part if there is one: absolute, on this very host; the client adds its key. */
export function paged<T>(
  request: FastifyRequest,
  list: readonly T[],
  { begin, limit }: Page,
): { readonly page: readonly T[]; readonly next: { readonly next_url?: string } } {
  const page = list.slice(begin, begin + limit)
  if (begin + limit >= list.length) return { page, next: {} }
  const url = new URL(request.url, `http://${request.host}`)
  url.searchParams.delete('apiKey')
  url.searchParams.set('cursor', Buffer.from(String(begin + limit)).toString('base64url'))
  return { page, next: { next_url: url.href } }
}
