import type { Clock } from 'holdfast'
import type { ModelReply, RedisModel } from './redis-model.ts'

/** What of a script the model looks at. */
interface NamedScript {
  readonly name: string
}

/**
 * One process's connection to a {@link RedisModel}: what `connectFleet` takes for a port. Its faults are fields that a test
 * sets: how long messages take, whether the connection is there, whether answers come back.
 */
export class ModelConnection {
  readonly isCluster = false
  /** How long a message takes each way, in milliseconds. */
  latencyMs: number
  /** Whether there is a connection. Messages under way when it breaks still arrive; their answers do not. */
  connected = true
  /** Whether messages arrive at all: false is a network that swallows them. */
  arrives = true
  /** Whether answers come back. */
  answers = true
  /** Whether messages of channels come. */
  delivers = true
  /** What the server says to every command, if it says no: `OOM …`, `READONLY …`. */
  refusal: string | undefined
  readonly #server: RedisModel
  readonly #clock: Clock

  constructor(server: RedisModel, clock: Clock, latencyMs: number) {
    this.#server = server
    this.#clock = clock
    this.latencyMs = latencyMs
  }

  run({ name }: NamedScript, keys: readonly string[], args: readonly string[]): Promise<ModelReply> {
    return this.#roundTrip(() => this.#server.run(name, keys, args))
  }

  read(_key: string): Promise<unknown> {
    return this.#roundTrip(() => 'there', false)
  }

  info(_section: string): Promise<string> {
    return this.#roundTrip(() => 'maxmemory:0', false)
  }

  async subscribe(channel: string, listener: (message: string) => void): Promise<() => void> {
    return this.#server.subscribe(channel, (message) => {
      if (!this.connected || !this.answers || !this.delivers) return
      this.#clock.setTimer(() => listener(message), this.latencyMs, false)
    })
  }

  /** A connection that was lost is not made anew by this: a test decides that. */
  reconnect(): void {
    // Nothing is kept for a connection here.
  }

  async close(): Promise<void> {
    this.connected = false
  }

  #roundTrip<T>(execute: () => T, writes = true): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.arrives) return
      this.#clock.setTimer(
        () => {
          const answer = this.#outcome(execute, writes)
          if (!this.connected || !this.answers) return
          this.#clock.setTimer(
            () => (answer.error === undefined ? resolve(answer.value()) : reject(answer.error)),
            this.latencyMs,
            false,
          )
        },
        this.latencyMs,
        false,
      )
    })
  }

  #outcome<T>(execute: () => T, writes: boolean): { readonly error?: Error; value(): T } {
    if (this.refusal !== undefined && writes) {
      const error = new Error(this.refusal)
      return {
        error,
        value: () => {
          throw error
        },
      }
    }
    const result = execute()
    return { value: () => result }
  }
}
