import type { Socket } from 'node:net'
import type { Clock } from 'holdfast'
import { type Field, frame, LONGEST_MESSAGE } from './wire/frame.ts'

/** How the frames of one answer are spoilt. */
export type Manner =
  | { readonly type: 'drip'; readonly bytes: number; readonly everyMs: number }
  | { readonly type: 'cut'; readonly bytes: number }
  | { readonly type: 'half'; readonly pauseMs: number | undefined }
  | {
      readonly type: 'malformed'
      readonly mode: 'truncate' | 'garbage' | 'wrongLength' | 'negative' | 'huge' | 'long' | 'empty'
    }

/** Bytes that are written at once, and what comes after them. */
interface Piece {
  readonly bytes: Buffer
  /** Until the next piece: so many milliseconds; `turn`: until the other side could have read it; `end`: for ever. */
  readonly pause: number | 'turn' | 'end'
  readonly written?: (() => void) | undefined
}

/** What goes out on one connection, in order, spoilt as faults want it. */
export class SessionOutput {
  /** How the next answer is spoilt. */
  manner: Manner | undefined
  /** Pieces of so many bytes; undefined for whole frames. */
  splitInto: number | undefined
  readonly #socket: Socket
  readonly #clock: Clock
  readonly #pieces: Piece[] = []
  #waiting = false
  #silent = false

  constructor(socket: Socket, clock: Clock) {
    this.#socket = socket
    this.#clock = clock
  }

  /** Nothing goes out any more. */
  silence(): void {
    this.#silent = true
    this.#pieces.length = 0
  }

  /** Keeps everything that comes after this waiting for so long. */
  pause(durationMs: number): void {
    this.#pieces.push({ bytes: Buffer.alloc(0), pause: durationMs })
    this.#pump()
  }

  /** @param written told when the last byte has been handed to the network */
  send(fields: readonly Field[], written?: () => void): void {
    if (this.#silent) return
    this.#pieces.push(...this.#spoilt(frame(fields), written))
    this.#pump()
  }

  #spoilt(whole: Buffer, written: (() => void) | undefined): readonly Piece[] {
    const { manner } = this
    if (manner?.type === 'drip') return chopped(whole, manner.bytes, manner.everyMs, written)
    this.manner = undefined
    switch (manner?.type) {
      case 'cut':
        return [{ bytes: whole.subarray(0, manner.bytes), pause: 'end', written: () => void this.#socket.destroy() }]
      case 'half': {
        const middle = Math.ceil(whole.length / 2)
        const begin = { bytes: whole.subarray(0, middle), pause: manner.pauseMs ?? 'end' } as const
        return [begin, { bytes: whole.subarray(middle), pause: 0, written }]
      }
      case 'malformed':
        return [{ bytes: malformed(whole, manner.mode), pause: 0 }]
      case undefined:
        if (this.splitInto === undefined) return [{ bytes: whole, pause: 0, written }]
        return chopped(whole, this.splitInto, 'turn', written)
    }
  }

  #pump(): void {
    while (!this.#waiting && !this.#socket.destroyed) {
      const piece = this.#pieces.shift()
      if (piece === undefined) return
      const { bytes, pause, written } = piece
      if (bytes.length > 0)
        this.#socket.write(bytes, (error) => (error === undefined || error === null ? written?.() : undefined))
      else written?.()
      if (pause === 'end') return this.silence()
      if (pause !== 0) this.#rest(pause)
    }
  }

  #rest(until: number | 'turn'): void {
    this.#waiting = true
    const goOn = (): void => {
      this.#waiting = false
      this.#pump()
    }
    if (until === 'turn') setImmediate(goOn)
    else this.#clock.setTimer(goOn, until, false)
  }
}

function chopped(
  whole: Buffer,
  size: number,
  pause: Piece['pause'],
  written: (() => void) | undefined,
): readonly Piece[] {
  const pieces: Piece[] = []
  for (let begin = 0; begin < whole.length; begin += size) {
    const last = begin + size >= whole.length
    pieces.push({ bytes: whole.subarray(begin, begin + size), pause, written: last ? written : undefined })
  }
  return pieces
}

function malformed(whole: Buffer, mode: Extract<Manner, { type: 'malformed' }>['mode']): Buffer {
  const length = Buffer.alloc(4)
  switch (mode) {
    case 'truncate':
      // A frame in good order whose message ends after its first field.
      return frame([whole.subarray(4).toString().split('\0')[0] ?? ''])
    case 'garbage':
      return frame(['\u0001\u0002 not a message', '\ufffd'])
    case 'wrongLength':
      // One byte too few, so that all that follows is read from the wrong place.
      length.writeInt32BE(whole.length - 5)
      return Buffer.concat([length, whole.subarray(4)])
    case 'negative':
      length.writeInt32BE(-1)
      return Buffer.concat([length, whole.subarray(4)])
    case 'huge':
      length.writeInt32BE(0x7fff_ffff)
      return Buffer.concat([length, whole.subarray(4)])
    case 'long':
      return frame(['x'.repeat(LONGEST_MESSAGE)])
    case 'empty':
      return length
  }
}
