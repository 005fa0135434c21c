import type { ServiceFacts, Subject } from '@holdfast/testing'
// The build without Redis has native async functions and takes a third of the time.
import Bottleneck from 'bottleneck/light.js'
import pRetry from 'p-retry'
import { BASE_DELAY_MS, isWorthRetry, MAX_QUEUE, MAX_RETRIES } from './common.ts'

/** A queue with a limit on rate and concurrency; cancels first. */
function queueFor({ maxConcurrent, limit }: ServiceFacts): Bottleneck {
  return new Bottleneck({
    maxConcurrent,
    highWater: MAX_QUEUE,
    strategy: Bottleneck.strategy.OVERFLOW,
    ...(limit === undefined ? {} : { minTime: Math.ceil(limit.windowMs / limit.requests) }),
  })
}

/** Retries round a queue. */
export const bottleneck: Subject = {
  name: 'p-retry + bottleneck',
  make({ services }) {
    const queues = new Map(Object.entries(services).map(([name, facts]) => [name, { queue: queueFor(facts), facts }]))
    return (request, connection) => {
      const { route } = request
      const service = queues.get(route.upstream)
      if (service === undefined) throw new RangeError(route.upstream)
      const { queue, facts } = service
      const job = { priority: route.kind === 'cancel' ? 1 : 5 }
      return pRetry(() => queue.schedule(job, () => connection.send(AbortSignal.timeout(facts.attemptTimeoutMs))), {
        retries: MAX_RETRIES,
        minTimeout: BASE_DELAY_MS,
        maxRetryTime: route.deadlineMs,
        randomize: true,
        shouldRetry: ({ error }) => !(error instanceof Bottleneck.BottleneckError) && isWorthRetry(request, error),
      })
    }
  },
}
