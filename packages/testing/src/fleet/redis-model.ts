/** A Redis for virtual time: it answers the scripts of `@holdfast/redis` as a real one does. */
import type { Clock } from 'holdfast'
import { type BucketModel, elapse, emptyBucket, lease, limitModel, takeOnce, waitFor } from './bucket-model.ts'
import { CircuitModel } from './circuit-model.ts'
import { ModelConnection } from './model-connection.ts'

/** Not a number that a bucket can answer: others use it with another limit. */
const OTHER_LIMIT = -(2 ** 52)

/** Since when a group of buckets is remembered. */
interface Memory {
  run: number
  began: number
  touched: number
}

/** Everything that a server keeps. */
interface State {
  readonly memories: Map<string, Memory>
  readonly buckets: Map<string, BucketModel>
  readonly circuits: Map<string, CircuitModel>
  readonly slots: Map<string, Map<string, number>>
  readonly heard: Map<string, Map<string, number>>
  readonly came: Map<string, Map<string, number>>
}

const emptyState = (): State => ({
  memories: new Map(),
  buckets: new Map(),
  circuits: new Map(),
  slots: new Map(),
  heard: new Map(),
  came: new Map(),
})

function copyOf(state: State): State {
  const { circuits, ...plain } = state
  const copied = [...circuits].map(([key, circuit]) => [key, circuit.copy()] as const)
  return { ...structuredClone(plain), circuits: new Map(copied) }
}

/** How a process is connected to the model. */
export interface ModelConnectionOptions {
  /** How long a message takes each way, in milliseconds. Default 0.5. */
  readonly latencyMs?: number | undefined
}

/** What a script answers. */
export type ModelReply = readonly (number | string)[]

/**
 * Holds buckets, leases and processes as the scripts do, on the clock that it is given. Its faults are calls:
 * {@link restart}, {@link lose}, {@link flush}.
 *
 * @example
 * const redis = new RedisModel(clock)
 * const fleet = await connectFleet({ redis: redis.connect({ latencyMs: 1 }), clock })
 */
export class RedisModel {
  readonly #clock: Clock
  readonly #offsetUs: number
  #state: State = emptyState()
  #replica: State = emptyState()
  readonly #channels = new Map<string, Set<(message: string) => void>>()
  #run = 1

  /** @param options `offsetUs`: how far its clock is from the given one's zero, in microseconds */
  constructor(clock: Clock, options: { readonly offsetUs?: number } = {}) {
    this.#clock = clock
    this.#offsetUs = options.offsetUs ?? 1_767_623_400_000_000
  }

  /** Its own time, in whole microseconds. */
  get now(): number {
    return this.#offsetUs + Math.round(this.#clock.now() * 1_000)
  }

  /** How many processes it counts. */
  get processes(): number {
    return [...this.#state.heard.values()].reduce((sum, heard) => sum + heard.size, 0)
  }

  /** Starts anew with all data: another run of the server, as after a crash or a failover that lost nothing. */
  restart(): void {
    this.#run++
  }

  /** Starts anew without data. */
  lose(): void {
    this.restart()
    this.flush()
  }

  /** A replica has everything up to now. */
  replicate(): void {
    this.#replica = this.#state
    this.#state = copyOf(this.#state)
  }

  /** The replica takes over: what was written since {@link replicate} is lost. */
  failover(): void {
    this.restart()
    this.#state = copyOf(this.#replica)
  }

  /** Forgets everything, in the same run. */
  flush(): void {
    this.#state = emptyState()
  }

  /** A connection of one process. */
  connect(options: ModelConnectionOptions = {}): ModelConnection {
    return new ModelConnection(this, this.#clock, options.latencyMs ?? 0.5)
  }

  /** Listens to a channel. */
  subscribe(channel: string, listener: (message: string) => void): () => void {
    const listeners = this.#channels.get(channel) ?? new Set()
    this.#channels.set(channel, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  /** Tells all who listen to a channel. */
  publish(channel: string, message: string): void {
    for (const listener of this.#channels.get(channel) ?? []) listener(message)
  }

  /** Runs the script of that name as one step. @throws Error when there is no such script */
  run(script: string, keys: readonly string[], args: readonly string[]): ModelReply {
    const [memory = ''] = keys
    const notAfter = numberAt(args, 1)
    if (notAfter > 0 && this.now > notAfter) return [this.now, 1, 0]
    const { now, began } = this.#remember(memory, args)
    const head = [now, 0, Math.max(0, began - now)]
    if (script === 'lease-tokens') return [...head, ...this.#lease(keys, args, now, began)]
    if (script === 'take-once') return [...head, ...this.#once(keys, args, now, began)]
    if (script === 'keep-circuit') return [...head, ...this.#circuit(keys, args, now)]
    if (script === 'hold-slots') return [...head, ...this.#slots(keys, args, now, began)]
    if (script === 'be-present') return [...head, ...this.#present(keys, args, now)]
    throw new Error(`the model knows no script ${script}; teach it`)
  }

  #remember(key: string, args: readonly string[]): { now: number; began: number } {
    const known = this.#state.memories.get(key)
    let now = this.now
    if (known !== undefined && known.run === this.#run) {
      if (now < known.touched && known.touched - now < 1_000_000) now = known.touched
      if (now >= known.touched && now - known.touched <= numberAt(args, 2)) {
        known.touched = now
        return { now, began: known.began }
      }
    }
    const began = now + numberAt(args, 3)
    this.#state.memories.set(key, { run: this.#run, began, touched: now })
    return { now, began }
  }

  /** The bucket, or the limit with which others use it. */
  #bucket(key: string, rate: number, burst: number, began: number): BucketModel | readonly [number, number] {
    const known = this.#state.buckets.get(key)
    if (known === undefined || known.updated < began) return emptyBucket(limitModel(rate, burst), began)
    const { limit } = known
    return limit.rate === rate && limit.burst === burst ? known : [limit.rate, limit.burst]
  }

  #lease(keys: readonly string[], args: readonly string[], now: number, began: number): (number | string)[] {
    const id = args[0] ?? ''
    return keys.flatMap((key, index): readonly (number | string)[] => {
      if (index % 2 === 0) return []
      const at = 5 + ((index - 1) / 2) * 9
      const bucket = this.#bucket(key, numberAt(args, at), numberAt(args, at + 1), began)
      if (!('limit' in bucket)) return [-1, String(bucket[0]), String(bucket[1]), 0, 0]
      const [question = 0, held = 0, back = 0, owed = 0, need = 0, want = 0, life = 0] = args.slice(at + 2).map(Number)
      this.#state.buckets.set(key, bucket)
      return lease(bucket, { id, question, held, back, owed, need, want, life }, now)
    })
  }

  #once(keys: readonly string[], args: readonly string[], now: number, began: number): (number | string)[] {
    const [rate, burst, flight] = [numberAt(args, 5), numberAt(args, 6), numberAt(args, 7)]
    const answers: number[] = []
    let other: readonly number[] | undefined
    for (const [index, key] of keys.slice(1).entries()) {
      const found = this.#bucket(key, rate, burst, began)
      if (!('limit' in found)) {
        other = found
        answers.push(OTHER_LIMIT)
        continue
      }
      // A refusal changes nothing, not even how far time has been counted.
      const bucket = { ...found }
      const want = numberAt(args, 8 + index)
      elapse(bucket, now)
      const taken = bucket.tokens >= want
      if (taken) {
        takeOnce(bucket, want, flight, now)
        this.#state.buckets.set(key, bucket)
      }
      answers.push(taken ? bucket.tokens : -1 - waitFor(bucket, want, now))
    }
    return [...answers, ...(other ?? []).map(String)]
  }

  #circuit([, key = '']: readonly string[], args: readonly string[], now: number): (number | string)[] {
    const circuit = this.#state.circuits.get(key) ?? new CircuitModel()
    this.#state.circuits.set(key, circuit)
    const { answer, published } = circuit.act(args, now)
    if (published !== undefined) this.publish(args[13] ?? '', published)
    return answer
  }

  #slots([, key = '']: readonly string[], args: readonly string[], now: number, began: number): number[] {
    const [settle, slots, life] = [numberAt(args, 3), numberAt(args, 5), numberAt(args, 6)]
    const certain = began - settle + life
    const held = entryOf(this.#state.slots, key)
    for (const [name, lapses] of held) if (lapses <= now) held.delete(name)
    const answers: number[] = []
    for (let at = 7; at < args.length; at += 2) {
      const [act, name = ''] = args.slice(at, at + 2)
      const room = held.size < slots && ((act === 'take' && now >= certain) || (act === 'keep' && now < certain))
      const holds = act !== 'give' && (held.has(name) || room)
      if (act === 'give') held.delete(name)
      else if (holds) held.set(name, now + life)
      answers.push(holds ? 1 : 0)
    }
    const first = Math.min(...held.values())
    return [...answers, held.size, held.size > 0 ? first - now : -1]
  }

  #present([, heardKey = '', cameKey = '']: readonly string[], args: readonly string[], now: number): number[] {
    const id = args[0] ?? ''
    const heard = entryOf(this.#state.heard, heardKey)
    const came = entryOf(this.#state.came, cameKey)
    for (const [process, at] of heard) {
      if (at > now - numberAt(args, 5)) continue
      heard.delete(process)
      came.delete(process)
    }
    if (args[6] === '1') {
      heard.set(id, now)
      came.set(id, came.get(id) ?? now)
    } else {
      heard.delete(id)
      came.delete(id)
    }
    const order = [...came].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1)).map(([process]) => process)
    return [heard.size, order.indexOf(id)]
  }
}

function numberAt(args: readonly string[], index: number): number {
  return Number(args[index])
}

function entryOf<Value>(map: Map<string, Map<string, Value>>, key: string): Map<string, Value> {
  const known = map.get(key) ?? new Map<string, Value>()
  map.set(key, known)
  return known
}
