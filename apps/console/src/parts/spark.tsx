/** Five minutes in bars: answered below, failed and refused above. */
import type { Tally } from '../model/window.ts'

const WIDTH = 4
const HEIGHT = 34
const GAP = 1

/** @param label what it shows, for those who do not see it */
export function Spark({ bars, label }: { readonly bars: readonly Tally[]; readonly label: string }) {
  const sums = bars.map(({ succeeded, failed, refused }) => {
    const refusals = refused.circuit + refused.limit + refused.slots
    return { succeeded, failed, refusals, all: succeeded + failed + refusals }
  })
  const most = Math.max(1, ...sums.map(({ all }) => all))
  const paths = { succeeded: '', failed: '', refusals: '' }
  sums.forEach((sum, index) => {
    let y = HEIGHT
    for (const kind of ['succeeded', 'failed', 'refusals'] as const) {
      if (sum[kind] === 0) continue
      const height = Math.max(1, (sum[kind] / most) * (HEIGHT - 2))
      y -= height
      paths[kind] += `M${index * WIDTH} ${y.toFixed(1)}h${WIDTH - GAP}v${height.toFixed(1)}h${GAP - WIDTH}z`
    }
  })
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${bars.length * WIDTH - GAP} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="spark-base" d={`M0 ${HEIGHT - 0.5}h${bars.length * WIDTH}`} />
      <path class="spark-ok" d={paths.succeeded} />
      <path class="spark-failed" d={paths.failed} />
      <path class="spark-refused" d={paths.refusals} />
    </svg>
  )
}
