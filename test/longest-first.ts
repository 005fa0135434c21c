import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** What takes longer than ten seconds, the longest first. One of them begun last would keep one worker busy, and the others idle. */
const LONG = [
  'apps/drill/test/drill.test.ts',
  'bench/test/fleet.test.ts',
  'apps/console/test/browser/views.test.ts',
  'apps/console/test/browser/acts.test.ts',
  'apps/gateway/test/start.test.ts',
  'packages/redis/test/faults/processes.test.ts',
  'packages/redis/test/faults/single-server.test.ts',
  'packages/redis/test/faults/failover.test.ts',
  'apps/console/test/browser/connection.test.ts',
  'packages/trading/test/interactive-brokers/broker.test.ts',
  'bench/test/bench.test.ts',
  'apps/console/test/browser/fleet.test.ts',
  'test/docs.test.ts',
  'test/examples.test.ts',
  'apps/gateway/test/routes.test.ts',
]

/** The order in which the workers take the test files. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    return sorted.toSorted((left, right) => rank(left) - rank(right))
  }
}

function rank({ moduleId }: TestSpecification): number {
  const found = LONG.findIndex((file) => moduleId.endsWith(`/${file}`))
  return found === -1 ? LONG.length : found
}
