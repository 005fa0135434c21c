import { ConsecutiveBreaker, circuitBreaker, handleAll, SamplingBreaker } from 'cockatiel'
import { CircuitBreaker } from 'holdfast'
import Opossum from 'opossum'
import type { Contestant, Suite } from '../suite.ts'
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
  note: 'Each breaker alone, closed, after five failures in a row (cockatiel also with its sampling breaker). opossum knows no count in a row: it is set up as in its README, its timeout switched off, because the others have none here.',
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
