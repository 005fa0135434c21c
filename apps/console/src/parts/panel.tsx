/** What stands where something is empty, loading, failed or forbidden. */
import type { ComponentChildren } from 'preact'

/** A quiet place with a title and what to do. */
export function Blank(props: {
  readonly title: string
  /** Whether it is all that the view has. */
  readonly first?: boolean
  readonly children?: ComponentChildren
}) {
  const { title, first = false, children } = props
  return (
    <div class="blank">
      {first ? <h1>{title}</h1> : <h2>{title}</h2>}
      {children !== undefined && <p>{children}</p>}
    </div>
  )
}

/** Something could not be loaded. */
export function Failed({ error, again }: { readonly error: unknown; readonly again: () => void }) {
  return (
    <div class="blank blank-bad" role="alert">
      <h2>This could not be loaded</h2>
      <p>{error instanceof Error ? error.message : String(error)}</p>
      <button type="button" onClick={again}>
        Try again
      </button>
    </div>
  )
}

/** Grey bars where something will be. @param lines their widths in percent */
export function Skeleton({ lines, label }: { readonly lines: readonly number[]; readonly label: string }) {
  return (
    <div class="skeleton" role="status" aria-label={label}>
      {lines.map((width) => (
        <i style={{ width: `${width}%` }} />
      ))}
    </div>
  )
}
