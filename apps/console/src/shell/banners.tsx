/** What is said above every view, and what is read out. */
import { useSignal, useSignalEffect } from '@preact/signals'
import { moment } from '../model/format.ts'
import { stateWord } from '../parts/state-badge.tsx'
import { happenings, orders } from '../state/board.ts'
import { ageMs, connection } from '../state/connection.ts'
import { now } from '../state/time.ts'

/** That what is shown is old, and that new orders are stopped. */
export function Banners() {
  const { value } = connection
  const stopped = orders.value
  return (
    <section class="banners" aria-label="Warnings">
      {value.is === 'stale' && (
        <p class="banner banner-stale" role="alert">
          <b>What you see is old.</b> {value.why} It stands as it was {Math.round(ageMs.value / 1_000)} s ago; trying
          again.
        </p>
      )}
      {stopped?.stopped && (
        <p class="banner banner-stopped">
          <b>New orders are stopped</b>
          {stopped.who === null ? '' : ` by ${stopped.who}`}
          {stopped.since === null ? '' : ` since ${moment(stopped.since, now.peek())}`}. Cancels go through.
          {stopped.reason === null ? '' : ` “${stopped.reason}”`}
        </p>
      )}
    </section>
  )
}

/** Changes of state, for those who hear the page. */
export function Announcer() {
  const text = useSignal('')
  const last = useSignal(0)
  useSignalEffect(() => {
    const newest = happenings.value.find(
      ({ kind, id }) => (kind === 'circuit' || kind === 'orders') && id > last.peek(),
    )
    if (newest === undefined) return
    const first = last.peek() === 0
    last.value = newest.id
    // What was there when the page was opened is no news.
    if (!first)
      text.value = `${newest.service ?? ''} ${newest.state === null ? '' : `is ${stateWord(newest.state)}: `}${newest.text}`
  })
  return (
    <div class="unseen" aria-live="polite">
      {text.value}
    </div>
  )
}
