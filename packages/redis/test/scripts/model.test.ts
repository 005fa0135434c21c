/** The model of the scripts that virtual time runs on answers as a real server does. */
import { RedisModel, VirtualClock } from '@holdfast/testing'
import { type RedisServer, startRedisServer } from '@holdfast/testing/redis-server'
import fc from 'fast-check'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BE_PRESENT } from '../../src/scripts/be-present.ts'
import { HOLD_SLOTS } from '../../src/scripts/hold-slots.ts'
import { KEEP_CIRCUIT } from '../../src/scripts/keep-circuit.ts'
import { LEASE_TOKENS } from '../../src/scripts/lease-tokens.ts'
import type { Script } from '../../src/scripts/script.ts'
import { SEE_MEMBERS } from '../../src/scripts/see-members.ts'
import { TAKE_ONCE } from '../../src/scripts/take-once.ts'

const SETTINGS = { quiet: 1_000_000, settle: 1_000_000, keptMs: 60_000, silent: 400_000, reserved: 2_500_000 }
const GRAINS = 2 ** 40

/** The real script with one difference: it reads the time from a key, so that a test can move it. */
const timed = ({ lua }: Script): string => lua.replace("redis.call('TIME')", "redis.call('HMGET', 'time', 's', 'us')")

const processes = ['p1', 'p2', 'p3'] as const
const process = fc.constantFrom(...processes)
const lateness = fc.constantFrom<'none' | 'early' | 'late'>('none', 'none', 'early', 'late')
const tokens = fc.integer({ min: 0, max: 40 }).map((quarters) => quarters / 4)

const leaseOf = fc.record({
  bucket: fc.constantFrom('a', 'b'),
  held: tokens,
  back: tokens,
  need: fc.integer({ min: 1, max: 5 }),
  more: fc.integer({ min: 0, max: 20 }),
  asksForNothing: fc.boolean(),
  step: fc.constantFrom(1, 1, 1, 0),
  otherLimit: fc.constantFrom(false, false, false, false, true),
})

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('lease' as const),
      process,
      lateness,
      questions: fc.array(leaseOf, { minLength: 1, maxLength: 2 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('once' as const),
      process,
      lateness,
      takes: fc.array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.integer({ min: 1, max: 4 })), {
        // None: only tidies up.
        minLength: 0,
        maxLength: 4,
      }),
      wantsAlike: fc.boolean(),
      otherLimit: fc.constantFrom(false, false, false, false, false, true),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('slots' as const),
      process,
      lateness,
      acts: fc.array(fc.tuple(fc.constantFrom('take', 'take', 'keep', 'give'), fc.constantFrom('x', 'y', 'z')), {
        maxLength: 4,
      }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('circuit' as const),
      process,
      lateness,
      act: fc.constantFrom('look', 'report', 'report', 'well', 'claim', 'claim', 'succeeded', 'failed', 'release'),
      knowsGeneration: fc.constantFrom(true, true, false),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('present' as const),
      process,
      lateness,
      stays: fc.constantFrom(true, true, true, false),
      uses: fc.constantFrom(false, false, false, true),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('see' as const), process, lateness }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('time' as const), us: fc.integer({ min: 0, max: 150_000 }) }) },
  // A silence, and a clock that goes back.
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('time' as const), us: fc.constantFrom(-5e6, -1_000, 3e6) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flush' as const) }) },
)

type Command = typeof command extends fc.Arbitrary<infer One> ? One : never

/** A question of a process that asks for that many tokens; what it held it has spent. */
const asks = (process: (typeof processes)[number], need: number): Command => ({
  kind: 'lease',
  process,
  lateness: 'none',
  questions: [{ bucket: 'a', held: 0, back: 0, need, more: 0, asksForNothing: false, step: 1, otherLimit: false }],
})

/** All leases lapse, of which one is not asked for again; then one more lapses while another does not. */
const LAPSED_TOGETHER: Command[] = [
  asks('p1', 8),
  { kind: 'time', us: 300_000 },
  asks('p2', 4),
  { kind: 'time', us: 150_000 },
  asks('p3', 3),
  { kind: 'time', us: 110_000 },
  asks('p3', 3),
  { kind: 'time', us: 150_000 },
  asks('p3', 1),
]

describe('the model of the scripts', () => {
  let server: RedisServer
  let redis: Redis

  beforeAll(async () => {
    server = await startRedisServer()
    redis = new Redis(server.port)
  })

  afterAll(async () => {
    redis.disconnect()
    await server.close()
  })

  it('answers any sequence of commands as a real server does', async () => {
    const limit = fc.record({
      rate: fc.constantFrom(0.08, 10 / 3, 20, 200),
      burst: fc.constantFrom(1, 2.5, 10, 20, 1_000),
      shared: fc.constantFrom(1, -1),
    })
    await fc.assert(
      fc.asyncProperty(
        limit,
        fc.array(command, { minLength: 10, maxLength: 80 }),
        async ({ rate, burst, shared }, commands) => {
          await redis.flushall()
          const clock = new VirtualClock()
          let steppedMs = 0
          const model = new RedisModel({
            now: () => clock.now() + steppedMs,
            wallTime: () => clock.wallTime(),
            setTimer: (callback, delayMs, keepsAlive) => clock.setTimer(callback, delayMs, keepsAlive),
            block: (durationMs) => clock.block(durationMs),
          })
          const grains = burst > 2 ** 10 ? 2 ** (51 - Math.floor(Math.log2(burst)) - 1) : GRAINS
          let question = 1
          const parts = new Map<string, number>()
          const using = new Set<string>()
          const both = async (script: Script, asker: string, late: string, keys: string[], args: unknown[]) => {
            const us = model.now
            await redis.hset('time', 's', String(Math.floor(us / 1_000_000)), 'us', String(us % 1_000_000))
            const notAfter = late === 'none' ? 0 : late === 'early' ? us + 1 : us - 1
            const { quiet, settle, keptMs, silent, reserved } = SETTINGS
            const shares = [parts.get(asker) ?? 0, using.has(asker) ? 1 : 0]
            const head = [asker, notAfter, quiet, settle, keptMs, silent, reserved, ...shares]
            const texts = [...head, ...args].map(String)
            const real = await redis.eval(timed(script), keys.length + 2, 'm', 'members', ...keys, ...texts)
            expect([script.name, ...(Array.isArray(real) ? real : [real])].map(comparable)).toEqual(
              [script.name, ...model.run(script.name, ['m', 'members', ...keys], texts)].map(comparable),
            )
            return Array.isArray(real) && script === BE_PRESENT && real.length > 4 ? Number(real[4]) : undefined
          }
          // Memory has begun and is full.
          for (let turn = 0; turn < 4; turn++) {
            await both(BE_PRESENT, 'p0', 'none', [], [1])
            await clock.advance(turn < 3 ? 990 : 10)
          }
          for (const one of commands) {
            if (one.kind === 'time') {
              if (one.us >= 0) await clock.advance(one.us / 1_000)
              else steppedMs += one.us / 1_000
            } else if (one.kind === 'flush') {
              await redis.flushall()
              model.flush()
            } else if (one.kind === 'see') {
              await both(SEE_MEMBERS, one.process, one.lateness, [], [])
            } else if (one.kind === 'present') {
              if (one.uses) using.add(one.process)
              else using.delete(one.process)
              const part = await both(BE_PRESENT, one.process, one.lateness, [], [one.stays ? 1 : 0])
              if (part !== undefined) parts.set(one.process, part)
            } else if (one.kind === 'slots') {
              await both(HOLD_SLOTS, one.process, one.lateness, ['slots'], [2, 500_000, ...one.acts.flat()])
            } else if (one.kind === 'circuit') {
              const known = Number(await redis.hget('circuit', 'generation'))
              const figures = [3, 2, 400_000, 100_000, 50_000, 600_000, one.knowsGeneration ? known : known - 1]
              const args = [one.act, ...figures, 'changes', 'timed out']
              await both(KEEP_CIRCUIT, one.process, one.lateness, ['circuit', 'reports', 'probe'], args)
            } else if (one.kind === 'once') {
              const names = one.takes.map(([bucket]) => bucket)
              const wanted = one.takes.map(([, want]) => want * grains)
              await both(
                TAKE_ONCE,
                one.process,
                one.lateness,
                ['limit:0', 'limit:1'],
                [
                  one.otherLimit ? rate * 2 : shared * rate,
                  burst,
                  50_000,
                  one.wantsAlike ? (wanted[0] ?? 0) : 0,
                  names.join('\n'),
                  ...(one.wantsAlike ? [] : wanted),
                ],
              )
            } else {
              const keys = one.questions.flatMap(({ bucket }) => ['limit:0', 'limit:1', `${bucket}:leases`])
              const args = one.questions.flatMap((asked) => {
                question += asked.step
                const need = asked.asksForNothing ? 0 : asked.need * grains
                const want = asked.asksForNothing ? 0 : (asked.need + asked.more) * grains
                return [
                  asked.otherLimit ? rate * 2 : shared * rate,
                  burst,
                  asked.bucket,
                  question,
                  asked.held * grains,
                  asked.back * grains,
                  need,
                  want,
                  250_000,
                ]
              })
              await both(LEASE_TOKENS, one.process, one.lateness, keys, args)
            }
          }
        },
      ),
      { numRuns: 150, examples: [[{ rate: 200, burst: 20, shared: 1 }, LAPSED_TOGETHER]] },
    )
  })
})

/** Numbers come as numbers or as texts. */
function comparable(value: unknown): unknown {
  return typeof value === 'string' && value !== '' && Number.isFinite(Number(value)) ? Number(value) : value
}
