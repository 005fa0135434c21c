/** An upstream with workers, a queue, a limit, and faults over time, on a virtual clock. */
import { checkNumber, checkWhole } from '../checks.ts'
import type { VirtualClock } from '../clock/virtual-clock.ts'
import { type Distribution, uniform } from '../distribution.ts'
import { RequestLimit } from './provider-limit.ts'
import { UpstreamError } from './upstream-error.ts'
import type { Fault, UpstreamOptions, UpstreamRequest } from './upstream-options.ts'

/** How long a quick refusal takes it, in milliseconds. */
const QUICK_MS = 1

/** A request that has reached it. */
interface Job {
  /** Which request it carries out; undefined for a question. */
  readonly id: number | undefined
  readonly serviceMs: number
  readonly settle: (at: number, error?: UpstreamError) => void
  readonly fault: Fault | undefined
  /** It went down with the upstream. */
  lost: boolean
}

/** What an upstream has seen. */
export interface UpstreamTotals {
  /** Requests that left the client. */
  readonly sent: number
  /** Of these, how many the client still waits for. */
  readonly inFlight: number
  readonly mostInFlight: number
  /** Answers of 429, and bans. */
  readonly throttled: number
  readonly bans: number
}

/**
 * Answers requests as a real upstream would: so many at a time, the others wait in it. A client that gives up gets no
 * answer, but its request is worked on all the same. Everything it does happens at its own time, also while the process of
 * the client is held up.
 */
export class SimulatedUpstream {
  readonly #clock: VirtualClock
  readonly #workers: number
  readonly #maxQueue: number
  readonly #serviceTime: Distribution
  readonly #network: Distribution
  readonly #limit: RequestLimit | undefined
  readonly #faults: readonly Fault[]
  readonly #beganAt: number
  readonly #queue: Job[] = []
  readonly #working = new Set<Job>()
  readonly #executions = new Map<number, number>()
  #queueHead = 0
  #sent = 0
  #inFlight = 0
  #mostInFlight = 0

  /** @throws InvalidOptionError when a figure makes no sense */
  constructor(options: UpstreamOptions) {
    checkUpstream(options)
    this.#clock = options.clock
    this.#workers = options.workers
    this.#maxQueue = options.maxQueue ?? Number.POSITIVE_INFINITY
    this.#serviceTime = options.serviceTime
    this.#network = options.network ?? uniform(0.5, 1.5)
    this.#limit = options.limit === undefined ? undefined : new RequestLimit(options.limit)
    this.#faults = options.faults ?? []
    this.#beganAt = this.#clock.now()
    for (const fault of this.#faults) this.#bringDown(fault)
  }

  /** What it has seen so far. */
  get totals(): UpstreamTotals {
    return {
      sent: this.#sent,
      inFlight: this.#inFlight,
      mostInFlight: this.#mostInFlight,
      throttled: this.#limit?.refused ?? 0,
      bans: this.#limit?.bans ?? 0,
    }
  }

  /** How often a request has been carried out. More than once is a doubled order. */
  executions(id: number): number {
    return this.#executions.get(id) ?? 0
  }

  /**
   * Sends a request.
   *
   * @throws UpstreamError; the signal's reason when it is aborted, though the request has been sent
   */
  send(request: UpstreamRequest, signal?: AbortSignal): Promise<number> {
    return this.#exchange(request, signal, false)
  }

  /** Asks how often a request has been carried out: a small read, met by the same faults except lost answers. */
  lookUp(request: UpstreamRequest, signal?: AbortSignal): Promise<number> {
    return this.#exchange(request, signal, true)
  }

  #exchange(request: UpstreamRequest, signal: AbortSignal | undefined, isLookUp: boolean): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason)
        return
      }
      // Drawn now and always as many, so that the luck of a request depends on nobody's decisions.
      const { random } = request
      const wayThereMs = this.#network(random)
      const wayBackMs = this.#network(random)
      const serviceMs = this.#serviceTime(random)
      const luck = random()
      this.#sent++
      this.#mostInFlight = Math.max(this.#mostInFlight, ++this.#inFlight)
      let answered = false
      const answer = (tell: () => void): void => {
        if (answered) return
        answered = true
        this.#inFlight--
        signal?.removeEventListener('abort', abort)
        tell()
      }
      const abort = (): void => answer(() => reject(signal?.reason))
      signal?.addEventListener('abort', abort)
      const settle = (at: number, error?: UpstreamError): void => {
        this.#clock.receiveAt(at + wayBackMs, () =>
          answer(() => (error === undefined ? resolve(this.executions(request.id)) : reject(error))),
        )
      }
      const arrivesAt = this.#clock.now() + wayThereMs
      this.#clock.receiveAt(arrivesAt, () => {
        const fault = this.#faultFor(request, arrivesAt, luck, isLookUp)
        this.#arrive({ id: isLookUp ? undefined : request.id, serviceMs, settle, fault, lost: false }, arrivesAt)
      })
    })
  }

  #faultFor(request: UpstreamRequest, at: number, luck: number, isLookUp: boolean): Fault | undefined {
    const time = at - this.#beganAt
    let from = 0
    for (const fault of this.#faults) {
      const { fromMs = 0, toMs = Number.POSITIVE_INFINITY, share = 1, when } = fault
      if (time < fromMs || time >= toMs || (isLookUp && fault.type === 'lose-answer')) continue
      if (when !== undefined && !when(request)) continue
      // Faults that stand side by side share the luck among them: 10 % and 10 % meet 20 %.
      if (luck >= from && luck < from + share) return fault
      from += share
    }
    return undefined
  }

  #arrive(job: Job, at: number): void {
    const { fault, settle } = job
    if (fault?.type === 'refuse') return settle(at, UpstreamError.connectionRefused())
    if (fault?.type === 'hang') return
    const banMs = this.#limit?.admit(at) ?? 0
    if (banMs > 0) return settle(at, UpstreamError.status(429, banMs))
    if (fault?.type === 'status') return settle(at + QUICK_MS, UpstreamError.status(fault.status, fault.retryAfterMs))
    if (this.#working.size < this.#workers) this.#work(job, at)
    else if (this.#queue.length - this.#queueHead < this.#maxQueue) this.#queue.push(job)
    else settle(at + QUICK_MS, UpstreamError.status(503))
  }

  #work(job: Job, at: number): void {
    this.#working.add(job)
    const doneAt = at + job.serviceMs * this.#slowness(job, at)
    this.#clock.receiveAt(doneAt, () => this.#finish(job, doneAt))
  }

  #finish(job: Job, at: number): void {
    if (job.lost) return
    this.#working.delete(job)
    if (job.id !== undefined) this.#executions.set(job.id, this.executions(job.id) + 1)
    job.settle(at, job.fault?.type === 'lose-answer' ? UpstreamError.connectionReset() : undefined)
    const next = this.#queue[this.#queueHead]
    if (next === undefined) return
    if (++this.#queueHead >= 1_000) {
      this.#queue.splice(0, this.#queueHead)
      this.#queueHead = 0
    }
    this.#work(next, at)
  }

  /** What waited in it until the trouble was over is quick. */
  #slowness({ fault }: Job, at: number): number {
    if (fault?.type !== 'slow') return 1
    return at - this.#beganAt < (fault.toMs ?? Number.POSITIVE_INFINITY) ? fault.factor : 1
  }

  /** A fault that takes the whole upstream takes what it is working on with it. */
  #bringDown({ type, fromMs = 0, share, when }: Fault): void {
    if ((type !== 'refuse' && type !== 'hang') || share !== undefined || when !== undefined) return
    const at = this.#beganAt + fromMs
    this.#clock.receiveAt(at, () => {
      for (const job of [...this.#working, ...this.#queue.slice(this.#queueHead)]) {
        job.lost = true
        if (type === 'refuse') job.settle(at, UpstreamError.connectionReset())
      }
      this.#working.clear()
      this.#queue.length = 0
      this.#queueHead = 0
    })
  }
}

function checkUpstream({ workers, maxQueue, limit, faults = [] }: UpstreamOptions): void {
  checkWhole('upstream.workers', workers, 1)
  checkNumber('upstream.maxQueue', maxQueue, { least: 0 })
  checkWhole('upstream.limit.requests', limit?.requests, 1)
  checkNumber('upstream.limit.windowMs', limit?.windowMs, { above: 0 })
  for (const fault of faults) {
    checkNumber('upstream.faults.share', fault.share, { least: 0, most: 1 })
    checkNumber('upstream.faults.fromMs', fault.fromMs, { least: 0 })
    checkNumber('upstream.faults.toMs', fault.toMs, { least: fault.fromMs ?? 0 })
    if (fault.type === 'slow') checkNumber('upstream.faults.factor', fault.factor, { above: 0 })
  }
}

/** Makes an upstream. @throws InvalidOptionError @see UpstreamOptions */
export function simulateUpstream(options: UpstreamOptions): SimulatedUpstream {
  return new SimulatedUpstream(options)
}
