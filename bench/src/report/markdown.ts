import type { Result } from '../result.ts'
import { nanoseconds, ratioText } from './figures.ts'

/** All suites as one page. */
export function summary(results: readonly Result[]): string {
  const sections = results.map((result) => {
    const { suite, title, note, environment, rounds, contestants } = result
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
      `Node ${environment.node}, V8 ${environment.v8}, ${environment.cores} × ${environment.cpu}, ${rounds} rounds. \`npm run bench -- ${suite}\``,
      '',
    ].join('\n')
  })
  const head = [
    '# Measured, side by side',
    '',
    '![How many times a bare call each library costs](summary.svg)',
    '',
    'Written by `npm run bench`; [how it measures](../README.md). A ratio compares a contestant with the baseline of the same round; the median of all rounds stands here. Ratios hold from machine to machine, nanoseconds do not.',
    '',
  ]
  return [...head, ...sections].join('\n')
}
