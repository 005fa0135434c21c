import { timeout as cockatielTimeout, TimeoutStrategy } from 'cockatiel'
import { Effect } from 'effect'
import { timeout as holdfastTimeout, pipeline } from 'holdfast'
import { Circuit, Timeout } from 'mollitia'
import Opossum from 'opossum'
import type { Suite } from '../suite.ts'
import { bareCall } from './bare.ts'
import { ownPromise } from './floor.ts'
import { answer } from './service.ts'

/** A hard timeout round a call that answers at once. */
export const timeout: Suite = {
  name: 'timeout',
  title: 'hard timeout, succeeding call',
  note: 'Two seconds, after which the caller gets an error whether or not the function takes notice.',
  shape: 'fulfils',
  baseline: bareCall,
  contestants: [
    ownPromise,
    {
      name: 'holdfast',
      package: 'holdfast',
      prepare: () => {
        const guarded = pipeline({ attemptTimeoutMs: 2_000 })
        return { call: () => guarded.execute(answer) }
      },
    },
    {
      name: 'holdfast, timeout()',
      package: 'holdfast',
      prepare: () => ({ call: () => holdfastTimeout(answer, 2_000) }),
    },
    {
      name: 'cockatiel, aggressive',
      package: 'cockatiel',
      prepare: () => {
        const policy = cockatielTimeout(2_000, TimeoutStrategy.Aggressive)
        return { call: () => policy.execute(answer) }
      },
    },
    {
      name: 'opossum',
      package: 'opossum',
      prepare: () => {
        const circuit = new Opossum(answer, { timeout: 2_000 })
        return { call: () => circuit.fire(), dispose: () => circuit.shutdown() }
      },
    },
    {
      name: 'mollitia',
      package: 'mollitia',
      prepare: () => {
        const circuit = new Circuit({ func: answer, options: { modules: [new Timeout({ delay: 2_000 })] } })
        return { call: () => circuit.execute() }
      },
    },
    {
      name: 'effect',
      package: 'effect',
      prepare: () => {
        const guarded = Effect.tryPromise(answer).pipe(Effect.timeout('2 seconds'))
        return { call: () => Effect.runPromise(guarded) }
      },
    },
  ],
}
