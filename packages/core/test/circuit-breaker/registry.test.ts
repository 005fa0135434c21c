import { CircuitBreakerRegistry, InvalidOptionError } from 'holdfast'
import { describe, expect, it } from 'vitest'

describe('the registry', () => {
  it('gives everybody who asks for a service the same breaker', () => {
    const registry = new CircuitBreakerRegistry({ failureThreshold: 2 })
    const breaker = registry.get('alpaca')
    expect(registry.get('alpaca')).toBe(breaker)
    expect(registry.get('polygon')).not.toBe(breaker)
    expect([...registry].map(({ name }) => name)).toEqual(['alpaca', 'polygon'])
    expect(registry.size).toBe(2)
    expect(breaker.snapshot().failureThreshold).toBe(2)
  })

  it('takes options over its defaults, and refuses other options for the same name later', () => {
    const registry = new CircuitBreakerRegistry({ failureThreshold: 2 })
    expect(registry.get('alpaca', { failureThreshold: 3 }).snapshot().failureThreshold).toBe(3)
    expect(() => registry.get('alpaca', { failureThreshold: 3 })).not.toThrow()
    expect(() => registry.get('alpaca', { failureThreshold: 4 })).toThrow(InvalidOptionError)
  })

  it('tells listeners of all changes, of breakers to come too', () => {
    const registry = new CircuitBreakerRegistry()
    const told: string[] = []
    const off = registry.onStateChange(({ name, to }) => told.push(`${name} ${to}`))
    registry.get('alpaca').trip()
    registry.get('polygon').trip()
    off()
    registry.get('alpaca').reset()
    expect(told).toEqual(['alpaca OPEN', 'polygon OPEN'])
  })

  it('resets them all, and shows their states by name', () => {
    const registry = new CircuitBreakerRegistry()
    registry.get('alpaca').trip()
    registry.get('polygon')
    expect(registry.states()).toEqual({ alpaca: 'OPEN', polygon: 'CLOSED' })
    registry.resetAll()
    expect(registry.states()).toEqual({ alpaca: 'CLOSED', polygon: 'CLOSED' })
    expect(registry.snapshot().alpaca).toMatchObject({ mode: 'automatic', totals: { opened: 1 } })
  })
})
