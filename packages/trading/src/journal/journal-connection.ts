/** The way to the journal's thread and back. */
import { Worker } from 'node:worker_threads'
import type { Clock, Timer } from 'holdfast'
import { JournalError } from '../errors.ts'
import { afterThisTurn } from './after-this-turn.ts'
import type { JournalCommand, JournalReply } from './journal-command.ts'
import type { Request, Response } from './journal-thread.ts'

/** How long a command may stay here that nobody waits for, in milliseconds: many then cost little more than one. */
const LATER_MS = 5

/** Somebody who waits for an answer. */
interface Waiting {
  readonly resolve: (reply: JournalReply) => void
  readonly reject: (error: JournalError) => void
}

/** Sends commands to the thread; those of one turn of the event loop go together. */
export class JournalConnection {
  readonly #clock: Clock
  readonly #worker: Worker
  readonly #waiting = new Map<number, Waiting>()
  readonly #opened: Promise<void>
  readonly #ended: Promise<void>
  #outbox: (readonly [number, JournalCommand])[] = []
  #sending: Timer | undefined
  #count = 0
  #failure: JournalError | undefined

  constructor(path: string, clock: Clock) {
    this.#clock = clock
    // The sources run unbuilt as well, and there this file and its neighbour end in .ts.
    const thread = import.meta.url.endsWith('.ts') ? './journal-thread.ts' : './journal-thread.js'
    this.#worker = new Worker(new URL(thread, import.meta.url), { workerData: path, name: 'order journal' })
    this.#opened = new Promise((resolve, reject) => {
      this.#worker.on('message', (response: Response) => {
        if (!('opened' in response)) this.#settle(response)
        else if (response.opened === true) resolve()
        else {
          reject(new JournalError(`${path} cannot be used as a journal: ${response.opened}`))
          // Nobody will close what could not be opened, and it would keep the process alive.
          void this.#worker.terminate()
        }
      })
      this.#worker.on('error', (error) => reject(this.#fail(error)))
    })
    this.#ended = new Promise((resolve) => {
      this.#worker.on('exit', () => {
        this.#fail(new Error('it was closed'))
        resolve()
      })
    })
  }

  /** @throws JournalError when the file cannot be used */
  async opened(): Promise<void> {
    await this.#opened
    this.#worker.unref()
  }

  /** @returns the answer, or why there is none. @throws JournalError when the thread is gone */
  ask<C extends JournalCommand>(command: C): Promise<JournalReply<C>> {
    afterThisTurn(() => this.#send())
    return this.#put(command)
  }

  /** As {@link JournalConnection.ask}, of what nobody waits for: it goes with whatever goes next, or a little later. */
  askLater<C extends JournalCommand>(command: C): Promise<JournalReply<C>> {
    this.#sending ??= this.#clock.setTimer(() => this.#send(), LATER_MS)
    return this.#put(command)
  }

  #put<C extends JournalCommand>(command: C): Promise<JournalReply<C>>
  #put(command: JournalCommand): Promise<JournalReply> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure)
    const id = this.#count++
    this.#outbox.push([id, command])
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject })
      // The process must stay up while somebody waits.
      if (this.#waiting.size === 1) this.#worker.ref()
    })
  }

  /** Writes what was asked for until now, and ends the thread. */
  async close(): Promise<void> {
    this.#send()
    this.#worker.ref()
    this.#post('close')
    await this.#ended
  }

  #send(): void {
    this.#sending?.cancel()
    this.#sending = undefined
    const commands = this.#outbox
    this.#outbox = []
    if (commands.length > 0) this.#post(commands)
  }

  #post(request: Request): void {
    this.#worker.postMessage(request)
  }

  #settle(replies: Extract<Response, readonly unknown[]>): void {
    for (const [id, reply] of replies) {
      this.#waiting.get(id)?.resolve(reply)
      this.#waiting.delete(id)
    }
    if (this.#waiting.size === 0) this.#worker.unref()
  }

  #fail(cause: Error): JournalError {
    this.#failure ??= new JournalError(`the journal is closed: ${cause.message}`, { cause })
    for (const { reject } of this.#waiting.values()) reject(this.#failure)
    this.#waiting.clear()
    return this.#failure
  }
}
