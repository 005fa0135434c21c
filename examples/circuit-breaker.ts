/**
 * A service goes down and comes back: its circuit opens, refuses without calling, and closes after one probe.
 *
 *   node --conditions=development examples/circuit-breaker.ts
 */
import { CircuitBreaker, CircuitOpenError } from 'holdfast'

let down = true
let sent = 0

async function getAccount(): Promise<string> {
  sent++
  if (down) throw Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
  return 'account'
}

const breaker = new CircuitBreaker('alpaca', { failureThreshold: 3, recoveryTimeoutMs: 200 })
breaker.onStateChange(({ name, from, to, reason }) => console.log(`  ${name}: ${from} → ${to} (${reason})`))

async function call(): Promise<void> {
  try {
    console.log(`answered: ${await breaker.execute(getAccount, { operation: 'getAccount' })}`)
  } catch (error) {
    console.log(error instanceof CircuitOpenError ? `refused: ${error.message}` : `failed: ${error}`)
  }
}

for (let i = 0; i < 5; i++) await call()
console.log(`${sent} of 5 calls were sent`)

down = false
await new Promise((resolve) => setTimeout(resolve, 250))
await call()
console.log(`the circuit is ${breaker.state}`)
