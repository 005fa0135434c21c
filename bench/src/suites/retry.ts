import asyncRetry from 'async-retry'
import { retry as cockatielRetry, ExponentialBackoff, handleAll } from 'cockatiel'
import { Effect } from 'effect'
import { pipeline } from 'holdfast'
import pRetry from 'p-retry'
import type { Suite } from '../suite.ts'
import { bareCall } from './bare.ts'
import { oneThen } from './floor.ts'
import { answer } from './service.ts'

/** A retry round a call that succeeds at once. */
export const retry: Suite = {
  name: 'retry',
  title: 'retry, succeeding call',
  note: 'Three retries with exponential backoff, none of which is needed. opossum has no retry.',
  shape: 'fulfils',
  baseline: bareCall,
  contestants: [
    oneThen,
    {
      name: 'holdfast',
      package: 'holdfast',
      prepare: () => {
        const guarded = pipeline({ retry: { maxRetries: 3 } })
        return { call: () => guarded.execute(answer) }
      },
    },
    {
      name: 'cockatiel',
      package: 'cockatiel',
      prepare: () => {
        const policy = cockatielRetry(handleAll, { maxAttempts: 3, backoff: new ExponentialBackoff() })
        return { call: () => policy.execute(answer) }
      },
    },
    { name: 'p-retry', package: 'p-retry', prepare: () => ({ call: () => pRetry(answer, { retries: 3 }) }) },
    {
      name: 'async-retry',
      package: 'async-retry',
      prepare: () => ({ call: () => asyncRetry(answer, { retries: 3 }) }),
    },
    {
      name: 'effect',
      package: 'effect',
      prepare: () => {
        const guarded = Effect.tryPromise(answer).pipe(Effect.retry({ times: 3 }))
        return { call: () => Effect.runPromise(guarded) }
      },
    },
  ],
}
