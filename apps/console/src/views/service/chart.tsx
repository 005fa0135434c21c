/** One chart of a service: drawn by uPlot, with the states as bands behind, and the figures of the pointed-at moment above. */
import { type Signal, useSignal, useSignalEffect } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import UPlot from 'uplot'
import type { ShownState } from '../../api.ts'
import { bandsOf, type ChartData, stacked } from '../../model/chart-data.ts'
import { useWidth } from '../../parts/use-width.ts'
import { colours, type Palette } from './colours.ts'

/** Height of a chart in pixels, without its legend. */
const HEIGHT = 168

/** How a series is drawn. */
export interface Line {
  readonly label: string
  readonly values: (data: ChartData) => readonly (number | null)[]
  readonly text: (value: number) => string
  /** Name of a colour of the page: `ok`, `bad`. */
  readonly colour: string
}

/** What a chart shows. */
export interface ChartProps {
  readonly title: string
  readonly unit: string
  readonly data: ChartData
  readonly lines: readonly Line[]
  /** Bars upon one another, lines, or a band between the first and the last line. */
  readonly kind: 'bars' | 'lines' | 'band'
  /** The moment that is pointed at, in all charts of the view: an index into the data. */
  readonly pointed: Signal<number | null>
  readonly axisText: (value: number) => string
}

export function Chart(props: ChartProps) {
  const { title, unit, data, lines, pointed } = props
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<UPlot>(undefined)
  const width = useWidth(place)
  const scheme = useScheme()
  useEffect(() => {
    if (place.current === null || width.value === 0) return
    const made = new UPlot(optionsOf(props, width.value, data), alignedOf(props), place.current)
    plot.current = made
    return () => {
      made.destroy()
      plot.current = undefined
    }
    // New data comes by setData; only what is drawn otherwise makes a new chart.
  }, [width.value, scheme, props.kind, lines])

  useEffect(() => {
    if (plot.current === undefined) return
    shownData.set(plot.current, data)
    plot.current.setData(alignedOf(props))
  }, [data])

  useSignalEffect(() => {
    const { value } = pointed
    const shown = plot.current
    if (shown === undefined) return
    const left = value === null ? -10 : shown.valToPos(shown.data[0][value] ?? 0, 'x')
    if (Math.abs((shown.cursor.left ?? -10) - left) > 0.5) shown.setCursor({ left, top: 0 }, false)
  })

  const move = (event: KeyboardEvent): void => {
    const by = event.key === 'ArrowLeft' ? -1 : event.key === 'ArrowRight' ? 1 : 0
    if (by === 0) return
    event.preventDefault()
    const last = data.times.length - 1
    pointed.value = Math.min(last, Math.max(0, (pointed.value ?? last) + by))
  }

  return (
    <figure class="chart">
      <figcaption>
        <h2>
          {title} <small>{unit}</small>
        </h2>
        <Legend {...props} />
      </figcaption>
      <div
        class="chart-place"
        ref={place}
        role="slider"
        tabIndex={0}
        aria-label={`${title} over time`}
        aria-orientation="horizontal"
        aria-valuemin={0}
        aria-valuemax={data.times.length - 1}
        aria-valuenow={pointed.value ?? newestOf(data)}
        aria-valuetext={spoken(props, pointed.value ?? newestOf(data))}
        onKeyDown={move}
        onBlur={() => (pointed.value = null)}
      />
    </figure>
  )
}

/** The figures of the moment that is pointed at, else of the newest. */
function Legend({ data, lines, pointed }: ChartProps) {
  const index = pointed.value ?? newestOf(data)
  const at = data.times[index]
  return (
    <div class="legend">
      <span class="legend-time">{at === undefined ? '' : timeText(at)}</span>
      {lines.map(({ label, values, text, colour }) => {
        const value = values(data)[index]
        return (
          <span key={label} class="legend-item">
            <i class={`swatch swatch-${colour}`} />
            {label} <b>{value === null || value === undefined ? '–' : text(value)}</b>
          </span>
        )
      })}
    </div>
  )
}

/** One moment with its figures, for those who hear them. */
function spoken({ data, lines }: ChartProps, index: number): string {
  const at = data.times[index]
  const figures = lines.map(({ label, values, text }) => {
    const value = values(data)[index]
    return `${label} ${value === null || value === undefined ? 'unknown' : text(value)}`
  })
  return [at === undefined ? '' : timeText(at), ...figures].join(', ')
}

function timeText(seconds: number): string {
  return new Date(seconds * 1_000).toTimeString().slice(0, 8)
}

function newestOf({ states }: ChartData): number {
  for (let index = states.length - 1; index > 0; index--) if (states[index] !== null) return index
  return 0
}

/** The data of each chart, for the bands that are drawn behind it. */
const shownData = new WeakMap<UPlot, ChartData>()

function alignedOf({ data, lines, kind }: ChartProps): UPlot.AlignedData {
  const columns = lines.map(({ values }) => values(data))
  // The highest sum is drawn first, so that the lower ones stand before it.
  const drawn = kind === 'bars' ? stacked(columns).reverse() : columns.map((column) => [...column])
  return [[...data.times], ...drawn]
}

function optionsOf(props: ChartProps, width: number, first: ChartData): UPlot.Options {
  const { lines, kind, pointed, axisText } = props
  const palette = colours()
  const bars = UPlot.paths.bars?.({ size: [0.82, 22], align: 1 })
  const drawn = kind === 'bars' ? [...lines].reverse() : lines
  const axis: UPlot.Axis = {
    stroke: palette('mute'),
    font: '11px Inter, system-ui, sans-serif',
    grid: { stroke: palette('line'), width: 1 },
    ticks: { show: false },
  }
  return {
    width,
    height: HEIGHT,
    padding: [8, 4, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      points: { show: kind !== 'bars', size: 6 },
      drag: { x: false, y: false },
    },
    scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.08)] } },
    axes: [
      { ...axis, size: 26, grid: { show: false }, values: timeTexts },
      { ...axis, size: 46, values: (_plot, splits) => splits.map((value) => (value === null ? '' : axisText(value))) },
    ],
    series: [
      {},
      ...drawn.map(({ colour }): UPlot.Series => {
        const stroke = palette(colour)
        if (kind === 'bars' && bars !== undefined)
          return { stroke, fill: stroke, width: 0, paths: bars, points: { show: false } }
        return { stroke, width: 1.6, points: { show: false }, spanGaps: false }
      }),
    ],
    ...(kind === 'band' ? { bands: [{ series: [lines.length, 1], fill: palette('band') }] } : {}),
    hooks: {
      drawClear: [
        (plot) => {
          drawBands(plot, shownData.get(plot) ?? first, palette)
        },
      ],
      setCursor: [
        (plot) => {
          const { idx = null, left = -1 } = plot.cursor
          pointed.value = left < 0 ? null : idx
        },
      ],
    },
  }
}

function drawBands(plot: UPlot, data: ChartData, palette: Palette): void {
  const { ctx, bbox } = plot
  for (const { from, to, state } of bandsOf(data)) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true))
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true))
    ctx.fillStyle = palette(BANDS[state])
    ctx.fillRect(left, bbox.top, Math.max(1, right - left), bbox.height)
  }
}

const BANDS: Readonly<Record<ShownState, string>> = {
  CLOSED: 'panel',
  OPEN: 'band-bad',
  HALF_OPEN: 'band-warn',
  PAUSED: 'band-off',
  DISABLED: 'band-off',
}

function timeTexts(_plot: UPlot, splits: number[], _axis: number, space: number, step: number): string[] {
  return splits.map((seconds, index) => {
    const date = new Date(seconds * 1_000)
    const time = date.toTimeString().slice(0, step < 60 ? 8 : 5)
    const long = step >= 3_600 && (index === 0 || date.getHours() === 0)
    return long && space > 40 ? `${date.getDate()}.${date.getMonth() + 1}. ${time}` : time
  })
}

/** Whether it is light or dark, so that charts are drawn anew when that changes. */
function useScheme(): string {
  const scheme = useSignal(matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light')
  useEffect(() => {
    const query = matchMedia('(prefers-color-scheme: dark)')
    const change = (): void => {
      scheme.value = query.matches ? 'dark' : 'light'
    }
    query.addEventListener('change', change)
    return () => query.removeEventListener('change', change)
  }, [scheme])
  return scheme.value
}
