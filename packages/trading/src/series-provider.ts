import type { Service } from 'holdfast'
import type { RequestOptions } from './requests.ts'

/** Which part of a series. */
export interface SeriesQuery {
  /** The first day: `2020-01-01`. Default: all there is. */
  readonly from?: string | undefined
  /** The last day. */
  readonly to?: string | undefined
  /** How many observations at most, from 1 to 100,000. Default 100,000. */
  readonly limit?: number | undefined
}

/** One figure of a series of economic data. */
export interface Observation {
  /** The day, as `2026-01-01`. */
  readonly date: string
  /** null where the source has none. */
  readonly value: number | null
}

/** A provider of economic series behind its service's guards. Every method throws what {@link Service.execute} throws. */
export interface SeriesProvider {
  /** The service that guards it. */
  readonly service: Service
  /** Observations, oldest first, in one request. @throws InvalidRequestError before anything is sent */
  getSeries(seriesId: string, query?: SeriesQuery, options?: RequestOptions): Promise<readonly Observation[]>
}
