/** The figures in the docs are those of the code: each table of options against its rules, each default against what happens. */
import { VirtualClock } from '@holdfast/testing'
import {
  Bulkhead,
  type CallOptions,
  CircuitBreaker,
  createResilience,
  PROFILES,
  pipeline,
  RateLimiter,
  type RetryNotice,
  type RetrySettings,
  type ServiceSettings,
} from 'holdfast'
import { describe, expect, it } from 'vitest'
import { ADAPTIVE_LIMIT_RULES } from '../packages/core/src/bulkhead/adaptive-limit.ts'
import { BULKHEAD_RULES } from '../packages/core/src/bulkhead/bulkhead.ts'
import { CIRCUIT_BREAKER_RULES } from '../packages/core/src/circuit-breaker/circuit-breaker-options.ts'
import { HEDGE_RULES } from '../packages/core/src/hedge/hedge-policy.ts'
import type { Rule } from '../packages/core/src/options.ts'
import { PIPELINE_RULES } from '../packages/core/src/pipeline/pipeline.ts'
import { RATE_LIMITER_RULES } from '../packages/core/src/rate-limiter/rate-limiter-options.ts'
import { RETRY_BUDGET_RULES } from '../packages/core/src/retry/retry-budget.ts'
import { RETRY_RULES } from '../packages/core/src/retry/retry-options.ts'
import { RESILIENCE_RULES } from '../packages/core/src/service/resilience.ts'
import { ADAPTIVE_THROTTLE_RULES } from '../packages/core/src/throttle/adaptive-throttle.ts'
import { documentAt, tableOf } from './support/markdown.ts'

const OPTIONS = ['option', 'unit', 'default', 'rule']

const RULES: readonly (readonly [string, Readonly<Record<string, Rule>>])[] = [
  ['circuit-breaker', CIRCUIT_BREAKER_RULES],
  ['retry-budget', RETRY_BUDGET_RULES],
  ['hedge', HEDGE_RULES],
  ['throttle', ADAPTIVE_THROTTLE_RULES],
  ['adaptive-limit', ADAPTIVE_LIMIT_RULES],
  ['retry', RETRY_RULES],
  ['rate-limiter', RATE_LIMITER_RULES],
  ['bulkhead', BULKHEAD_RULES],
  ['pipeline', PIPELINE_RULES],
  ['services', RESILIENCE_RULES],
]

const optionsOf = async (pattern: string) => tableOf(await documentAt(`docs/patterns/${pattern}.md`), OPTIONS)

/** The column of defaults of a pattern's table, for the options that are asked for. */
async function documented(pattern: string, options: readonly string[]): Promise<Record<string, unknown>> {
  const table = await optionsOf(pattern)
  return Object.fromEntries(options.map((option) => [option, figureOf(table.get(option)?.[1])]))
}

/** A figure or a word of a table. */
function figureOf(cell: string | undefined): unknown {
  if (cell === 'true' || cell === 'false') return cell === 'true'
  return cell !== undefined && /^[\d,]+$|^\d+(\.\d+|e-\d+)$/.test(cell) ? Number(cell.replaceAll(',', '')) : cell
}

const hangUp = Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })

describe('the tables of options', () => {
  it.each(RULES)('of %s name every option with its rule', async (pattern, rules) => {
    const table = await optionsOf(pattern)
    const written = Object.fromEntries([...table].map(([option, [, , rule]]) => [option, `it must be ${rule}`]))
    expect(written).toEqual(Object.fromEntries(Object.entries(rules).map(([option, { says }]) => [option, says])))
  })
})

describe('the table of the options of a call', () => {
  it('names every one', async () => {
    const options: Record<keyof CallOptions, true> = {
      ...{ operation: true, idempotent: true, signal: true, timeoutMs: true, deadlineMs: true },
      ...{ client: true, key: true, cost: true, priority: true },
    }
    const table = tableOf(await documentAt('docs/patterns/pipeline.md'), ['option', 'unit', 'default', 'meaning'])
    expect([...table.keys()].sort()).toEqual(Object.keys(options).sort())
  })
})

describe('the table of a snapshot', () => {
  it('has every field of every part, and no other', async () => {
    const resilience = createResilience({ services: { alpaca: { profile: 'BROKER', throttle: {} } } })
    await resilience.service('alpaca').execute(() => 'account')
    const { services, stalls } = resilience.snapshot()
    const parts = new Map<string, object>([['stalls', stalls]])
    const collect = (path: string, part: object): void => {
      parts.set(path === '' ? 'service' : path, part)
      for (const [field, value] of Object.entries(part)) {
        if (typeof value === 'object' && value !== null && field !== 'keys')
          collect(path === '' ? field : `${path}.${field}`, value)
      }
    }
    collect('', services.alpaca ?? {})
    const table = tableOf(await documentAt('docs/patterns/events-and-snapshots.md'), ['part', 'fields'])
    expect(Object.fromEntries([...table].map(([part, [written]]) => [part, written]))).toEqual(
      Object.fromEntries([...parts].map(([part, value]) => [part, Object.keys(value).join(', ')])),
    )
  })
})

describe('the defaults in the docs are those of', () => {
  it('the circuit breaker', async () => {
    const clock = new VirtualClock()
    const breaker = new CircuitBreaker('alpaca', { clock })
    while (breaker.state === 'CLOSED') breaker.tryEnter().fail(hangUp)
    const recoveryTimeoutMs = breaker.retryAfterMs ?? 0
    const failureThreshold = breaker.failureCount
    await clock.advance(recoveryTimeoutMs)
    const probes = [breaker.tryEnter()]
    while (breaker.retryAfterMs === 0) probes.push(breaker.tryEnter())
    const maxProbes = probes.length
    const probeTimeoutMs = breaker.retryAfterMs
    let successThreshold = 0
    while (breaker.state === 'HALF_OPEN') {
      const probe = probes.pop() ?? breaker.tryEnter()
      probe.succeed()
      successThreshold++
    }
    const observed = { failureThreshold, recoveryTimeoutMs, maxProbes, successThreshold, probeTimeoutMs }
    expect(observed).toEqual(await documented('circuit-breaker', Object.keys(observed)))
  })

  it('the retry', async () => {
    const delaysOf = async (retry: RetrySettings, random = 1): Promise<number[]> => {
      const clock = new VirtualClock()
      const delays: number[] = []
      const onRetry = ({ delayMs }: RetryNotice): void => void delays.push(delayMs)
      const failing = pipeline({ clock, random: () => random, retry: { ...retry, onRetry } })
      const ended = failing.execute(() => Promise.reject(hangUp)).catch(() => undefined)
      await clock.runToRest(Number.POSITIVE_INFINITY)
      await ended
      return delays
    }
    const delays = await delaysOf({})
    const observed = {
      maxRetries: delays.length,
      baseDelayMs: delays[0],
      maxDelayMs: Math.max(...(await delaysOf({ maxRetries: 20 }))),
      jitter: (await delaysOf({}, 0))[0] === 0 ? 'full' : 'another',
      assumeIdempotent: delays.length > 0,
    }
    expect(observed).toEqual(await documented('retry', Object.keys(observed)))
  })

  it('the rate limiter', async () => {
    const limiter = new RateLimiter({ tokensPerSecond: 0.001, clock: new VirtualClock() })
    expect(limiter.snapshot().burstSize).toBe(1)
    expect(new RateLimiter({ tokensPerSecond: 7 }).snapshot().burstSize).toBe(7)
    const crowd = new RateLimiter({ tokensPerSecond: 1_000, burstSize: 1, clock: new VirtualClock() })
    crowd.tryAcquire()
    for (let caller = 0; caller < 1_500; caller++) crowd.acquire().catch(() => undefined)
    const many = new RateLimiter({ perClient: { tokensPerSecond: 1 }, clock: new VirtualClock() })
    for (let client = 0; client < 100_500; client++) many.tryAcquire({ client })
    const observed = {
      maxWaitMs: limiter.maxWaitMs,
      maxQueue: crowd.snapshot().queued,
      maxClients: many.snapshot().clients,
    }
    expect(observed).toEqual(await documented('rate-limiter', Object.keys(observed)))
  })

  it('the bulkhead', async () => {
    const { maxConcurrent, maxQueue, acquireTimeoutMs } = new Bulkhead()
    const observed = { maxConcurrent, maxQueue, acquireTimeoutMs }
    expect(observed).toEqual(await documented('bulkhead', Object.keys(observed)))
  })
})

describe('the table of profiles', () => {
  const names = ['BROKER', 'DATA_PROVIDER', 'INTERNAL'] as const

  /** The fields of a profile by their paths. */
  function fieldsOf(settings: ServiceSettings): Map<string, unknown> {
    return new Map(
      Object.entries(settings).flatMap(([field, value]): [string, unknown][] =>
        typeof value === 'object'
          ? Object.entries(value).map(([inner, figure]) => [`${field}.${inner}`, figure])
          : [[field, value]],
      ),
    )
  }

  it.each(['docs/patterns/services.md', 'docs/architecture.md'])('in %s has the figures of the code', async (path) => {
    const table = tableOf(await documentAt(path), ['', 'pattern alone', ...names])
    for (const [index, name] of names.entries()) {
      const fields = fieldsOf(PROFILES[name])
      for (const [field, [alone, ...figures]] of table) {
        expect(figureOf(figures[index]), `${name}: ${field}`).toBe(fields.get(field) ?? figureOf(alone))
      }
      expect([...fields.keys()].filter((field) => !table.has(field))).toEqual([])
    }
  })

  it.each(['docs/patterns/services.md', 'docs/architecture.md'])(
    'in %s has the defaults of the patterns',
    async (path) => {
      const table = tableOf(await documentAt(path), ['', 'pattern alone', ...names])
      const patterns = {
        circuitBreaker: 'circuit-breaker',
        retry: 'retry',
        retryBudget: 'retry-budget',
        bulkhead: 'bulkhead',
      }
      for (const [pattern, document] of Object.entries(patterns)) {
        const options = await optionsOf(document)
        for (const [field, [alone]] of table) {
          const [owner, option = ''] = field.split('.')
          if (owner === pattern) expect(alone, field).toBe(options.get(option)?.[1])
        }
      }
    },
  )
})
