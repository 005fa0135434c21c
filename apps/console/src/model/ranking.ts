/** The order of the tiles: the worst first, but calmly. */
import type { ServiceStatus } from '../api.ts'
import type { Rates } from './window.ts'

/** The order changes at most so often, in milliseconds. */
export const REORDER_MS = 10_000

/** How bad it is: the greater the worse. */
export function severity(status: ServiceStatus, rates: Rates): number {
  const { state, circuit, limit, slots } = status
  if (state === 'OPEN') return 6
  if (state === 'HALF_OPEN') return 5
  if (rates.failed > 0 || (circuit?.failureCount ?? 0) > 0) return 4
  if (rates.refused > 0 || (limit?.pausedForMs ?? 0) > 0 || (slots !== null && slots.active >= slots.max)) return 3
  if (state === 'DISABLED') return 2
  if (state === 'PAUSED') return 1
  return 0
}

/** Names in order: by severity, then by name. */
export function ranked(services: readonly { readonly name: string; readonly severity: number }[]): string[] {
  return [...services].sort((a, b) => b.severity - a.severity || a.name.localeCompare(b.name)).map(({ name }) => name)
}
