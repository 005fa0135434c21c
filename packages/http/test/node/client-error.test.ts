import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { connect, type Socket } from 'node:net'
import { answerClientError } from '@holdfast/http/node'
import { describe, expect, it, onTestFinished } from 'vitest'

const GARBAGE = 'this is no HTTP\r\n\r\n'

async function connectTo(listener: RequestListener): Promise<Socket> {
  const server = createServer(listener).on('clientError', answerClientError).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the server has no port')
  const socket = connect(address.port, '127.0.0.1').setEncoding('latin1')
  await once(socket, 'connect')
  return socket
}

/** All that comes until the other side closes. */
async function received(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (part) => {
    text += part
  })
  await once(socket, 'close')
  return text
}

describe('what is no HTTP', () => {
  it('is answered with a problem', async () => {
    const socket = await connectTo(() => {})
    socket.write(GARBAGE)
    const text = await received(socket)
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(text).toContain('application/problem+json')
  })

  it('is not answered in the middle of another answer', async () => {
    const socket = await connectTo((_request, response) => {
      response.writeHead(200, { 'content-length': '1000' })
      response.write('begun')
    })
    const all = received(socket)
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await once(socket, 'data')
    socket.write(GARBAGE)
    const text = await all
    expect(text).toMatch(/\r\n\r\nbegun$/)
  })

  it('is not taken for the answer to the request before it', async () => {
    const socket = await connectTo(() => {})
    socket.write(`POST /orders HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}${GARBAGE}`)
    expect(await received(socket)).toBe('')
  })

  it('is answered where it is the body of the request', async () => {
    const socket = await connectTo(() => {})
    socket.write(`POST /orders HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n${GARBAGE}`)
    expect(await received(socket)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
  })

  it('is answered after the answer to the request before it', async () => {
    const socket = await connectTo((_request, response) => void response.end('first'))
    const all = received(socket)
    socket.write('GET / HTTP/1.1\r\nhost: a\r\n\r\n')
    await once(socket, 'data')
    socket.write(GARBAGE)
    expect(await all).toMatch(/\r\n\r\nfirstHTTP\/1\.1 400 Bad Request\r\n/)
  })
})
