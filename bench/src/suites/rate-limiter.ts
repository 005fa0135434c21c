import { pipeline, RateLimiter } from 'holdfast'
import { RateLimiter as Limiter } from 'limiter'
import pThrottle from 'p-throttle'
import { RateLimiterMemory } from 'rate-limiter-flexible'
import type { Suite } from '../suite.ts'
import { bareCall, bareRejection } from './bare.ts'
import { answer, UNLIMITED } from './service.ts'

/** A limit that has tokens, then the call. */
export const rateLimiter: Suite = {
  name: 'rate-limiter',
  title: 'rate limiter, then the call',
  note: 'There are always tokens. cockatiel and opossum have no rate limiter.',
  shape: 'fulfils',
  baseline: bareCall,
  contestants: [
    {
      name: 'holdfast',
      package: 'holdfast',
      prepare: () => {
        const rateLimiter = new RateLimiter({ tokensPerSecond: UNLIMITED, burstSize: UNLIMITED })
        const guarded = pipeline({ rateLimiter })
        return { call: () => guarded.execute(answer) }
      },
    },
    {
      name: 'rate-limiter-flexible',
      package: 'rate-limiter-flexible',
      prepare: () => {
        const limiter = new RateLimiterMemory({ points: UNLIMITED, duration: 1 })
        return { call: () => limiter.consume('all').then(answer) }
      },
    },
    {
      name: 'limiter',
      package: 'limiter',
      prepare: () => {
        const limiter = new Limiter({ tokensPerInterval: UNLIMITED, interval: 'second' })
        return { call: () => limiter.removeTokens(1).then(answer) }
      },
    },
    {
      name: 'p-throttle',
      package: 'p-throttle',
      prepare: () => ({ call: pThrottle({ limit: UNLIMITED, interval: 1_000 })(answer) }),
    },
  ],
}

/** No token left. */
export const rateLimiterEmpty: Suite = {
  name: 'rate-limited',
  title: 'rate limited, refused call',
  note: 'No token is left and nobody waits. cockatiel and opossum have no rate limiter.',
  shape: 'rejects',
  baseline: bareRejection,
  contestants: [
    {
      name: 'holdfast',
      package: 'holdfast',
      prepare: () => {
        const rateLimiter = new RateLimiter({ tokensPerSecond: 0.001, burstSize: 1, maxWaitMs: 0 })
        rateLimiter.tryAcquire()
        const guarded = pipeline({ rateLimiter })
        return { call: () => guarded.execute(answer) }
      },
    },
    {
      name: 'rate-limiter-flexible',
      package: 'rate-limiter-flexible',
      prepare: async () => {
        const limiter = new RateLimiterMemory({ points: 1, duration: 3_600 })
        await limiter.consume('all')
        return { call: () => limiter.consume('all').then(answer) }
      },
    },
  ],
}
