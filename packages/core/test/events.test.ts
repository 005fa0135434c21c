import { afterEach, describe, expect, it, vi } from 'vitest'
import { Listeners, reportHookError } from '../src/events.ts'
import { collectReports } from './support.ts'

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

describe('a reporter that throws as well', () => {
  it('is the end of the line: the console', () => {
    const written = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const oops = new Error('the reporter')
    reportHookError(new Error('the hook'), 'onRetry', () => {
      throw oops
    })
    expect(written).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('onHookError threw'), oops)
  })
})
