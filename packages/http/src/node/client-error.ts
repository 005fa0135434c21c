import { ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { PROBLEM_JSON, problem } from '../problem.ts'

/** What is wrong with what came, by the code of Node's error. */
const STATUSES: ReadonlyMap<unknown, readonly [status: number, detail: string]> = new Map([
  ['ERR_HTTP_REQUEST_TIMEOUT', [408, 'The request did not come in time; send it again, and faster.']],
  ['HPE_HEADER_OVERFLOW', [431, 'The headers are too large.']],
  ['HPE_CHUNK_EXTENSIONS_OVERFLOW', [413, 'The extensions of the chunks are too large.']],
])

/**
 * Answers what is no HTTP, comes too slowly, or has headers that are too large: with a problem, like everything else. While
 * another request of the same connection is being answered, the connection is closed instead: nobody must take the problem
 * for that one's answer. For Node's event `clientError`, and for Fastify's option `clientErrorHandler`.
 *
 * @example
 * server.on('clientError', answerClientError)
 */
export function answerClientError(error: Error & { readonly code?: string }, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable || isAnswering(socket)) {
    socket.destroy()
    return
  }
  const [status, detail] = STATUSES.get(error.code) ?? [400, 'This is no HTTP request.']
  const body = JSON.stringify(problem('invalid-request', status, 'The request makes no sense', detail))
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    `content-type: ${PROBLEM_JSON}`,
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** Whether what would be written now belongs to a request that has come whole, or to an answer that has begun. */
function isAnswering(socket: Duplex): boolean {
  // Node's own handler looks there too; there is no other way to know.
  const answer: unknown = Reflect.get(socket, '_httpMessage')
  return answer instanceof ServerResponse && (answer.headersSent || answer.req.complete)
}
