import Brakes from 'brakes'
import { ConsecutiveBreaker, circuitBreaker, handleAll, SamplingBreaker } from 'cockatiel'
import { CircuitBreaker, type CircuitBreakerOptions } from 'holdfast'
import { Circuit, SlidingCountBreaker } from 'mollitia'
import Opossum from 'opossum'
import type { Contestant, Prepared, Suite } from '../suite.ts'
import { bareCall, bareRejection } from './bare.ts'
import { answer, FAILURE } from './service.ts'

const cockatielOpen: Contestant = {
  name: 'cockatiel',
  package: 'cockatiel',
  prepare: async () => {
    const policy = circuitBreaker(handleAll, { halfOpenAfter: 3_600_000, breaker: new ConsecutiveBreaker(5) })
    policy.isolate()
    return { call: () => policy.execute(answer) }
  },
}

/** A circuit breaker round a call that succeeds. */
export const breaker: Suite = {
  name: 'breaker',
  title: 'circuit breaker, succeeding call',
  note: 'Each breaker alone, closed, after five failures in a row (cockatiel also with its sampling breaker). opossum knows no count in a row: it is set up as in its README, its timeout switched off, because the others have none here; that of brakes cannot be.',
  shape: 'fulfils',
  baseline: bareCall,
  contestants: [
    {
      name: 'holdfast',
      package: 'holdfast',
      prepare: () => {
        const circuit = new CircuitBreaker('service')
        return { call: () => circuit.execute(answer) }
      },
    },
    {
      name: 'holdfast, count window',
      package: 'holdfast',
      prepare: () => {
        const circuit = new CircuitBreaker('service', { failureRate: 0.5, windowCalls: 100 })
        return { call: () => circuit.execute(answer) }
      },
    },
    {
      name: 'holdfast, time window and latency',
      package: 'holdfast',
      prepare: () => {
        const circuit = new CircuitBreaker('service', { failureRate: 0.5, windowMs: 10_000, slowCallMs: 2_000 })
        return { call: () => circuit.execute(answer) }
      },
    },
    {
      name: 'cockatiel, consecutive',
      package: 'cockatiel',
      prepare: () => {
        const policy = circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: new ConsecutiveBreaker(5) })
        return { call: () => policy.execute(answer) }
      },
    },
    {
      name: 'cockatiel, sampling',
      package: 'cockatiel',
      prepare: () => {
        const sampling = new SamplingBreaker({ threshold: 0.5, duration: 10_000 })
        const policy = circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: sampling })
        return { call: () => policy.execute(answer) }
      },
    },
    {
      name: 'opossum',
      package: 'opossum',
      prepare: () => {
        const circuit = new Opossum(answer, { timeout: false, errorThresholdPercentage: 50, resetTimeout: 30_000 })
        return { call: () => circuit.fire(), dispose: () => circuit.shutdown() }
      },
    },
    {
      name: 'brakes',
      package: 'brakes',
      prepare: () => {
        const brake = new Brakes(answer, { timeout: 30_000 })
        return { call: () => brake.exec(), dispose: () => brake.destroy() }
      },
    },
    {
      name: 'mollitia',
      package: 'mollitia',
      prepare: () => {
        const modules = [new SlidingCountBreaker({ slidingWindowSize: 100, minimumNumberOfCalls: 20 })]
        const circuit = new Circuit({ func: answer, options: { modules } })
        return { call: () => circuit.execute() }
      },
    },
  ],
}

/** What a refusal costs while the circuit is open: the path of a storm. */
export const breakerOpen: Suite = {
  name: 'breaker-open',
  title: 'circuit open, refused call',
  note: 'Every call is refused. The baseline is the cheapest refusal there is, one error shared by all; each library makes an error of its own that says why.',
  shape: 'rejects',
  baseline: bareRejection,
  contestants: [
    {
      name: 'holdfast',
      package: 'holdfast',
      prepare: () => {
        const circuit = new CircuitBreaker('service')
        circuit.trip('bench')
        return { call: () => circuit.execute(answer) }
      },
    },
    {
      name: 'holdfast, after failures',
      package: 'holdfast',
      prepare: async () => {
        const circuit = new CircuitBreaker('service', { recoveryTimeoutMs: 3_600_000 })
        for (let count = 0; count < 5; count++) await circuit.execute(() => Promise.reject(FAILURE)).catch(() => {})
        return { call: () => circuit.execute(answer) }
      },
    },
    cockatielOpen,
    {
      name: 'opossum',
      package: 'opossum',
      prepare: () => {
        const circuit = new Opossum(answer, { timeout: false, resetTimeout: 3_600_000 })
        circuit.open()
        return { call: () => circuit.fire(), dispose: () => circuit.shutdown() }
      },
    },
  ],
}

/** What a failure costs that does not open the circuit. */
export const breakerFailing: Suite = {
  name: 'breaker-failing',
  title: 'circuit breaker, failing call',
  note: 'Every call fails, and no breaker opens: thresholds are out of reach.',
  shape: 'rejects',
  baseline: bareRejection,
  contestants: [
    {
      name: 'holdfast',
      package: 'holdfast',
      prepare: () => {
        const circuit = new CircuitBreaker('service', { failureThreshold: 1_000_000_000 })
        return { call: () => circuit.execute(() => Promise.reject(FAILURE)) }
      },
    },
    {
      name: 'cockatiel, consecutive',
      package: 'cockatiel',
      prepare: () => {
        const policy = circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: new ConsecutiveBreaker(1e9) })
        return { call: () => policy.execute(() => Promise.reject(FAILURE)) }
      },
    },
    {
      name: 'opossum',
      package: 'opossum',
      prepare: () => {
        const never = { timeout: false, errorThresholdPercentage: 100, volumeThreshold: 1e9 } as const
        const circuit = new Opossum(() => Promise.reject(FAILURE), never)
        return { call: () => circuit.fire(), dispose: () => circuit.shutdown() }
      },
    },
  ],
}

/** How many calls the windows hold. */
const WINDOW = 10_000

/** Every outcome goes into the window, and nothing opens the circuit. */
const NONE_IS_SLOW = { slowCallMs: 3_600_000, slowCallRate: 1 }

/** What one more failure costs when many calls are remembered. */
export const breakerFullWindow: Suite = {
  name: 'breaker-window',
  title: 'circuit breaker, failing call, 10,000 calls in the window',
  note: 'Every call fails, no breaker opens, and the window holds ten thousand of them: by number, or by time (ten minutes). opossum’s holds a thousand: more would take minutes.',
  shape: 'rejects',
  baseline: bareRejection,
  contestants: [
    failing('holdfast, no window', {}),
    failing('holdfast', { ...NONE_IS_SLOW, windowCalls: WINDOW }),
    failing('holdfast, time window', { ...NONE_IS_SLOW, windowMs: 600_000 }),
    {
      name: 'cockatiel, sampling',
      package: 'cockatiel',
      prepare: async () => {
        const sampling = new SamplingBreaker({ threshold: 0.999999, duration: 600_000, minimumRps: 1e6 })
        const policy = circuitBreaker(handleAll, { halfOpenAfter: 30_000, breaker: sampling })
        const call = (): Promise<never> => policy.execute(() => Promise.reject(FAILURE))
        return await filled({ call })
      },
    },
    {
      name: 'opossum, 1,000 calls',
      package: 'opossum',
      prepare: async () => {
        const never = { timeout: false, errorThresholdPercentage: 100, volumeThreshold: 1e9 } as const
        const circuit = new Opossum(() => Promise.reject(FAILURE), { ...never, rollingCountTimeout: 600_000 })
        return await filled({ call: () => circuit.fire(), dispose: () => circuit.shutdown() }, 1_000)
      },
    },
  ],
}

function failing(name: string, options: CircuitBreakerOptions): Contestant {
  const prepare = async (): Promise<Prepared> => {
    const circuit = new CircuitBreaker('service', { failureThreshold: 1_000_000_000, ...options })
    return await filled({ call: () => circuit.execute(() => Promise.reject(FAILURE)) })
  }
  return { name, package: 'holdfast', prepare }
}

/** With as many calls behind it as a window holds. */
async function filled<P extends { readonly call: () => Promise<unknown> }>(prepared: P, calls = WINDOW): Promise<P> {
  for (let call = 0; call < calls; call++) await prepared.call().catch(() => {})
  return prepared
}
