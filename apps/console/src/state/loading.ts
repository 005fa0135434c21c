/** Something that is loaded, and loaded again. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'

/** How far it is. What was loaded before stays while it is loaded again. */
export interface Loaded<Value> {
  readonly value: Signal<Value | undefined>
  readonly error: Signal<unknown>
  readonly again: () => void
}

/** Loads when the view opens, and whenever one of the causes changes. */
export function useLoaded<Value>(load: () => Promise<Value>, causes: readonly unknown[]): Loaded<Value> {
  const value = useSignal<Value | undefined>(undefined)
  const error = useSignal<unknown>(undefined)
  const turn = useSignal(0)
  useEffect(() => {
    let current = true
    load().then(
      (loaded) => {
        if (!current) return
        value.value = loaded
        error.value = undefined
      },
      (failure: unknown) => {
        if (current) error.value = failure
      },
    )
    return () => {
      current = false
    }
  }, [...causes, turn.value])
  return { value, error, again: () => void turn.value++ }
}
