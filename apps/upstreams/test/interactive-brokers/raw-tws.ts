import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { frame } from '../../src/interactive-brokers/wire/frame.ts'
import { eventually } from '../support.ts'

/** The first bytes of a client that speaks versions 100 to 193. */
export const GREETING = Buffer.from('41504900000000097631 30302e2e313933'.replaceAll(' ', ''), 'hex')

/** A connection without an SDK: bytes out, bytes and messages in. */
export interface RawTws {
  readonly socket: Socket
  /** All bytes so far. */
  received(): Buffer
  /** All whole messages so far, by their fields. */
  messages(): readonly (readonly string[])[]
  /** How the other side ended it: `closed`, or an error's code. */
  readonly ended: Promise<string>
  /** Sends a message. */
  send(...fields: readonly (string | number)[]): void
  /** Waits for a message that begins with this id. */
  heard(id: number): Promise<readonly string[]>
}

/** Connects; the connection is closed after the test. */
export function openRawTws(port: number, greeting: Buffer = GREETING): RawTws {
  const socket = connect(port, '127.0.0.1', () => socket.write(greeting))
  onTestFinished(() => void socket.destroy())
  let bytes: Buffer = Buffer.alloc(0)
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
  })
  const ended = new Promise<string>((resolve) => {
    socket.on('end', () => resolve('closed'))
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message))
  })
  const messages = () => messagesIn(bytes)
  return {
    socket,
    received: () => bytes,
    messages,
    ended,
    send: (...fields) => void socket.write(frame(fields)),
    heard: async (id) => {
      const found = () => messages().find(([first]) => first === String(id))
      await eventually(() => {
        if (found() === undefined) throw new Error(`no message ${id} among ${JSON.stringify(messages())}`)
      })
      return found() ?? []
    },
  }
}

/** Connects and starts a session. */
export async function startRawTws(port: number, clientId = 1): Promise<RawTws> {
  const raw = openRawTws(port)
  await eventually(() => {
    if (raw.messages().length === 0) throw new Error('no greeting came back')
  })
  raw.send(71, 2, clientId, '')
  await raw.heard(9)
  return raw
}

function messagesIn(bytes: Buffer): readonly (readonly string[])[] {
  const messages: string[][] = []
  for (let at = 0; at + 4 <= bytes.length; ) {
    const end = at + 4 + bytes.readInt32BE(at)
    if (end > bytes.length) break
    messages.push(
      bytes
        .subarray(at + 4, end)
        .toString()
        .replace(/\0$/, '')
        .split('\0'),
    )
    at = end
  }
  return messages
}

/** An order to buy one share of AAPL, as a client sends it. */
export function orderFields(
  orderId: number,
  { qty = '1', orderType = 'MKT', price = '', orderRef = `intent-${orderId}` } = {},
): readonly (string | number)[] {
  return [
    ...[3, orderId, '', 'AAPL', 'STK', '', '', '', '', 'SMART', '', 'USD', '', '', '', ''],
    ...['BUY', qty, orderType, price, '', 'DAY', '', '', '', 0, orderRef, 1, 0],
  ]
}
