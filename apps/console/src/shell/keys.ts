/** The keys. */

import { systemClock } from 'holdfast'
import { askFor } from '../parts/act-dialog.tsx'
import { go, pathOf, route } from '../state/router.ts'
import { helpOpen } from './help.tsx'

/** How long after `g` its second key is awaited, in milliseconds. */
const SECOND_KEY_MS = 1_200

const PLACES: Readonly<Record<string, Parameters<typeof pathOf>[0]>> = {
  b: 'board',
  f: 'flow',
  i: 'incidents',
  r: 'rehearsal',
  a: 'audit',
}

let goingUntil = 0

/** Listens to the keys. */
export function startKeys(): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const { target, key } = event
    if (document.querySelector('dialog[open]') !== null) return
    if (target instanceof Element && target.matches('input, textarea, select')) {
      if (key === 'Escape' && target instanceof HTMLElement) target.blur()
      return
    }
    if (press(key)) event.preventDefault()
  })
}

/** @returns whether the key means something */
function press(key: string): boolean {
  const now = systemClock.now()
  if (now < goingUntil) {
    goingUntil = 0
    const place = PLACES[key]
    if (place === undefined) return false
    go(pathOf(place))
    return true
  }
  switch (key) {
    case 'g':
      goingUntil = now + SECOND_KEY_MS
      return true
    case '/':
      return find()
    case 'j':
      return step(1)
    case 'k':
      return step(-1)
    case 't':
      return act('trip')
    case 'r':
      return act('reset')
    case '?':
      helpOpen.value = true
      return true
    default:
      return false
  }
}

/** At once where the field is there: what is typed next belongs into it. */
function find(): boolean {
  if (focusOnFind()) return true
  go(pathOf('board'))
  // The board has to be drawn first.
  requestAnimationFrame(focusOnFind)
  return true
}

function focusOnFind(): boolean {
  const field = document.querySelector<HTMLInputElement>('.find')
  field?.focus()
  return field !== null
}

/** Moves from tile to tile. */
function step(by: number): boolean {
  const links = [...document.querySelectorAll<HTMLElement>('.tile h3 a, .incident h2 a')]
  if (links.length === 0) return false
  const at = links.findIndex((link) => link.matches(':focus'))
  const next = at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, at + by))
  links[next]?.focus()
  return true
}

/** Begins an act on the service that is in focus, or whose view is open. */
function act(name: 'trip' | 'reset'): boolean {
  const focused = document.activeElement?.closest<HTMLElement>('[data-service]')?.dataset.service
  const { value } = route
  const target = focused ?? (value.view === 'service' ? value.name : undefined)
  if (target === undefined) return false
  askFor(name, target)
  return true
}
