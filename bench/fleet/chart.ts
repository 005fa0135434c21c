/** How large a fleet can be, as a picture: questions a second by processes, beside what one Redis can answer. */
import type { Capacity } from './capacity.ts'

const WIDTH = 720
const HEIGHT = 360
const LEFT = 70
const BOTTOM = 46
const TOP = 20
const RIGHT = 150

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1b2733 } .faint { fill: #5b6b7a }
  rect.page { fill: #ffffff } line { stroke: #d5dde4 } .limit { stroke: #b4451f; stroke-dasharray: 6 4 }
  polyline { fill: none; stroke: #0f7b6c; stroke-width: 2 } circle { fill: #0f7b6c }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .faint { fill: #93a3b3 } rect.page { fill: #0e151c } line { stroke: #2b3a47 }
    .limit { stroke: #ff8a5c } polyline { stroke: #2fb8a3 } circle { fill: #2fb8a3 }
  }`

/** @param perSecond how many questions one server answers in a second */
export function capacityChart(capacities: readonly Capacity[], perSecond: number): string {
  const most = Math.max(perSecond, ...capacities.map(({ questionsPerSecond }) => questionsPerSecond))
  const widest = Math.max(...capacities.map(({ processes }) => processes))
  const x = (processes: number): number => LEFT + (Math.log10(processes) / Math.log10(widest)) * (WIDTH - LEFT - RIGHT)
  const y = (rate: number): number =>
    HEIGHT - BOTTOM - (Math.log10(Math.max(1, rate)) / Math.log10(most * 2)) * (HEIGHT - BOTTOM - TOP)
  const parts: string[] = []
  for (let rate = 10; rate <= most * 2; rate *= 10) {
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(rate).toFixed(1)}" y2="${y(rate).toFixed(1)}"/>`,
      `<text class="faint" x="${LEFT - 8}" y="${(y(rate) + 4).toFixed(1)}" text-anchor="end">${rate.toLocaleString('en-US')}</text>`,
    )
  }
  for (const processes of new Set(capacities.map((one) => one.processes))) {
    parts.push(
      `<text class="faint" x="${x(processes).toFixed(1)}" y="${HEIGHT - 26}" text-anchor="middle">${processes.toLocaleString('en-US')}</text>`,
    )
  }
  for (const [limits, group] of Map.groupBy(capacities, (one) => one.limits)) {
    const points = group.map((one) => [x(one.processes).toFixed(1), y(one.questionsPerSecond).toFixed(1)] as const)
    const [endX = '0', endY = '0'] = points.at(-1) ?? []
    parts.push(
      `<polyline points="${points.map((point) => point.join(',')).join(' ')}"/>`,
      ...points.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3"/>`),
      `<text x="${Number(endX) + 10}" y="${Number(endY) + 4}">${limits} busy ${limits === 1 ? 'limit' : 'limits'} each</text>`,
    )
  }
  const edge = y(perSecond).toFixed(1)
  parts.push(
    `<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${edge}" y2="${edge}"/>`,
    `<text class="faint" x="${LEFT + 6}" y="${Number(edge) - 6}">one redis-server: ${Math.round(perSecond).toLocaleString('en-US')} a second</text>`,
  )
  const label =
    'Questions a second that a fleet asks, by its processes, beside what one Redis answers; both scales logarithmic'
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    ...parts,
    `<text class="faint" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">processes; upwards: questions a second; both logarithmic</text>`,
    '</svg>\n',
  ].join('\n')
}
