/** The summary as a picture: a bar for each contestant, on a logarithmic scale, because the peers are far apart. */
import type { SuiteResult } from '../result.ts'
import { ratioText } from './figures.ts'

const WIDTH = 860
const LABEL_WIDTH = 250
const ROW_HEIGHT = 22
const HEAD_HEIGHT = 34
const GAP = 14
const BAR_SPACE = WIDTH - LABEL_WIDTH - 70

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1b2733 }
  .title { font-weight: 600 } .faint { fill: #5b6b7a }
  .ours { fill: #0f7b6c } .peer { fill: #9fb0bf } .base { fill: #d5dde4 }
  rect.page { fill: #ffffff }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .faint { fill: #93a3b3 } rect.page { fill: #0e151c }
    .ours { fill: #2fb8a3 } .peer { fill: #54687a } .base { fill: #2b3a47 }
  }`

/** An SVG that is readable in light and dark, and without colour: every bar has its name and figure. */
export function chart(results: readonly SuiteResult[]): string {
  const longest = Math.max(10, ...results.flatMap(({ contestants }) => contestants.map(({ ratio }) => ratio)))
  const lengthOf = (ratio: number): number => {
    // A bare call (1) has a short bar rather than none.
    const share = Math.log10(Math.max(ratio, 0.1) * 10) / Math.log10(longest * 10)
    return Math.max(2, share * BAR_SPACE)
  }
  let y = 16
  const parts: string[] = []
  for (const { title, contestants } of results) {
    parts.push(`<text class="title" x="12" y="${y + 14}">${escaped(title)}</text>`)
    y += HEAD_HEIGHT - 8
    for (const { name, package: library, ratio } of contestants.toSorted((left, right) => left.ratio - right.ratio)) {
      const kind = library === undefined ? 'base' : library === 'holdfast' ? 'ours' : 'peer'
      const length = lengthOf(ratio)
      parts.push(
        `<text x="${LABEL_WIDTH - 10}" y="${y + 14}" text-anchor="end"${kind === 'ours' ? ' class="title"' : ''}>${escaped(name)}</text>`,
        `<rect class="${kind}" x="${LABEL_WIDTH}" y="${y + 3}" width="${length.toFixed(1)}" height="${ROW_HEIGHT - 7}" rx="2"/>`,
        `<text class="faint" x="${(LABEL_WIDTH + length + 6).toFixed(1)}" y="${y + 14}">${ratioText(ratio)} ×</text>`,
      )
      y += ROW_HEIGHT
    }
    y += GAP
  }
  const label = 'How many times the baseline a call costs, by suite and library; shorter is better; logarithmic scale'
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y + 24}" role="img" aria-label="${label}">`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${y + 24}"/>`,
    ...parts,
    `<text class="faint" x="12" y="${y + 8}">× the baseline of the same suite; shorter is better; logarithmic scale</text>`,
    '</svg>\n',
  ].join('\n')
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
