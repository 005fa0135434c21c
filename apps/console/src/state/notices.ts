/** Short notices of what was done, each of which can be taken back. */
import { type Signal, signal } from '@preact/signals'
import { systemClock } from 'holdfast'
import type { ActRequest } from '../api.ts'

/** How long a notice stays, in milliseconds. */
const SHOWN_MS = 12_000

/** One notice. */
export interface Notice {
  readonly id: number
  readonly text: string
  readonly bad: boolean
  /** What takes it back. */
  readonly undo: ActRequest | undefined
}

/** Those that are shown. */
export const notices: Signal<readonly Notice[]> = signal([])

let last = 0

/** Shows a notice for a while. */
export function notify(
  text: string,
  options: { readonly bad?: boolean; readonly undo?: ActRequest | undefined } = {},
): void {
  const notice = { id: ++last, text, bad: options.bad ?? false, undo: options.undo }
  notices.value = [...notices.value.slice(-2), notice]
  systemClock.setTimer(() => dismiss(notice.id), SHOWN_MS)
}

/** Takes a notice away. */
export function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id)
}
