import { type Signal, useSignal } from '@preact/signals'
import type { RefObject } from 'preact'
import { useEffect } from 'preact/hooks'

/** The width of an element in whole pixels, as it changes; 0 before it is known. */
export function useWidth(place: RefObject<HTMLElement | null>): Signal<number> {
  const width = useSignal(0)
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => {
      width.value = Math.floor(entry?.contentRect.width ?? 0)
    })
    if (place.current !== null) observer.observe(place.current)
    return () => observer.disconnect()
  }, [width, place])
  return width
}
