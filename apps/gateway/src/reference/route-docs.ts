import type { z } from 'zod'

/** What there is to say of a route. */
export interface RouteDocs {
  readonly tag: 'account and orders' | 'market data' | 'operations' | 'watching and acting'
  readonly summary: string
  /** What its answers mean, by status; with the shape of the body, where it is JSON. */
  readonly answers: Readonly<Record<number, { readonly says: string; readonly body?: z.ZodType | undefined }>>
  readonly query?: z.ZodObject | undefined
  readonly body?: z.ZodType | undefined
  /** Who may ask, where not everybody may. */
  readonly role?: 'viewer' | 'operator' | undefined
  /** Whether it refuses what comes from a page of somebody else. */
  readonly refusesForeignPages?: boolean | undefined
  /** Whether an upstream is asked: then its failures are answered too. */
  readonly asksUpstream?: boolean | undefined
}
