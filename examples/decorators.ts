/**
 * The decorators round plain functions, which works wherever the syntax does not. With it, in a class:
 *
 *   class Data {
 *     \@retryWithBackoff({ maxRetries: 2 }) \@circuitBreaker('polygon')
 *     async getBars(symbol: string): Promise<string> { … }
 *   }
 *
 *   node --conditions=development examples/decorators.ts
 */
import { circuitBreaker, circuitBreakers, retryWithBackoff, timeout } from 'holdfast'

let attempts = 0

const getBars = retryWithBackoff({ maxRetries: 2, baseDelayMs: 10 })(
  circuitBreaker('polygon', { failureThreshold: 3 })(
    timeout(100)(async (symbol: string): Promise<string> => {
      attempts++
      if (attempts === 1) return await new Promise(() => {})
      if (attempts === 2) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
      return `bars of ${symbol}`
    }),
  ),
)

console.log(`${await getBars('AAPL')} after ${attempts} attempts: one that hung, one that broke, one that did it`)
console.log(`breaker of polygon: ${circuitBreakers.get('polygon').state}`)

attempts = 0
const parse = retryWithBackoff({ sync: true, maxRetries: 1, baseDelayMs: 10, retryOn: ['EBUSY'] })(
  (text: string): number => {
    if (attempts++ === 0) throw Object.assign(new Error('file is busy'), { code: 'EBUSY' })
    return Number(text)
  },
)
console.log(`blocking: ${parse('42')} at attempt ${attempts}`)
