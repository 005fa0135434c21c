/** Faults that are done to the socket or to the bytes of an answer. */

import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from 'holdfast'
import { delay } from './delay.ts'
import type { FaultAction } from './fault-rule.ts'

/** The request is never answered; its socket stays open until somebody closes it. */
export function hang(): Promise<never> {
  return new Promise(() => undefined)
}

/** Ends the connection, by a reset (RST) or in an orderly way (FIN), without an answer. */
export function cutOff(request: FastifyRequest, how: 'reset' | 'fin'): Promise<never> {
  const { socket } = request.raw
  if (how === 'reset') socket.resetAndDestroy()
  else socket.end()
  return hang()
}

/** Announces the whole answer, sends so many bytes of it, and destroys the socket. */
export function sendPart(reply: FastifyReply, payload: string, bytes: number): Promise<never> {
  const whole = Buffer.from(payload)
  writeHead(reply, whole.length)
  reply.raw.write(whole.subarray(0, bytes), () => reply.raw.socket?.destroy())
  return hang()
}

/** Sends the answer a few bytes at a time. */
export async function drip(
  reply: FastifyReply,
  payload: string,
  { bytes, everyMs }: Extract<FaultAction, { type: 'slowDrip' }>,
  clock: Clock,
): Promise<never> {
  const whole = Buffer.from(payload)
  writeHead(reply, whole.length)
  for (let sent = 0; sent < whole.length && !reply.raw.destroyed; sent += bytes) {
    reply.raw.write(whole.subarray(sent, sent + bytes))
    await delay(clock, everyMs)
  }
  reply.raw.end()
  return hang()
}

/** A body that is not what it says it is. */
export function malformed(payload: string, mode: Extract<FaultAction, { type: 'malformed' }>['mode']): string {
  switch (mode) {
    case 'truncate':
      return payload.slice(0, Math.floor(payload.length / 2))
    case 'garbage':
      return '{"\u0000\u0001 not json \ufffd'
    case 'html':
      return '<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body><h1>Bad Gateway</h1></body></html>'
    case 'empty':
      return ''
    case 'nullJson':
      return 'null'
    case 'wrongType':
      return '"unexpected"'
    case 'wrongContentType':
      return payload
  }
}

/** The answer with a field gone, or under another name, wherever it occurs. */
export function drifted(payload: string, { drop, rename }: Extract<FaultAction, { type: 'drift' }>): string {
  const names = new Map(Object.entries(rename))
  const changed: unknown = JSON.parse(payload, (_key, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(
      Object.entries(value)
        .filter(([name]) => name !== drop)
        .map(([name, field]) => [names.get(name) ?? name, field]),
    )
  })
  return JSON.stringify(changed)
}

function writeHead(reply: FastifyReply, contentLength: number): void {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    if (value !== undefined) reply.raw.setHeader(name, value)
  }
  reply.raw.setHeader('content-length', contentLength)
  reply.raw.writeHead(reply.statusCode)
}
