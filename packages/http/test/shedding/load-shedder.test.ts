import { LoadShedder, type Priority } from '@holdfast/http'
import { seededRandom, VirtualClock } from '@holdfast/testing'
import type { Random } from 'holdfast'
import { describe, expect, it } from 'vitest'

const PRIORITIES = ['critical', 'normal', 'background'] as const

const admits = (shedder: LoadShedder) => PRIORITIES.filter((priority) => shedder.refusal(priority) === undefined)

describe('requests under way', () => {
  it('are bounded for each priority: half for background, four fifths for normal, all for critical', () => {
    const shedder = new LoadShedder({ maxInFlight: 10, clock: new VirtualClock() })
    const admitted: string[] = []
    for (let request = 0; request < 11; request++) {
      admitted.push(admits(shedder).join(' '))
      shedder.begin()
    }
    expect(admitted).toEqual([
      ...new Array(5).fill('critical normal background'),
      ...new Array(3).fill('critical normal'),
      ...new Array(2).fill('critical'),
      '',
    ])
    for (let request = 0; request < 11; request++) shedder.end()
    expect(admits(shedder)).toEqual(PRIORITIES)
  })

  it('may always be one of each kind', () => {
    const shedder = new LoadShedder({ maxInFlight: 1, clock: new VirtualClock() })
    expect(admits(shedder)).toEqual(PRIORITIES)
    shedder.begin()
    expect(admits(shedder)).toEqual([])
  })
})

describe("the event loop's delay", () => {
  it.each([
    [40, 'critical normal background'],
    [60, 'critical normal'],
    [110, 'critical'],
    [510, ''],
  ])('of %i ms with a bound of 50 admits: %s', (delayMs, admitted) => {
    const clock = new VirtualClock()
    const shedder = new LoadShedder({ maxEventLoopDelayMs: 50, clock })
    admits(shedder)
    clock.block(10 + delayMs)
    expect(admits(shedder).join(' ')).toBe(admitted)
  })
})

describe('a loop that has nothing but work', () => {
  it.each([
    [90, 'critical normal background'],
    [110, 'critical normal'],
    [210, 'critical'],
    [9_000, 'critical'],
  ])('for %i ms with a bound of 50 admits: %s', async (busyMs, admitted) => {
    const clock = new VirtualClock()
    const shedder = new LoadShedder({ maxEventLoopDelayMs: 50, clock }, () => 0)
    for (let passed = 0; passed < busyMs; passed += 5) {
      admits(shedder)
      clock.block(5)
      await clock.advance(0)
    }
    expect(admits(shedder).join(' ')).toBe(admitted)
  })
})

describe('who is turned away', () => {
  it('is told when to come back, what matters less later', () => {
    const shedder = new LoadShedder({ maxInFlight: 1, clock: new VirtualClock() })
    shedder.begin()
    const waits = PRIORITIES.map((priority) => shedder.refusal(priority)?.headers['retry-after'])
    expect(waits).toEqual(['1', '2', '5'])
    expect(JSON.parse(shedder.refusal('background')?.body ?? '')).toEqual({
      type: 'urn:holdfast:overloaded',
      title: 'The server is overloaded',
      status: 503,
      detail: expect.stringMatching(/as many requests.* background requests away; come back in 5 s/),
      retryAfter: 5,
      priority: 'background',
    })
  })

  it('is counted', () => {
    const shedder = new LoadShedder({ maxInFlight: 2, clock: new VirtualClock() })
    shedder.begin()
    admits(shedder)
    expect(shedder.snapshot()).toEqual({
      inFlight: 1,
      eventLoopDelayMs: 0,
      admitted: 1,
      shed: { critical: 0, normal: 1, background: 1 },
    })
  })
})

describe('what makes no sense', () => {
  it.each([
    [{}, 'loadShedding.maxInFlight'],
    [{ maxInFlight: 0 }, 'loadShedding.maxInFlight'],
    [{ maxInFlight: 1.5 }, 'loadShedding.maxInFlight'],
    [{ maxEventLoopDelayMs: Number.NaN }, 'loadShedding.maxEventLoopDelayMs'],
    [{ maxEventLoopDelayMs: 0 }, 'loadShedding.maxEventLoopDelayMs'],
  ])('%j is an error that names %s', (options, field) => {
    expect(() => new LoadShedder(options)).toThrowError(expect.objectContaining({ field }))
  })

  it('an option that does not exist is one, too', () => {
    const misspelt = { maxInFlight: 1, maxEventloopDelay: 5 }
    expect(() => new LoadShedder(misspelt)).toThrow(/did you mean maxEventLoopDelayMs/)
  })
})

interface Arrival {
  readonly at: number
  readonly priority: Priority
}

/** A process in virtual time. Its event loop turns as Node's does: what has arrived, one after another, then timers. */
class Process {
  readonly offered: Record<Priority, number> = { critical: 0, normal: 0, background: 0 }
  readonly inTime: Record<Priority, number> = { critical: 0, normal: 0, background: 0 }
  readonly #clock = new VirtualClock()
  readonly #random: Random
  readonly #shedder: LoadShedder | undefined
  /** How many of those who have come a turn takes in: a connection each, of which Node accepts one a turn, or all. */
  readonly #perTurn: number
  #idleMs = 0

  constructor(random: Random, isShedding: boolean, perTurn = Number.POSITIVE_INFINITY) {
    this.#random = random
    this.#perTurn = perTurn
    if (isShedding) {
      this.#shedder = new LoadShedder({ maxEventLoopDelayMs: 50, clock: this.#clock }, () => this.#idleMs)
    }
  }

  /** Requests of 5 ms come for half a minute, so many a second; a fifth is critical, a third background. */
  async carry(perSecond: number): Promise<void> {
    const coming: Arrival[] = []
    for (let at = 0; at < 30_000; at += (-Math.log(1 - this.#random()) * 1_000) / perSecond) {
      const draw = this.#random()
      const priority = draw < 0.2 ? 'critical' : draw < 0.66 ? 'normal' : 'background'
      this.offered[priority]++
      coming.push({ at, priority })
    }
    for (let next = coming[0], index = 0; next !== undefined; next = coming[index]) {
      const waitMs = Math.max(0, next.at - this.#clock.now())
      this.#idleMs += waitMs
      await this.#clock.advance(waitMs)
      const turn = this.#clock.now()
      const end = index + this.#perTurn
      for (; next !== undefined && next.at <= turn && index < end; next = coming[++index]) this.#answer(next)
    }
  }

  #answer({ at, priority }: Arrival): void {
    if (this.#shedder?.refusal(priority) !== undefined) {
      this.#clock.block(0.05)
      return
    }
    this.#shedder?.begin()
    this.#clock.block(5)
    this.#shedder?.end()
    if (this.#clock.now() - at <= 1_000) this.inTime[priority]++
  }

  share(priority: Priority): number {
    return this.inTime[priority] / this.offered[priority]
  }
}

describe('under twice the load that a process can carry', () => {
  it.each([1, 2, 3, 4, 5])('critical requests are answered within a second, 99 of 100 (seed %i)', async (seed) => {
    const process = new Process(seededRandom(seed), true)
    await process.carry(400)
    expect(process.share('critical')).toBeGreaterThanOrEqual(0.99)
    expect(process.share('background')).toBeLessThan(0.5)
    const answered = Object.values(process.inTime).reduce((sum, count) => sum + count)
    // It can answer 6,000 in that time.
    expect(answered).toBeGreaterThan(5_700)
  })

  it.each([1, 2, 3])('so are they where the queue stands in front of the process (seed %i)', async (seed) => {
    const process = new Process(seededRandom(seed), true, 1)
    await process.carry(400)
    expect(process.share('critical')).toBeGreaterThanOrEqual(0.99)
    expect(process.share('background')).toBeLessThan(0.5)
    const answered = Object.values(process.inTime).reduce((sum, count) => sum + count)
    expect(answered).toBeGreaterThan(5_700)
  })

  it('nothing is, where nothing is turned away', async () => {
    const process = new Process(seededRandom(1), false)
    await process.carry(400)
    expect(process.share('critical')).toBeLessThan(0.2)
  })

  it('and nothing is turned away under half of it', async () => {
    const process = new Process(seededRandom(1), true)
    await process.carry(100)
    expect(PRIORITIES.map((priority) => process.share(priority))).toEqual([1, 1, 1])
    const oneByOne = new Process(seededRandom(1), true, 1)
    await oneByOne.carry(100)
    expect(PRIORITIES.map((priority) => oneByOne.share(priority))).toEqual([1, 1, 1])
  })
})
