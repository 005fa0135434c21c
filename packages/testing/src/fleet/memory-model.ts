/** Since when a group of buckets is remembered, and who of its processes may be on his own: as the scripts keep it. */

/** All shares together; they are counted in millionths. */
export const WHOLE = 1_000_000

/** One process. */
interface MemberModel {
  heard: number
  share: number
  used: number
}

/** What every script is told before its own arguments. */
export interface Head {
  readonly id: string
  readonly quiet: number
  readonly settle: number
  readonly silent: number
  readonly reserved: number
  readonly share: number
  readonly used: number
}

/** The head in the arguments of a script. */
export function headOf(args: readonly string[]): Head {
  const [quiet = 0, settle = 0, , silent = 0, reserved = 0, share = 0, used = 0] = args.slice(2, 9).map(Number)
  return { id: args[0] ?? '', quiet, settle, silent, reserved, share, used }
}

/** Times are microseconds of the server's clock. Plain data but for its methods: {@link copy} makes another with the same. */
export class MemoryModel {
  /** Since when buckets are remembered. */
  began = 0
  /** The clock of limits that are shared out without Redis. */
  flowed = 0
  /** Which part of a limit is free of shares that silent processes may be using. */
  speed = 0
  /** The largest share that is kept for a silent process. */
  largest = 0
  live = 0
  #run = 0
  #touched = 0
  #best = 0
  #scanned = 0
  #lost = -1
  #lostTill = 0
  readonly members: Map<string, MemberModel> = new Map()

  /** One with the same state. */
  copy(): MemoryModel {
    const copied = new MemoryModel()
    const { began, flowed, speed, largest, live } = this
    Object.assign(copied, { began, flowed, speed, largest, live })
    copied.#run = this.#run
    copied.#touched = this.#touched
    copied.#best = this.#best
    copied.#scanned = this.#scanned
    copied.#lost = this.#lost
    copied.#lostTill = this.#lostTill
    for (const [id, member] of this.members) copied.members.set(id, { ...member })
    return copied
  }

  /** A question arrives. @returns the time that counts */
  touch(head: Head, time: number, run: number): number {
    let now = time
    let isNew = run !== this.#run
    if (!isNew) {
      if (now < this.#touched && this.#touched - now < 1_000_000) now = this.#touched
      isNew = now < this.#touched || now - this.#touched > head.quiet
    }
    const usedBefore = this.#hear(head, now)
    let before = this.speed
    if (isNew || usedBefore !== head.used || now - this.#scanned >= head.quiet / 10) {
      this.speed = this.#scan(head, now)
      before = Math.min(before, this.speed)
      if (this.speed < this.#best / 2) isNew = true
      this.#best = Math.max(this.#best, this.speed)
    }
    if (isNew) {
      this.began = now + head.settle
      this.#best = this.speed
      this.flowed = this.began
    } else {
      this.flowed += Math.floor(Math.max(0, now - Math.max(this.#touched, this.began)) * before)
    }
    this.#run = run
    this.#touched = now
    return now
  }

  /** Allots the process its share. @returns what it is told */
  allot({ id, share }: Head): number {
    const member = this.members.get(id)
    if (member === undefined) return 0
    const free = WHOLE - (this.#allotted - member.share) - Math.max(0, this.#lost)
    const told = Math.max(0, Math.min(Math.floor(WHOLE / Math.max(2, this.members.size)), free))
    member.share = Math.max(share, told)
    return told
  }

  /** For each process, by name: its id, since when it is silent, its share, whether it uses it. */
  seen(now: number): (number | string)[] {
    const byName = [...this.members].sort(([one], [other]) => (one < other ? -1 : 1))
    return byName.flatMap(([id, { heard, share, used }]) => [id, now - heard, share, used])
  }

  /** The process has gone. */
  leave({ id }: Head): void {
    this.members.delete(id)
    this.live--
  }

  get #allotted(): number {
    return [...this.members.values()].reduce((sum, { share }) => sum + share, 0)
  }

  /** Hears of the process that asks. @returns whether it used its share before; undefined for one that is not known */
  #hear({ id, share, used, reserved }: Head, now: number): number | undefined {
    const member = this.members.get(id)
    if (member !== undefined) {
      const before = member.used
      Object.assign(member, { heard: now, used })
      return before
    }
    this.members.set(id, { heard: now, share, used })
    if (share > 0 && this.#lost < 0) {
      this.#lost = Math.max(0, WHOLE - this.#allotted)
      this.#lostTill = now + reserved
    } else if (share > 0) {
      this.#lost = Math.max(0, this.#lost - share)
    }
    return undefined
  }

  #scan({ silent, reserved }: Head, now: number): number {
    if (now >= this.#lostTill) this.#lost = Math.min(this.#lost, 0)
    let kept = Math.max(0, this.#lost)
    this.largest = kept
    this.#scanned = now
    this.live = 0
    for (const [id, member] of this.members) {
      const silentFor = now - member.heard
      if (silentFor > reserved) {
        this.members.delete(id)
        continue
      }
      if (silentFor > silent || member.used === 1) {
        kept += member.share
        this.largest = Math.max(this.largest, member.share)
      }
      if (silentFor <= silent) this.live++
    }
    return Math.max(0, WHOLE - kept) / WHOLE
  }
}
