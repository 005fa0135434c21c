/** How much of something is used. */
export function Meter(props: {
  readonly label: string
  /** From 0 to 1. */
  readonly share: number
  readonly text: string
  readonly hot: boolean
}) {
  const { label, share, text, hot } = props
  return (
    <div class="meter">
      <span class="meter-label">{label}</span>
      <span class={hot ? 'meter-track hot' : 'meter-track'} aria-hidden="true">
        <i style={{ transform: `scaleX(${Math.min(1, Math.max(0, share)).toFixed(3)})` }} />
      </span>
      <span class="meter-text">{text}</span>
    </div>
  )
}
