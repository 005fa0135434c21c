/** A Redis for virtual time: it answers the scripts of `@holdfast/redis` as a real one does. */
import type { Clock } from 'holdfast'
import {
  type BucketModel,
  elapse,
  emptyBucket,
  type LimitModel,
  lease,
  limitModel,
  takeOnce,
  waitFor,
} from './bucket-model.ts'
import { CircuitModel } from './circuit-model.ts'
import { headOf, MemoryModel } from './memory-model.ts'
import { ModelConnection } from './model-connection.ts'

/** Not a number that a bucket can answer: others use it with another limit. */
const OTHER_LIMIT = -(2 ** 52)

/** Everything that a server keeps. */
interface State {
  readonly memories: Map<string, MemoryModel>
  readonly buckets: Map<string, BucketModel>
  readonly circuits: Map<string, CircuitModel>
  readonly slots: Map<string, Map<string, number>>
}

const emptyState = (): State => ({
  memories: new Map(),
  buckets: new Map(),
  circuits: new Map(),
  slots: new Map(),
})

function copyOf({ memories, circuits, ...plain }: State): State {
  return {
    ...structuredClone(plain),
    memories: new Map([...memories].map(([key, memory]) => [key, memory.copy()] as const)),
    circuits: new Map([...circuits].map(([key, circuit]) => [key, circuit.copy()] as const)),
  }
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
  #questions = 0

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
    return [...this.#state.memories.values()].reduce((sum, { members }) => sum + members.size, 0)
  }

  /** How many scripts it has run: each is one step of the server's one CPU. */
  get questions(): number {
    return this.#questions
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
    this.#questions++
    const [key = ''] = keys
    const notAfter = numberAt(args, 1)
    if (notAfter > 0 && this.now > notAfter) return [this.now, 1, 0, 0]
    const memory = entryOf(this.#state.memories, key, () => new MemoryModel())
    const now = memory.touch(headOf(args), this.now, this.#run)
    const head = [now, 0, Math.max(0, memory.began - now), memory.live]
    return [...head, ...this.#act(script, keys.slice(2), args, memory, now)]
  }

  #act(script: string, keys: readonly string[], args: readonly string[], memory: MemoryModel, now: number): ModelReply {
    const own = args.slice(9)
    if (script === 'lease-tokens') return this.#lease(keys, args[0] ?? '', own, memory, now)
    if (script === 'take-once') return this.#once(keys, own, memory, now)
    if (script === 'keep-circuit') return this.#circuit(keys, args, now)
    if (script === 'hold-slots') return this.#slots(keys, own, memory.began - headOf(args).settle, now)
    if (script === 'see-members') return memory.seen(now)
    if (script !== 'be-present') throw new Error(`the model knows no script ${script}; teach it`)
    if (own[0] === '1') return [memory.allot(headOf(args))]
    memory.leave(headOf(args))
    return [0]
  }

  /** The bucket, or the limit with which others use it. */
  #bucket(key: string, limit: LimitModel, began: number): BucketModel | readonly [number, number] {
    const known = this.#state.buckets.get(key)
    if (known === undefined || known.updated < began) return emptyBucket(limit, began)
    if (known.limit.rate !== limit.rate || known.limit.burst !== limit.burst)
      return [known.limit.rate, known.limit.burst]
    known.limit = limit
    return known
  }

  #lease(
    keys: readonly string[],
    id: string,
    args: readonly string[],
    memory: MemoryModel,
    now: number,
  ): (number | string)[] {
    return keys.flatMap((key, index): readonly (number | string)[] => {
      if (index % 2 === 1) return []
      const [rate = 0, burst = 0, ...asked] = args.slice(index * 4, index * 4 + 8).map(Number)
      const bucket = this.#bucket(key, limitModel(rate, burst, memory, now), memory.began)
      if (!('limit' in bucket)) return [-1, String(bucket[0]), String(bucket[1]), 0, 0]
      const [question = 0, held = 0, back = 0, need = 0, want = 0, life = 0] = asked
      this.#state.buckets.set(key, bucket)
      return lease(bucket, { id, question, held, back, need, want, life })
    })
  }

  #once(keys: readonly string[], args: readonly string[], memory: MemoryModel, now: number): (number | string)[] {
    const [rate = 0, burst = 0, flight = 0, ...wants] = args.map(Number)
    const limit = limitModel(rate, burst, memory, now)
    const unused = emptyBucket(limit, memory.began)
    elapse(unused)
    const [common = 0] = wants
    const areAlike = unused.tokens >= common
    if (areAlike) takeOnce(unused, common, flight)
    const told: number[] = []
    let other: readonly number[] = [0, 0]
    for (const [index, key] of keys.entries()) {
      const want = wants[index] ?? common
      if (areAlike && want === common && !this.#state.buckets.has(key)) {
        this.#state.buckets.set(key, { ...unused, leases: new Map() })
        continue
      }
      const found = this.#bucket(key, limit, memory.began)
      if (!('limit' in found)) {
        other = found
        told.push(index, OTHER_LIMIT)
        continue
      }
      // A refusal changes nothing, not even how far time has been counted.
      const bucket = { ...found }
      elapse(bucket)
      const taken = bucket.tokens >= want
      if (taken) {
        takeOnce(bucket, want, flight)
        this.#state.buckets.set(key, bucket)
      }
      told.push(index, taken ? bucket.tokens : -1 - waitFor(bucket, want))
    }
    return [unused.tokens, ...other.map(String), ...told]
  }

  #circuit([key = '']: readonly string[], args: readonly string[], now: number): (number | string)[] {
    const circuit = this.#state.circuits.get(key) ?? new CircuitModel()
    this.#state.circuits.set(key, circuit)
    const { answer, published } = circuit.act(args, now)
    if (published !== undefined) this.publish(args[17] ?? '', published)
    return answer
  }

  #slots([key = '']: readonly string[], args: readonly string[], since: number, now: number): number[] {
    const [slots, life] = [numberAt(args, 0), numberAt(args, 1)]
    const certain = since + life
    const held = entryOf(this.#state.slots, key, () => new Map<string, number>())
    for (const [name, lapses] of held) if (lapses <= now) held.delete(name)
    const answers: number[] = []
    for (let at = 2; at < args.length; at += 2) {
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
}

function numberAt(args: readonly string[], index: number): number {
  return Number(args[index])
}

function entryOf<Value>(map: Map<string, Value>, key: string, make: () => Value): Value {
  const known = map.get(key) ?? make()
  map.set(key, known)
  return known
}
