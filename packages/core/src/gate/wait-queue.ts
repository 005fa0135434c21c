import { PRIORITIES } from './priority.ts'
import type { QueuePlace } from './queue-place.ts'

/** Those who wait with one priority, in the order of their arrival. */
interface Lane {
  first: QueuePlace | undefined
  last: QueuePlace | undefined
  length: number
  /** How many tokens they want together. */
  cost: number
}

/** Those who wait, by priority and then by arrival. To come and to leave is one step, however many wait. */
export class WaitQueue {
  readonly #lanes: readonly Lane[] = PRIORITIES.map(() => ({ first: undefined, last: undefined, length: 0, cost: 0 }))
  #length = 0

  get length(): number {
    return this.#length
  }

  /** Goes to the end of a lane. */
  add(place: QueuePlace, index: number): void {
    const lane = this.#lanes[index]
    if (lane === undefined) throw new RangeError(`there is no lane ${index}`)
    place.lane = index
    place.next = undefined
    place.previous = lane.last
    if (lane.last === undefined) lane.first = place
    else lane.last.next = place
    lane.last = place
    lane.length++
    lane.cost += place.call.cost
    this.#length++
  }

  remove(place: QueuePlace): void {
    const { previous, next } = place
    const lane = this.#lanes[place.lane]
    if (lane === undefined) return
    if (previous === undefined) lane.first = next
    else previous.next = next
    if (next === undefined) lane.last = previous
    else next.previous = previous
    lane.length--
    // Fractions do not cancel out exactly; nothing is left of an empty lane.
    lane.cost = lane.length === 0 ? 0 : lane.cost - place.call.cost
    this.#length--
  }

  /** The first of a lane. */
  firstOf(index: number): QueuePlace | undefined {
    return this.#lanes[index]?.first
  }

  /** The one to make room for somebody more urgent: the last of the least urgent lane behind his. */
  lastBehind(index: number): QueuePlace | undefined {
    for (let lane = this.#lanes.length - 1; lane > index; lane--) {
      const last = this.#lanes[lane]?.last
      if (last !== undefined) return last
    }
    return undefined
  }

  /** How many wait whom a newcomer of a lane comes after. */
  lengthUpTo(index: number): number {
    return this.#lanes.reduce((length, lane, at) => (at <= index ? length + lane.length : length), 0)
  }

  /** How many tokens they want. */
  costUpTo(index: number): number {
    return this.#lanes.reduce((cost, lane, at) => (at <= index ? cost + lane.cost : cost), 0)
  }

  /** How many tokens those of one client among them want. */
  costOfClient(client: string | number | undefined, index: number): number {
    let cost = 0
    for (let lane = 0; lane <= index; lane++) {
      for (let place = this.firstOf(lane); place !== undefined; place = place.next) {
        if (place.client === client) cost += place.call.cost
      }
    }
    return cost
  }

  /** All who wait, in order. */
  all(): QueuePlace[] {
    const places: QueuePlace[] = []
    for (const lane of this.#lanes) {
      for (let place = lane.first; place !== undefined; place = place.next) places.push(place)
    }
    return places
  }
}
