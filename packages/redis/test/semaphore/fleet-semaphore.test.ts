/** The semaphore of a fleet, in virtual time. */
import { type ModelConnection, RedisModel, seededRandom, VirtualClock } from '@holdfast/testing'
import { BulkheadFullError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { Fleet } from '../../src/fleet.ts'
import { type FleetSemaphore, type FleetSlot, FleetSlotLostError, fleetSemaphore } from '../../src/index.ts'

interface Member {
  readonly fleet: Fleet
  readonly connection: ModelConnection
  readonly semaphore: FleetSemaphore
}

const OPTIONS = { maxConcurrent: 2, acquireTimeoutMs: 500, slotLeaseMs: 2_000 }

async function members(clock: VirtualClock, redis: RedisModel, count: number): Promise<Member[]> {
  const all = Array.from({ length: count }, (_, index) => {
    const connection = redis.connect()
    const fleet = new Fleet(connection, { redis: connection, clock, processId: `p${index}` })
    void fleet.begin()
    return { fleet, connection, semaphore: fleetSemaphore(fleet, 'stream', OPTIONS) }
  })
  // Nobody is given a slot for as long as one lasts: somebody may hold it from before.
  await clock.advance(2_500)
  return all
}

/** Asks for a slot; what comes of it stands in the list. */
function take(member: Member, into: (FleetSlot | unknown)[]): void {
  void member.semaphore.acquire().then(
    (slot) => into.push(slot),
    (error: unknown) => into.push(error),
  )
}

describe('the semaphore of a fleet', () => {
  it('gives its slots to all processes together, and says when there are none', async () => {
    const clock = new VirtualClock()
    const all = await members(clock, new RedisModel(clock), 3)
    const got: unknown[] = []
    for (const member of all) take(member, got)
    await clock.advance(600)
    expect(got.filter((one) => one instanceof BulkheadFullError)).toHaveLength(1)
    expect(all.map(({ semaphore }) => semaphore.snapshot().held).sort()).toEqual([0, 1, 1])
  })

  it('gives a slot that comes back to one who waits elsewhere', async () => {
    const clock = new VirtualClock()
    const [first, second] = (await members(clock, new RedisModel(clock), 2)) as [Member, Member]
    const got: FleetSlot[] = []
    take(first, got)
    take(first, got)
    await clock.advance(10)
    const waited: unknown[] = []
    take(second, waited)
    await clock.advance(100)
    got[0]?.release()
    got[0]?.release()
    await clock.advance(100)
    expect(second.semaphore.snapshot().held).toBe(1)
    expect(first.semaphore.snapshot().held).toBe(1)
  })

  it('frees the slot of a holder that dies, when its lease lapses', async () => {
    const clock = new VirtualClock()
    const [dying, other] = (await members(clock, new RedisModel(clock), 2)) as [Member, Member]
    const got: unknown[] = []
    take(dying, got)
    take(dying, got)
    await clock.advance(10)
    dying.connection.arrives = false
    dying.connection.connected = false
    let tookMs = 0
    const slots: unknown[] = []
    while (other.semaphore.snapshot().held === 0 && tookMs < 10_000) {
      take(other, slots)
      await clock.advance(600)
      tookMs += 600
    }
    expect(tookMs).toBeLessThanOrEqual(3_000)
  })

  it('tells a holder whose lease lapsed although it lives', async () => {
    const clock = new VirtualClock()
    const [holder] = (await members(clock, new RedisModel(clock), 1)) as [Member]
    const got: FleetSlot[] = []
    take(holder, got)
    await clock.advance(10)
    holder.connection.arrives = false
    await clock.advance(2_200)
    expect(got[0]?.signal.aborted).toBe(true)
    expect(got[0]?.signal.reason).toBeInstanceOf(FleetSlotLostError)
    expect(holder.semaphore.snapshot()).toMatchObject({ held: 0, totals: { lost: 1 } })
  })

  it('lets holders go on, and gives no slot to others, when Redis comes back empty', async () => {
    const clock = new VirtualClock()
    const redis = new RedisModel(clock)
    const [holder, other] = (await members(clock, redis, 2)) as [Member, Member]
    const got: FleetSlot[] = []
    take(holder, got)
    take(holder, got)
    await clock.advance(10)
    redis.lose()
    const refused: unknown[] = []
    take(other, refused)
    await clock.advance(3_000)
    expect(got.map(({ signal }) => signal.aborted)).toEqual([false, false])
    expect(refused).toEqual([expect.any(BulkheadFullError)])
  })

  it('never has more holders than slots, whatever becomes of Redis and of single processes', async () => {
    for (let seed = 0; seed < 12; seed++) {
      const clock = new VirtualClock()
      const random = seededRandom(seed)
      const redis = new RedisModel(clock)
      const all = await members(clock, redis, 4)
      const holding = new Set<FleetSlot>()
      let most = 0
      let admitted = 0
      for (let turn = 0; turn < 400; turn++) {
        const member = all[Math.floor(random() * 4)] as Member
        void member.semaphore.acquire().then(
          (slot) => {
            admitted++
            holding.add(slot)
            slot.signal.addEventListener('abort', () => holding.delete(slot))
            const release = (): void => {
              holding.delete(slot)
              slot.release()
            }
            clock.setTimer(release, random() * 3_000)
          },
          () => undefined,
        )
        if (random() < 0.02) redis.lose()
        if (random() < 0.02) redis.restart()
        if (random() < 0.04) member.connection.arrives = false
        if (random() < 0.2) member.connection.arrives = true
        await clock.advance(random() * 100)
        most = Math.max(most, holding.size)
      }
      expect([seed, most <= 2, admitted > 5]).toEqual([seed, true, true])
    }
  })
})
