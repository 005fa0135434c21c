import type { Result, SuiteResult } from '../result.ts'
import { foundIn } from '../targets.ts'
import { nanoseconds, ratioText } from './figures.ts'
import { studySection } from './study.ts'
import { targetTable } from './targets.ts'

/** All suites as one page. @param fleet the section about the fleet, which has a program of its own */
export function summary(results: readonly Result[], fleet: string): string {
  const sections = results.map((result) => (result.kind === 'suite' ? suiteSection(result) : studySection(result)))
  const head = [
    '# Measured, side by side',
    '',
    '![How many times a bare call each library costs](summary.svg)',
    '',
    'Written by `npm run bench`; [how it measures](../README.md). A ratio compares a contestant with the baseline of the same round; the median of all rounds stands here. Ratios hold from machine to machine, nanoseconds do not.',
    '',
    '## What is to be reached',
    '',
    targetTable(foundIn(results)),
    '',
    'Why what is missed is missed: [decision 012](../../docs/decisions/012-what-a-guarded-call-costs.md), [decision 013](../../docs/decisions/013-the-size-of-the-core.md).',
    '',
  ]
  return [...head, ...sections, ...(fleet === '' ? [] : [fleet])].join('\n')
}

function suiteSection({ suite, title, note, environment, rounds, processes, contestants }: SuiteResult): string {
  const rows = contestants
    .toSorted((left, right) => left.ratio - right.ratio)
    .map(({ name, version, nanosecondsPerCall, ratio, ratioLow, ratioHigh }) => {
      const label = name === 'holdfast' ? '**holdfast**' : version === undefined ? name : `${name}, ${version}`
      const spread = `${ratioText(ratioLow)}–${ratioText(ratioHigh)}`
      return `| ${label} | ${nanoseconds(nanosecondsPerCall)} | ${ratioText(ratio)} | ${spread} |`
    })
  return [
    `## ${suite}: ${title}`,
    '',
    note,
    '',
    '| | a call | × baseline | middle half of the rounds |',
    '| --- | ---: | ---: | ---: |',
    ...rows,
    '',
    `Node ${environment.node}, V8 ${environment.v8}, ${environment.cores} × ${environment.cpu}, ${rounds} rounds in ${processes} processes. \`npm run bench -- ${suite}\``,
    '',
  ].join('\n')
}
