import type { ShownState } from '../api.ts'

const WORDS: Readonly<Record<ShownState, string>> = {
  CLOSED: 'Closed',
  OPEN: 'Open',
  HALF_OPEN: 'Half open',
  PAUSED: 'Paused',
  DISABLED: 'Off',
}

/** A state as a word. */
export function stateWord(state: ShownState): string {
  return WORDS[state]
}

/** A state as a shape. */
export function StateIcon({ state }: { readonly state: ShownState }) {
  return (
    <svg class={`icon state-${state}`} viewBox="0 0 12 12" aria-hidden="true">
      {shapeOf(state)}
    </svg>
  )
}

function shapeOf(state: ShownState) {
  switch (state) {
    case 'CLOSED':
      return <circle cx="6" cy="6" r="4.5" fill="currentColor" />
    case 'OPEN':
      return <path d="M6 .8 11.5 11H.5z" fill="currentColor" />
    case 'HALF_OPEN':
      return (
        <>
          <circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" stroke-width="1.8" />
          <path d="M6 1.5a4.5 4.5 0 0 1 0 9z" fill="currentColor" />
        </>
      )
    case 'PAUSED':
      return <path d="M3 2h2.2v8H3zM6.8 2H9v8H6.8z" fill="currentColor" />
    case 'DISABLED':
      return (
        <>
          <circle cx="6" cy="6" r="4.5" fill="none" stroke="currentColor" stroke-width="1.6" />
          <path d="M2.8 9.2 9.2 2.8" stroke="currentColor" stroke-width="1.6" />
        </>
      )
  }
}

/** A state as shape, word and colour. */
export function StateBadge({ state }: { readonly state: ShownState }) {
  return (
    <span class={`badge state-${state}`}>
      <StateIcon state={state} />
      {stateWord(state)}
    </span>
  )
}
