/** What is to be reached by a fleet, as its own program found it the last time. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { targetRow } from '../../fleet/report.ts'

const kept = z.object({
  environment: z.object({ node: z.string(), redis: z.string(), cpu: z.string(), cores: z.number() }),
  targets: z.array(z.object({ figure: z.string(), target: z.string(), measured: z.string(), met: z.boolean() })),
})

/** The section about it; nothing where it has not been measured. */
export function fleetSection(folder: string): string {
  const file = join(folder, 'fleet.json')
  if (!existsSync(file)) return ''
  const { environment, targets } = kept.parse(JSON.parse(readFileSync(file, 'utf8')))
  const { node, redis, cpu, cores } = environment
  return [
    '## fleet: many processes, one limit, on a real Redis',
    '',
    'Next to the Redis stores of the peers; [all figures, and how large a fleet can be](fleet.md).',
    '',
    '| | target | measured | |',
    '| --- | --- | --- | --- |',
    ...targets.map(targetRow),
    '',
    `Node ${node}, redis-server ${redis}, ${cores} × ${cpu}. \`npm run bench -- fleet\``,
    '',
  ].join('\n')
}
