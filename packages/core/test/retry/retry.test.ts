import { Writable } from 'node:stream'
import { VirtualClock } from '@holdfast/testing'
import { type Logger, RetriesExhaustedError, type RetryNotice, type RetryOptions, retry } from 'holdfast'
import { pino } from 'pino'
import { describe, expect, it } from 'vitest'
import { collectReports, networkError, rejection, statusError, turnedAway } from '../support.ts'

class OutOfCoffee extends Error {}

/** Runs a function that fails with these errors, one after the other, and then returns 'done'. */
function run(errors: readonly unknown[], options: RetryOptions & { signal?: AbortSignal; idempotent?: boolean } = {}) {
  const clock = new VirtualClock()
  const times: number[] = []
  const result = retry(
    ({ attempt }) => {
      times.push(clock.now())
      if (attempt <= errors.length) throw errors[attempt - 1]
      return 'done'
    },
    { jitter: 'none', clock, ...options },
  )
  return { clock, times, result }
}

describe('retry', () => {
  it('tries three times more, after 1, 2 and 4 s without jitter', async () => {
    const { clock, times, result } = run(new Array<Error>(4).fill(networkError('ECONNRESET')), {
      service: 'alpaca',
      operation: 'getAccount',
    })
    const error = rejection(result)
    await clock.runToRest()
    expect(times).toEqual([0, 1_000, 3_000, 7_000])
    expect(await error).toBeInstanceOf(RetriesExhaustedError)
    expect(await error).toMatchObject({
      service: 'alpaca',
      operation: 'getAccount',
      reason: 'max-retries',
      cause: { code: 'ECONNRESET' },
      attempts: [
        { attempt: 1, delayMs: 1_000, durationMs: undefined },
        { attempt: 2, delayMs: 2_000 },
        { attempt: 3, delayMs: 4_000 },
        { attempt: 4, delayMs: 0 },
      ],
    })
    expect(String(await error)).toContain('failed 4 times and no retry is left (last: connect ECONNRESET)')
  })

  it('returns what the first attempt that succeeds returns', async () => {
    const { clock, result } = run([networkError('ETIMEDOUT')])
    await clock.runToRest()
    expect(await result).toBe('done')
  })

  it('jitters fully unless told otherwise', async () => {
    const { clock, times, result } = run([networkError('ETIMEDOUT')], { jitter: undefined, random: () => 0.25 })
    await clock.runToRest()
    await result
    expect(times).toEqual([0, 250])
  })

  it.each([
    ['a reset', networkError('ECONNRESET')],
    ['a refused connection', networkError('ECONNREFUSED')],
    ['an address that does not resolve now', networkError('EAI_AGAIN')],
    ['a timeout', new DOMException('too late', 'TimeoutError')],
    ...[408, 425, 429, 500, 502, 503, 504].map((status): [string, Error] => [`status ${status}`, statusError(status)]),
  ])('repeats after %s', async (_name, error) => {
    const { clock, times, result } = run([error])
    await clock.runToRest()
    await result
    expect(times).toHaveLength(2)
  })

  it.each([
    ['an error of the program', new TypeError('x is not a function')],
    ...[400, 401, 403, 404, 409, 418, 422, 501].map((status): [string, Error] => [
      `status ${status}`,
      statusError(status),
    ]),
    ['a bad certificate', networkError('CERT_HAS_EXPIRED')],
    ['a cancellation', new DOMException('given up', 'AbortError')],
    ['undefined', undefined],
  ])('lets %s through as it is, at once', async (_name, error) => {
    const { times, result } = run([error])
    expect(await rejection(result)).toBe(error)
    expect(times).toHaveLength(1)
  })

  it('goes by the whitelist where there is one: classes, codes, statuses and predicates', async () => {
    const retryOn = [OutOfCoffee, 'EWEIRD', 418, (error: unknown): boolean => error === 'again']
    for (const error of [new OutOfCoffee('empty'), networkError('EWEIRD'), statusError(418), 'again']) {
      const { clock, times, result } = run([error], { retryOn })
      await clock.runToRest()
      await result
      expect(times).toHaveLength(2)
    }
    const { result } = run([networkError('ECONNRESET')], { retryOn })
    expect(await rejection(result)).toMatchObject({ code: 'ECONNRESET' })
  })

  it('finds codes of the whitelist in causes', async () => {
    const { clock, times, result } = run([new Error('wrapped', { cause: networkError('EWEIRD') })], {
      retryOn: ['EWEIRD'],
    })
    await clock.runToRest()
    await result
    expect(times).toHaveLength(2)
  })

  it('does not repeat what says of itself that it cannot be repeated, listed or not, idempotent or not', async () => {
    const error = Object.assign(statusError(429), { retryable: false })
    const { result, times } = run([error], { idempotent: true })
    expect(await rejection(result)).toBe(error)
    expect(times).toHaveLength(1)
    const listed = run([error], { retryOn: [429] })
    expect(await rejection(listed.result)).toBe(error)
  })

  it('takes a predicate that throws for a no, and reports it', async () => {
    const { reports, onHookError } = collectReports()
    const retryOn = [
      (): boolean => {
        throw new Error('oops')
      },
    ]
    const { result } = run(['bad'], { retryOn, onHookError })
    expect(await rejection(result)).toBe('bad')
    expect(reports).toMatchObject([[{ message: 'oops' }, 'retryOn']])
  })

  it('obeys Retry-After when that is longer, up to maxDelayMs', async () => {
    const { clock, times, result } = run([statusError(503, 5_000), statusError(429, 500), statusError(503, 99_000)], {
      maxDelayMs: 10_000,
    })
    await clock.runToRest()
    await result
    expect(times).toEqual([0, 5_000, 7_000, 17_000])
  })

  it('begins no retry later than maxElapsedMs after the first attempt', async () => {
    const { clock, times, result } = run(new Array<Error>(9).fill(networkError('ECONNRESET')), {
      maxRetries: 9,
      maxElapsedMs: 3_000,
    })
    const error = rejection(result)
    await clock.runToRest()
    expect(await error).toMatchObject({ reason: 'max-elapsed' })
    expect(times).toEqual([0, 1_000, 3_000])
  })

  it('does not try again with maxRetries 0, and throws the error as it is', async () => {
    const error = networkError('ECONNRESET')
    const { times, result } = run([error], { maxRetries: 0 })
    expect(await rejection(result)).toBe(error)
    expect(times).toHaveLength(1)
  })

  it('is woken from its wait at once by the caller who gives up', async () => {
    const controller = new AbortController()
    const { clock, result } = run([networkError('ECONNRESET')], { signal: controller.signal })
    const error = rejection(result)
    await clock.advance(500)
    controller.abort(new Error('no longer wanted'))
    expect(await error).toMatchObject({ message: 'no longer wanted' })
    expect(clock.pendingTimers).toBe(0)
  })

  describe('of what is not idempotent', () => {
    it.each([
      ['never sent', networkError('ECONNREFUSED'), 2],
      ['refused', statusError(429), 2],
      ['refused by a server that says when to come back', turnedAway(), 2],
      ['perhaps done, says a 503 that only the SDK gives a time', statusError(503, 1_000), 1],
      ['perhaps done', networkError('ECONNRESET'), 1],
      ['perhaps done, says a 503', statusError(503), 1],
      ['perhaps done, says a timeout', new DOMException('too late', 'TimeoutError'), 1],
    ])('repeats only what was not done: %s', async (_name, error, attempts) => {
      const { clock, times, result } = run([error], { idempotent: false })
      const settled = result.catch((caught: unknown) => caught)
      await clock.runToRest()
      expect(await settled).toBe(attempts === 2 ? 'done' : error)
      expect(times).toHaveLength(attempts)
    })

    it('is what nobody vouches for under assumeIdempotent: false', async () => {
      const error = networkError('ECONNRESET')
      expect(await rejection(run([error], { assumeIdempotent: false }).result)).toBe(error)
      const { clock, result } = run([error], { assumeIdempotent: false, idempotent: true })
      await clock.runToRest()
      expect(await result).toBe('done')
    })
  })
})

describe('what is told of retries', () => {
  it('goes to onRetry before each wait', async () => {
    const notices: RetryNotice[] = []
    const error = networkError('ECONNRESET')
    const { clock, result } = run([error], {
      service: 'alpaca',
      operation: 'getAccount',
      onRetry: (notice) => notices.push(notice),
    })
    expect(notices).toEqual([{ service: 'alpaca', operation: 'getAccount', attempt: 1, delayMs: 1_000, error }])
    await clock.runToRest()
    await result
  })

  it('does no harm when the hook or the logger throws', async () => {
    const { reports, onHookError } = collectReports()
    const oops = (): never => {
      throw new Error('oops')
    }
    const logger: Logger = { debug: oops, info: oops, warn: oops, error: oops }
    const { clock, result } = run([networkError('ECONNRESET')], { onRetry: oops, logger, onHookError })
    await clock.runToRest()
    expect(await result).toBe('done')
    expect(reports.map(([, where]) => where)).toEqual(['onRetry', 'logger'])
  })

  it('is written as structured records, without the message, by pino as well', async () => {
    const lines: unknown[] = []
    const sink = new Writable({
      write(chunk: Buffer, _encoding, done) {
        lines.push(JSON.parse(chunk.toString()))
        done()
      },
    })
    const error = Object.assign(networkError('ECONNRESET'), { message: 'GET /?apiKey=secret failed' })
    const { clock, result } = run([error, error], {
      service: 'polygon',
      operation: 'getBars',
      maxRetries: 1,
      logger: pino({ base: null, timestamp: false }, sink),
    })
    const failed = rejection(result)
    await clock.runToRest()
    await failed
    const common = { service: 'polygon', operation: 'getBars', errorCode: 'ECONNRESET', kind: 'may-have-happened' }
    expect(lines).toEqual([
      { level: 40, event: 'retry', attempt: 1, delayMs: 1_000, msg: 'attempt failed, retrying', ...common },
      {
        level: 50,
        event: 'retries-exhausted',
        attempt: 2,
        delayMs: 0,
        reason: 'max-retries',
        msg: 'attempt failed, giving up',
        ...common,
      },
    ])
  })
})
