import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Caller } from './caller.ts'

/** Tells the caller of a request to Node's server when the answer is through, and when the connection is gone before. */
export function watchConnection(caller: Caller, request: IncomingMessage, response: ServerResponse): void {
  response.once('close', () => caller.end(response.writableFinished ? 'answered' : 'gone'))
  // The answers that wait their turn on a connection are not told that it is gone by older versions of Node.
  request.once('close', () => {
    if (request.socket.destroyed && !response.writableFinished) caller.end('gone')
  })
}
