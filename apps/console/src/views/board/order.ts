/** In which order the tiles stand, and how they move to another place. */
import { type Signal, useSignal } from '@preact/signals'
import { systemClock } from 'holdfast'
import type { RefObject } from 'preact'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { REORDER_MS, ranked, severity } from '../../model/ranking.ts'
import type { LiveService } from '../../state/board.ts'
import { every } from '../../state/time.ts'

/** How long a tile takes to its new place, in milliseconds. */
const MOVE_MS = 260

/**
 * The names in their order: the worst first. It changes every ten seconds at most, and never while somebody points at a
 * tile or has one in focus.
 */
export function useOrder(list: readonly LiveService[], grid: RefObject<HTMLElement | null>): Signal<readonly string[]> {
  const order = useSignal<readonly string[]>([])
  const changedAt = useRef(Number.NEGATIVE_INFINITY)
  useEffect(() => {
    const look = (): void => {
      const next = ranked(
        list.map((live) => ({ name: live.name, severity: severity(live.status.peek(), live.rates.peek()) })),
      )
      const known = order.peek()
      const grown = next.length !== known.length
      if (!grown && next.every((name, index) => name === known[index])) return
      const busy = grid.current?.matches(':hover, :focus-within') ?? false
      const now = systemClock.now()
      if (!grown && (busy || now - changedAt.current < REORDER_MS)) return
      changedAt.current = now
      order.value = next
    }
    look()
    return every(500, look)
  }, [list, order, grid])
  return order
}

/** Lets the children of an element slide to their new places whenever the order changes. */
export function useSlide(grid: RefObject<HTMLElement | null>, order: readonly string[]): void {
  const places = useRef(new Map<Element, DOMRect>())
  useLayoutEffect(() => {
    const before = places.current
    const after = new Map<Element, DOMRect>()
    const still = matchMedia('(prefers-reduced-motion: reduce)').matches
    // All are measured before any is moved: one layout, not one for each.
    for (const child of grid.current?.children ?? []) after.set(child, child.getBoundingClientRect())
    for (const [child, place] of after) {
      const old = before.get(child)
      if (old === undefined || still || (old.x === place.x && old.y === place.y)) continue
      const from = `translate(${old.x - place.x}px, ${old.y - place.y}px)`
      child.animate([{ transform: from }, { transform: 'none' }], {
        duration: MOVE_MS,
        easing: 'cubic-bezier(.2,.7,.3,1)',
      })
    }
    places.current = after
  }, [order])
}
