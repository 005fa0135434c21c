/** Which view is open: the address, without its beginning. */
import { type Signal, signal } from '@preact/signals'

/** Where the page is served. */
export const BASE = '/console'

/** A view. */
export type View =
  | { readonly view: 'board' | 'flow' | 'incidents' | 'rehearsal' | 'audit' | 'fleet' }
  | { readonly view: 'service'; readonly name: string; readonly from: number | null; readonly to: number | null }
  | { readonly view: 'unknown' }

/** The view that is open. */
export const route: Signal<View> = signal(viewOf(location.pathname, location.search))

/** The address of a view. */
export function pathOf(view: Exclude<View['view'], 'unknown' | 'service'>): string {
  return view === 'board' ? `${BASE}/` : `${BASE}/${view}`
}

/** The address of a service's view, of the last minutes or between two moments. */
export function servicePath(name: string, range?: { readonly from: number; readonly to: number }): string {
  const query = range === undefined ? '' : `?from=${range.from}&to=${range.to}`
  return `${BASE}/services/${encodeURIComponent(name)}${query}`
}

/** Opens a view. */
export function go(path: string): void {
  if (path !== location.pathname + location.search) history.pushState(null, '', path)
  route.value = viewOf(location.pathname, location.search)
  scrollTo(0, 0)
}

/** Follows the browser's own buttons, and links to views. */
export function startRouter(): void {
  addEventListener('popstate', () => {
    route.value = viewOf(location.pathname, location.search)
  })
  document.addEventListener('click', (event) => {
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (link === null || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    if (link.origin !== location.origin || !link.pathname.startsWith(BASE) || link.hasAttribute('download')) return
    event.preventDefault()
    go(link.pathname + link.search)
  })
}

/** The view at an address. */
export function viewOf(pathname: string, search: string): View {
  const [, view = '', name] = pathname.slice(BASE.length).split('/')
  if (view === '') return { view: 'board' }
  const isPage = view === 'flow' || view === 'incidents' || view === 'rehearsal' || view === 'audit' || view === 'fleet'
  if (isPage) return { view }
  if (view === 'services' && name !== undefined && name !== '') {
    const query = new URLSearchParams(search)
    const time = (key: string): number | null =>
      /^\d{1,15}$/.test(query.get(key) ?? '') ? Number(query.get(key)) : null
    return { view: 'service', name: decoded(name), from: time('from'), to: time('to') }
  }
  return { view: 'unknown' }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
