import type { IncomingMessage } from 'node:http'
import type { RequestReader } from './client/client-identity.ts'

/** Reads the requests of Node's own HTTP server, which Express hands on. */
export const nodeRequest: RequestReader<IncomingMessage> = {
  method: ({ method }) => method ?? 'GET',
  url: ({ url }) => url ?? '/',
  header: ({ headers }, name) => joined(headers[name]),
  address: ({ socket }) => socket.remoteAddress,
  connection: ({ socket }) => socket,
}

/** Several headers of one name mean what one with commas does (RFC 9110, 5.3). */
export function joined(value: string | string[] | undefined): string | undefined {
  return typeof value === 'object' ? value.join(',') : value
}
