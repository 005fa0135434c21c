/** Divides jobs among worker threads. */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Job, JobResult } from './job.ts'

/** Runs all jobs, as many at a time as there are processors; the results in their order. @param tick told of each that is done */
export async function work(jobs: readonly Job[], tick: (done: number) => void): Promise<JobResult[]> {
  const results = new Map<Job, JobResult>()
  // The longest first, so that none of them is left to the end.
  const queue = [...jobs].sort((a, b) => weight(a) - weight(b))
  const workers = Array.from({ length: Math.min(availableParallelism(), jobs.length) }, () => {
    const worker = new Worker(new URL('./worker.ts', import.meta.url))
    let job: Job | undefined
    const next = (): void => {
      job = queue.pop()
      if (job === undefined) void worker.terminate()
      else worker.postMessage(job)
    }
    return new Promise<void>((resolve, reject) => {
      worker.on('message', (result: JobResult) => {
        if (job !== undefined) results.set(job, result)
        tick(results.size)
        next()
      })
      worker.on('error', reject)
      worker.on('exit', () => resolve())
      next()
    })
  })
  await Promise.all(workers)
  return jobs.flatMap((job) => results.get(job) ?? [])
}

function weight({ case: name, scale }: Job): number {
  return scale * (name === 'long outage' ? 10 : 1)
}
