import { createRequire } from 'node:module'
import { bulkhead as cockatielBulkhead } from 'cockatiel'
import { Bulkhead } from 'holdfast'
import Opossum from 'opossum'
import pLimit from 'p-limit'
import PQueue from 'p-queue'
import type { Contestant, Suite } from '../suite.ts'
import { bareCall, bareRejection } from './bare.ts'
import { answer } from './service.ts'

/** Its types say that it is something else than it is. */
const throat: (size: number, fn: () => Promise<number>) => () => Promise<number> = createRequire(import.meta.url)(
  'throat',
)

const contestants: readonly Contestant[] = [
  {
    name: 'holdfast',
    package: 'holdfast',
    prepare: () => {
      const bulkhead = new Bulkhead({ maxConcurrent: 10, maxQueue: 100 })
      return { call: () => bulkhead.execute(answer) }
    },
  },
  {
    name: 'cockatiel',
    package: 'cockatiel',
    prepare: () => {
      const policy = cockatielBulkhead(10, 100)
      return { call: () => policy.execute(answer) }
    },
  },
  {
    name: 'p-limit',
    package: 'p-limit',
    prepare: () => {
      const limit = pLimit(10)
      return { call: () => limit(answer) }
    },
  },
  {
    name: 'p-queue',
    package: 'p-queue',
    prepare: () => {
      const queue = new PQueue({ concurrency: 10 })
      return { call: () => queue.add(answer) }
    },
  },
  {
    name: 'throat',
    package: 'throat',
    prepare: () => ({ call: throat(10, answer) }),
  },
]

/** A bulkhead round a call that finds a free slot. */
export const bulkhead: Suite = {
  name: 'bulkhead',
  title: 'bulkhead of 10, free slot',
  note: 'Ten at once, a hundred in the queue (p-limit, p-queue and throat have no bound). opossum’s `capacity` refuses and never queues.',
  shape: 'fulfils',
  baseline: bareCall,
  contestants: [
    ...contestants,
    {
      name: 'opossum, capacity',
      package: 'opossum',
      prepare: () => {
        const circuit = new Opossum(answer, { timeout: false, capacity: 10 })
        return { call: () => circuit.fire(), dispose: () => circuit.shutdown() }
      },
    },
  ],
}

/** The same with more calls than slots, so that most of them queue. */
export const bulkheadQueue: Suite = {
  name: 'bulkhead-queue',
  title: 'bulkhead of 10, 64 in flight',
  note: 'Sixty-four calls at a time, so that fifty-four of them wait for a slot. opossum is absent: it would refuse them.',
  shape: '64 in flight',
  baseline: bareCall,
  contestants,
}

const never = (): Promise<never> => new Promise(() => {})

/** Every slot taken and no queue. */
export const bulkheadFull: Suite = {
  name: 'bulkhead-full',
  title: 'bulkhead full, refused call',
  note: 'Every slot is held by a call that never ends, and nobody may wait.',
  shape: 'rejects',
  baseline: bareRejection,
  contestants: [
    {
      name: 'holdfast',
      package: 'holdfast',
      prepare: () => {
        const bulkhead = new Bulkhead({ maxConcurrent: 1, maxQueue: 0 })
        void bulkhead.execute(never)
        return { call: () => bulkhead.execute(answer) }
      },
    },
    {
      name: 'cockatiel',
      package: 'cockatiel',
      prepare: () => {
        const policy = cockatielBulkhead(1, 0)
        void policy.execute(never)
        return { call: () => policy.execute(answer) }
      },
    },
    {
      name: 'opossum, capacity',
      package: 'opossum',
      prepare: () => {
        const options = { timeout: false, capacity: 1, errorThresholdPercentage: 100, volumeThreshold: 1e9 } as const
        const circuit = new Opossum((hangs: boolean) => (hangs ? never() : answer()), options)
        void circuit.fire(true)
        return { call: () => circuit.fire(false), dispose: () => circuit.shutdown() }
      },
    },
  ],
}
