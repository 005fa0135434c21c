/** Answers every request with the same few bytes of JSON. */
import { createServer } from 'node:http'
import { parentPort } from 'node:worker_threads'

const BODY = JSON.stringify({
  symbol: 'AAPL',
  bars: Array.from({ length: 4 }, (_, day) => ({ day, open: 1.5, close: 2.5 })),
})
const HEAD = { 'content-type': 'application/json', 'content-length': String(BODY.length) }

const server = createServer((_request, response) => {
  response.writeHead(200, HEAD)
  response.end(BODY)
})

server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  if (typeof address === 'object' && address !== null) parentPort?.postMessage(`http://127.0.0.1:${address.port}/`)
})
