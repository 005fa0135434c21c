import { isOptions } from '../options.ts'
import type { ServiceOptions } from './service-settings.ts'

/** Which layer of the configuration a value comes from: the service's profile, the platform's defaults, its own settings. */
export type SettingOrigin = 'profile' | 'defaults' | 'service'

/** One value of a service's configuration, as it is in force. */
export interface Setting {
  /** Where it stands: `circuitBreaker.failureThreshold`. */
  readonly path: string
  /** Its value as plain data; code and other objects are named, not shown. */
  readonly value: number | boolean | string
  readonly from: SettingOrigin
}

/** One layer of the configuration. */
export type SettingsLayer = readonly [from: SettingOrigin, settings: ServiceOptions]

/**
 * The values in force, and where each comes from. A field that no layer names has its pattern's own default and is not
 * listed.
 *
 * @param layers from the weakest to the strongest
 */
export function settingsInForce(layers: readonly SettingsLayer[]): readonly Setting[] {
  const inForce = new Map<string, Setting>()
  for (const [from, { profile: _profile, ...settings }] of layers) lay(inForce, '', settings, from)
  return [...inForce.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
}

function lay(inForce: Map<string, Setting>, under: string, settings: object, from: SettingOrigin): void {
  for (const [field, value] of Object.entries(settings)) {
    const path = `${under}${field}`
    if (value === undefined) continue
    if (isOptions(value)) {
      inForce.delete(path)
      lay(inForce, `${path}.`, value, from)
      continue
    }
    for (const known of inForce.keys()) if (known.startsWith(`${path}.`)) inForce.delete(known)
    inForce.set(path, { path, value: plain(value), from })
  }
}

function plain(value: unknown): number | boolean | string {
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(plain).join(', ')
  return typeof value === 'function' && value.name !== '' ? value.name : 'a function'
}
