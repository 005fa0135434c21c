/** Keep-alive connections that send one request after the other without waiting for each answer. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const REQUEST = 'GET / HTTP/1.1\r\nHost: bench\r\n\r\n'
const CONNECTIONS = 4

/** How many requests each connection has under way. */
const UNDER_WAY = 16

export class Load {
  readonly #sockets: readonly Socket[]
  readonly #answer: Buffer

  private constructor(sockets: readonly Socket[], status: number) {
    this.#sockets = sockets
    this.#answer = Buffer.from(`HTTP/1.1 ${status} `)
  }

  /** @param status which every answer must have */
  static async open(port: number, status: number): Promise<Load> {
    const sockets = Array.from({ length: CONNECTIONS }, () => connect(port, '127.0.0.1'))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    return new Load(sockets, status)
  }

  /** Sends so many requests and waits for their answers. @throws Error when one has another status */
  async send(requests: number): Promise<void> {
    const batches = Math.ceil(requests / (CONNECTIONS * UNDER_WAY))
    await Promise.all(this.#sockets.map((socket) => this.#sendOn(socket, batches)))
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  async #sendOn(socket: Socket, batches: number): Promise<void> {
    for (let batch = 0; batch < batches; batch++) {
      socket.write(REQUEST.repeat(UNDER_WAY))
      let text = Buffer.alloc(0)
      while (count(text, this.#answer) < UNDER_WAY || !isWhole(text)) {
        const [chunk] = await once(socket, 'data')
        text = Buffer.concat([text, chunk])
        if (count(text, STATUS) > count(text, this.#answer))
          throw new Error(`another answer than ${this.#answer}: ${text}`)
      }
    }
  }
}

const STATUS = Buffer.from('HTTP/1.1 ')
const END_OF_HEAD = Buffer.from('\r\n\r\n')
const LENGTH = /content-length: (\d+)/i

/** Whether the last answer has arrived with its body. */
function isWhole(text: Buffer): boolean {
  const last = text.lastIndexOf(STATUS)
  const body = text.indexOf(END_OF_HEAD, last)
  if (body < 0) return false
  const length = LENGTH.exec(text.toString('latin1', last, body))?.[1]
  if (length === undefined) return text.includes('0\r\n\r\n', body)
  return text.length >= body + END_OF_HEAD.length + Number(length)
}

function count(text: Buffer, what: Buffer): number {
  let found = 0
  for (let at = text.indexOf(what); at >= 0; at = text.indexOf(what, at + what.length)) found++
  return found
}
