import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import type { Row, Study } from '../study.ts'

/** What is bundled: the names of a package that a program imports; `*` for all of them. */
interface Program {
  readonly name: string
  readonly package: string
  readonly imports: readonly string[]
}

const PROGRAMS: readonly Program[] = [
  { name: 'holdfast, everything', package: 'holdfast', imports: ['*'] },
  { name: 'holdfast, circuit breaker alone', package: 'holdfast', imports: ['CircuitBreaker'] },
  {
    name: 'holdfast, a pipeline of the four patterns',
    package: 'holdfast',
    imports: ['pipeline', 'CircuitBreaker', 'RateLimiter', 'Bulkhead'],
  },
  { name: 'holdfast, a service', package: 'holdfast', imports: ['createResilience'] },
  { name: 'cockatiel, everything', package: 'cockatiel', imports: ['*'] },
  { name: 'opossum, everything', package: 'opossum', imports: ['default'] },
]

/** What a page or a worker loads. */
export const size: Study = {
  name: 'size',
  title: 'bytes of a bundle',
  note: 'Bundled and minified by rolldown, then gzip at its best. What Node brings along (opossum’s `node:events`) is not in it.',
  columns: [
    { figure: 'kilobytes', head: 'minified and gzip, kB', digits: 1 },
    { figure: 'minified', head: 'minified, kB', digits: 1 },
  ],
  async measure(_effort, onRow) {
    const rows: Row[] = []
    for (const program of PROGRAMS) {
      rows.push({ name: program.name, package: program.package, figures: await sizeOf(program) })
      onRow(rows.length, PROGRAMS.length)
    }
    return rows
  },
}

async function sizeOf({ package: library, imports }: Program): Promise<{ kilobytes: number; minified: number }> {
  const names = imports.includes('*') ? '*' : `{ ${imports.join(', ')} }`
  const bundle = await rolldown({
    input: 'program',
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    external: [/^node:/, 'events'],
    resolve: { conditionNames: ['development', 'import', 'default'] },
    logLevel: 'silent',
    plugins: [
      {
        name: 'the program',
        resolveId: (id) => (id === 'program' ? id : null),
        load: (id) => (id === 'program' ? `export ${names} from '${library}'` : null),
      },
    ],
  })
  const { output } = await bundle.generate({ format: 'esm', minify: true })
  await bundle.close()
  const { code } = output[0]
  return { kilobytes: gzipSync(code, { level: 9 }).length / 1_000, minified: code.length / 1_000 }
}
