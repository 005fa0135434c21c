import type { Clock, Timer } from 'holdfast'
import type { WebSocket } from 'ws'
import type { FaultAction } from '../faults/fault-rule.ts'

/** What befalls a message that is about to be told. */
export type StreamFault = Extract<FaultAction, { type: 'stream' }>

/** One client's web socket. What it is told can be dropped, late, doubled, out of order, or the end of it. */
export class SocketPeer {
  readonly #socket: WebSocket
  readonly #clock: Clock
  readonly #faultFor: (event: string) => StreamFault | undefined
  readonly #timers = new Set<Timer>()
  /** Messages that wait for the next one, to come after it. */
  #overtaken: string[] = []
  #isStalled = false

  /** @param faultFor what befalls a message with this name */
  constructor(socket: WebSocket, clock: Clock, faultFor: (event: string) => StreamFault | undefined) {
    this.#socket = socket
    this.#clock = clock
    this.#faultFor = faultFor
    socket.on('ping', (data) => {
      if (!this.#isStalled) socket.pong(data)
    })
    socket.on('error', () => socket.terminate())
    this.onClose(() => {
      for (const timer of this.#timers) timer.cancel()
    })
  }

  /** Hears each message as JSON; undefined for one that is none. */
  onMessage(listener: (message: unknown) => void): void {
    this.#socket.on('message', (data) => {
      if (!this.#isStalled) listener(parsed(String(data)))
    })
  }

  onClose(listener: () => void): void {
    this.#socket.on('close', listener)
  }

  /** Tells something that no fault befalls. */
  answer(message: unknown): void {
    this.#write(JSON.stringify(message))
  }

  /** Tells something that has happened. @param event its name, for the rules */
  tell(event: string, message: unknown): void {
    const text = JSON.stringify(message)
    const fault = this.#isStalled ? undefined : this.#faultFor(event)
    switch (fault?.effect) {
      case 'drop':
        return
      case 'delay': {
        const timer = this.#clock.setTimer(
          () => {
            this.#timers.delete(timer)
            this.#write(text)
          },
          fault.ms,
          false,
        )
        this.#timers.add(timer)
        return
      }
      case 'reorder':
        this.#overtaken.push(text)
        return
      case 'disconnect':
        return this.#socket.terminate()
      case 'stall':
        this.#isStalled = true
        return
      case 'duplicate':
        this.#write(text)
    }
    this.#write(text)
    for (const late of this.#overtaken.splice(0)) this.#write(late)
  }

  #write(text: string): void {
    if (!this.#isStalled && this.#socket.readyState === this.#socket.OPEN) this.#socket.send(text)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
