/** A Redis for virtual time: it answers the scripts of `@holdfast/redis` as a real one does. */
import type { Clock } from 'holdfast'
import { type BucketModel, elapse, emptyBucket, lease, limitModel, takeOnce, waitFor } from './bucket-model.ts'
import { CircuitModel } from './circuit-model.ts'
import { type HashesModel, OpenHashes, otherLimit, tidy } from './hashes-model.ts'
import { headOf, MemoryModel } from './memory-model.ts'
import { ModelConnection } from './model-connection.ts'

/** Not a number that a bucket can answer: others use its name with another limit. */
const OTHER_LIMIT = -(2 ** 52)

/** What is answered first to a question that a newer one has overtaken. */
const OVERTAKEN = -2

/** Everything that a server keeps. */
interface State {
  readonly memories: Map<string, MemoryModel>
  readonly limits: Map<string, HashesModel>
  readonly circuits: Map<string, CircuitModel>
  readonly slots: Map<string, Map<string, number>>
}

const emptyState = (): State => ({
  memories: new Map(),
  limits: new Map(),
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

  /** How many hashes it has for the buckets of limits. */
  get hashes(): number {
    const used = [...this.#state.limits.values()].flatMap(({ recent, older }) => [recent, older])
    return used.filter((hash) => hash !== undefined).length
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
    if (script === 'lease-tokens') return this.#leases(keys, args[0] ?? '', own, memory, now)
    if (script === 'take-once') return this.#once(keys, own, memory, now)
    if (script === 'keep-circuit') return this.#circuit(keys, args, now)
    if (script === 'hold-slots') return this.#slots(keys, own, memory.began - headOf(args).settle, now)
    if (script === 'see-members') return memory.seen(now)
    if (script !== 'be-present') throw new Error(`the model knows no script ${script}; teach it`)
    if (own[0] === '1') return [memory.allot(headOf(args))]
    memory.leave(headOf(args))
    return [0]
  }

  #leases(
    keys: readonly string[],
    id: string,
    args: readonly string[],
    memory: MemoryModel,
    now: number,
  ): readonly (number | string)[] {
    return keys.flatMap((key, index): readonly (number | string)[] => {
      if (index % 3 > 0) return []
      const [rate = '', burst = '', name = '', ...asked] = args.slice(index * 3, index * 3 + 9)
      const limit = limitModel(Number(rate), Number(burst), memory, now)
      const kept = entryOf(this.#state.limits, key, (): HashesModel => ({}))
      const other = otherLimit(kept, limit, memory, now)
      if (other !== undefined) return [-1, ...other.map(String), 0, 0]
      const [question = 0, held = 0, back = 0, need = 0, want = 0, life = 0] = asked.map(Number)
      const hashes = new OpenHashes(kept, limit, memory, life)
      const bucket = { ...(hashes.find(name) ?? emptyBucket(limit, memory.began)), limit }
      const answer = lease(bucket, { id, question, held, back, need, want, life })
      if (answer[0] !== OVERTAKEN) hashes.keep(name, bucket)
      return answer
    })
  }

  #once(
    [key = '']: readonly string[],
    args: readonly string[],
    memory: MemoryModel,
    now: number,
  ): readonly (number | string)[] {
    const [rate = 0, burst = 0, flight = 0, common = 0] = args.slice(0, 4).map(Number)
    const names = args[4]?.split('\n') ?? []
    const wants = args.slice(5).map(Number)
    const limit = limitModel(rate, burst, memory, now)
    const kept = entryOf(this.#state.limits, key, (): HashesModel => ({}))
    if (args[4] === '') return [tidy(kept, memory, now)]
    const other = otherLimit(kept, limit, memory, now)
    if (other !== undefined) return [OTHER_LIMIT, ...other.map(String)]
    const hashes = new OpenHashes(kept, limit, memory, 2 * flight)
    const take = (found: BucketModel | undefined, want: number): readonly [number, BucketModel | undefined] => {
      const bucket = { ...(found ?? emptyBucket(limit, memory.began)), limit }
      elapse(bucket)
      // A refusal changes nothing, not even how far time has been counted.
      if (bucket.tokens < want) return [-1 - waitFor(bucket, want), undefined]
      takeOnce(bucket, want, flight)
      return [bucket.tokens, bucket]
    }
    const [usual] = take(undefined, common === 0 ? (wants[0] ?? 0) : common)
    const told: number[] = []
    for (const [index, name] of names.entries()) {
      const [answer, changed] = take(hashes.find(name), wants[index] ?? common)
      if (changed !== undefined) hashes.keep(name, changed)
      if (answer !== usual) told.push(index, answer)
    }
    return [usual, 0, 0, ...told]
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
