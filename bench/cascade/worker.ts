/** Runs scenarios. Time is virtual before any library is loaded, since some keep what they find then. */
import { parentPort } from 'node:worker_threads'
import { installVirtualGlobals, runScenario, seededRandom, VirtualClock } from '@holdfast/testing'
import { figuresOf } from './figures.ts'
import { isDrawn, type Job, type JobResult } from './job.ts'

// Most errors of a run are looked at by programs only, and a stack is most of what they cost.
Error.stackTraceLimit = 0

const globals = installVirtualGlobals(new VirtualClock())
const { CASES } = await import('./scenarios/index.ts')
const { SUBJECTS } = await import('./subjects/index.ts')

async function run(job: Job): Promise<JobResult> {
  const one = CASES.find(({ name }) => name === job.case)
  if (one === undefined) throw new RangeError(`no case is called ${job.case}`)
  const scenario = one.scenario(job.scale, job.seed)
  const runs: JobResult['runs'][number][] = []
  for (const subject of SUBJECTS.filter(({ name }) => job.subjects.includes(name))) {
    const clock = new VirtualClock()
    globals.use(clock)
    // Those who take no source of randomness draw from this one.
    Math.random = seededRandom(job.seed * 31 + 7)
    const result = await runScenario(scenario, subject, { seed: job.seed, clock })
    runs.push({
      subject: subject.name,
      figures: figuresOf(one, result),
      seconds: isDrawn(job) ? result.seconds : undefined,
    })
  }
  return { job, runs }
}

parentPort?.on('message', (job: Job) => {
  void run(job).then((result) => parentPort?.postMessage(result))
})
