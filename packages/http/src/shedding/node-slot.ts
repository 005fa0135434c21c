import type { IncomingMessage, ServerResponse } from 'node:http'
import type { LoadShedder } from './load-shedder.ts'

/**
 * Counts a request of Node's server as under way until its answer is through or its connection is gone. A request whose
 * body is still coming is not: who sends slowly takes nobody's place.
 */
export function countInFlight(shedder: LoadShedder, request: IncomingMessage, response: ServerResponse): void {
  let state: 'coming' | 'under way' | 'over' = 'coming'
  const begin = (): void => {
    if (state !== 'coming') return
    state = 'under way'
    shedder.begin()
  }
  const end = (): void => {
    if (state === 'under way') shedder.end()
    state = 'over'
  }
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
  if (encoding === undefined && (length === undefined || length === '0')) begin()
  else request.once('end', begin)
  response.once('close', end)
  // The answers that wait their turn on a connection are not told that it is gone by older versions of Node.
  request.once('close', () => {
    if (request.socket.destroyed) end()
  })
}
