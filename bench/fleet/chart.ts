/** How large a fleet can be, as a picture: questions a second by processes, by the model and a real Redis, beside what one can answer. */
import type { Capacity } from './capacity.ts'

const WIDTH = 720
const HEIGHT = 360
const LEFT = 70
const BOTTOM = 46
const TOP = 20
const RIGHT = 170

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1b2733 } .faint { fill: #5b6b7a }
  rect.page { fill: #ffffff } line { stroke: #d5dde4 } .limit { stroke: #b4451f; stroke-dasharray: 6 4 }
  polyline { fill: none; stroke: #0f7b6c; stroke-width: 2 } circle { fill: #0f7b6c }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .faint { fill: #93a3b3 } rect.page { fill: #0e151c } line { stroke: #2b3a47 }
    .limit { stroke: #ff8a5c } polyline { stroke: #2fb8a3 } circle { fill: #2fb8a3 }
  }`

/** Lines are the model, circles a real Redis; broken lines how many questions one server can answer. */
export function capacityChart(all: readonly Capacity[]): string {
  const capacities = all.filter(({ clients }) => clients === undefined)
  const groups = [...Map.groupBy(capacities, ({ limits }) => limits)]
  const edges = groups.map(([limits, group]) => ({ limits, perSecond: mostPerSecond(group) }))
  const most = Math.max(...edges.map(({ perSecond }) => perSecond), ...capacities.map((one) => one.questionsPerSecond))
  const widest = Math.max(...capacities.map(({ processes }) => processes))
  const x = (processes: number): number => LEFT + (Math.log10(processes) / Math.log10(widest)) * (WIDTH - LEFT - RIGHT)
  const y = (rate: number): number =>
    HEIGHT - BOTTOM - (Math.log10(Math.max(1, rate)) / Math.log10(most * 2)) * (HEIGHT - BOTTOM - TOP)
  const parts: string[] = []
  for (let rate = 10; rate <= most * 2; rate *= 10) {
    parts.push(
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(rate).toFixed(1)}" y2="${y(rate).toFixed(1)}"/>`,
      `<text class="faint" x="${LEFT - 8}" y="${(y(rate) + 4).toFixed(1)}" text-anchor="end">${whole(rate)}</text>`,
    )
  }
  for (const processes of new Set(capacities.map((one) => one.processes))) {
    parts.push(
      `<text class="faint" x="${x(processes).toFixed(1)}" y="${HEIGHT - 26}" text-anchor="middle">${whole(processes)}</text>`,
    )
  }
  // Limits that are asked about in the same questions have the same line.
  const lines = Map.groupBy(groups, ([, group]) =>
    group.map((one) => `${x(one.processes).toFixed(1)},${y(one.questionsPerSecond).toFixed(1)}`).join(' '),
  )
  for (const [points, alike] of lines) {
    const [endX = '0', endY = '0'] = points.split(' ').at(-1)?.split(',') ?? []
    const limits = alike.map(([count]) => count)
    const word = limits.at(-1) === 1 ? 'limit' : 'limits'
    parts.push(
      `<polyline points="${points}"/>`,
      `<text x="${Number(endX) + 10}" y="${Number(endY) + 4}">${limits.join(' or ')} busy ${word} each</text>`,
    )
  }
  for (const { processes, real } of capacities) {
    parts.push(`<circle cx="${x(processes).toFixed(1)}" cy="${y(real.questionsPerSecond).toFixed(1)}" r="3.5"/>`)
  }
  for (const [index, { limits, perSecond }] of edges.entries()) {
    const edge = y(perSecond)
    const words = `one Redis, ${limits} ${limits === 1 ? 'limit' : 'limits'}: ${whole(perSecond)}`
    parts.push(
      `<line class="limit" x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${edge.toFixed(1)}" y2="${edge.toFixed(1)}"/>`,
      `<text class="faint" x="${LEFT + 6}" y="${(edge + (index === 0 ? -6 : 15)).toFixed(1)}">${words}</text>`,
    )
  }
  const label =
    'Questions a second that a fleet asks, by its processes, beside what one Redis answers; both scales logarithmic'
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${label}">`,
    `<style>${STYLE}</style>`,
    `<rect class="page" width="${WIDTH}" height="${HEIGHT}"/>`,
    ...parts,
    `<text class="faint" x="${(LEFT + WIDTH - RIGHT) / 2}" y="${HEIGHT - 6}" text-anchor="middle">processes; upwards: questions a second; line: the model, circles: a real Redis</text>`,
    '</svg>\n',
  ].join('\n')
}

/** How many questions one server can answer in a second, by what those of the largest fleet cost. */
function mostPerSecond(group: readonly Capacity[]): number {
  const { real } = group.reduce((largest, one) => (one.processes > largest.processes ? one : largest))
  return real.questionsPerSecond / real.redisCpu
}

const whole = (value: number): string => Math.round(value).toLocaleString('en-US')
