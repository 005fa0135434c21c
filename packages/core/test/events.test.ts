import { retry } from 'holdfast'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { Listeners, reportHookError } from '../src/events.ts'
import { collectReports, networkError } from './support.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

describe('listeners', () => {
  it('are told in the order of their coming, each as often as it subscribed', () => {
    const listeners = new Listeners<number>('test', collectReports().onHookError)
    const told: string[] = []
    const twice = (n: number): void => {
      told.push(`b${n}`)
    }
    listeners.subscribe((n) => told.push(`a${n}`))
    const off = listeners.subscribe(twice)
    listeners.subscribe(twice)
    listeners.emit(1)
    off()
    off()
    listeners.emit(2)
    expect(told).toEqual(['a1', 'b1', 'b1', 'a2', 'b2'])
  })

  it('hear of what one of them causes after what they are hearing now', () => {
    const listeners = new Listeners<number>('test', collectReports().onHookError)
    const told: string[] = []
    listeners.subscribe((n) => {
      told.push(`a${n}`)
      if (n === 1) listeners.emit(2)
    })
    listeners.subscribe((n) => told.push(`b${n}`))
    listeners.emit(1)
    expect(told).toEqual(['a1', 'b1', 'a2', 'b2'])
  })

  it('may come and go while they are told', () => {
    const listeners = new Listeners<number>('test', collectReports().onHookError)
    const told: string[] = []
    const off = listeners.subscribe((n) => {
      told.push(`a${n}`)
      off()
      listeners.subscribe((m) => told.push(`late${m}`))
    })
    listeners.emit(1)
    listeners.emit(2)
    expect(told).toEqual(['a1', 'late2'])
    expect(listeners.any).toBe(true)
  })
})

describe('code of the user’s that is asynchronous', () => {
  it('is reported when it rejects, and does not end the process', async () => {
    const { onHookError, reports } = collectReports()
    const listeners = new Listeners<number>('test', onHookError)
    const told: number[] = []
    listeners.subscribe(async () => {
      throw new Error('the pager')
    })
    listeners.subscribe((n) => told.push(n))
    listeners.emit(1)
    const onRetry = async (): Promise<void> => {
      throw new Error('the hook')
    }
    await retry(({ attempt }) => (attempt === 1 ? Promise.reject(networkError('ECONNRESET')) : attempt), {
      baseDelayMs: 0,
      onRetry,
      onHookError,
    })
    // A rejection that nobody looks at would fail the test run.
    await new Promise((resolve) => setTimeout(resolve, 1))
    expect(told).toEqual([1])
    expect(reports).toEqual([
      [new Error('the pager'), 'test'],
      [new Error('the hook'), 'onRetry'],
    ])
  })
})

describe('a reporter that throws as well', () => {
  it('may be asynchronous too', async () => {
    const written = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const oops = new Error('the reporter')
    reportHookError(new Error('the hook'), 'onRetry', async () => {
      throw oops
    })
    await new Promise((resolve) => setTimeout(resolve, 1))
    expect(written).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('onHookError threw'), oops)
  })

  it('is the end of the line: the console', () => {
    const written = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const oops = new Error('the reporter')
    reportHookError(new Error('the hook'), 'onRetry', () => {
      throw oops
    })
    expect(written).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('onHookError threw'), oops)
  })
})
