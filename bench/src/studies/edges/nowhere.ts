/** Requests that come from nowhere: Node's own, on a socket without a network, so that only the server's part is measured. */
import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

/** A listener as `createServer` takes it. */
export type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** Takes what is written, and sends it nowhere. */
class NowhereSocket extends Socket {
  override readonly remoteAddress = '192.0.2.1'

  override write(_chunk: unknown, encodingOrDone?: unknown, done?: unknown): boolean {
    if (typeof encodingOrDone === 'function') encodingOrDone()
    else if (typeof done === 'function') done()
    return true
  }
}

const socket = new NowhereSocket()
socket.setMaxListeners(0)

/** One request of a client, answered with that status. @returns resolves when the answer has been handed to the socket */
export function ask(listener: Listener, client: string, status: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const request = new IncomingMessage(socket)
    request.httpVersionMajor = 1
    request.httpVersionMinor = 1
    request.httpVersion = '1.1'
    request.method = 'GET'
    request.url = '/'
    request.rawHeaders = ['host', 'example.test', 'x-api-key', client]
    request.headers = { host: 'example.test', 'x-api-key': client }
    request.complete = true
    const response = new ServerResponse(request)
    response.assignSocket(socket)
    response.on('finish', () => {
      response.detachSocket(socket)
      if (response.statusCode === status) resolve()
      else reject(new Error(`the answer was ${response.statusCode} and not ${status}`))
    })
    listener(request, response)
  })
}
