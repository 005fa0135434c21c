/**
 * FRED, the economic data of the Federal Reserve Bank of St. Louis, by `fetch`: no client on npm survives a network error.
 */
import { type Call, describeFailure, parseRetryAfter, type Service } from 'holdfast'
import { Answer } from '../answer.ts'
import { InvalidRequestError, MalformedAnswerError, TradingError, UpstreamRequestError } from '../errors.ts'
import { redactUrl } from '../redact.ts'
import { checkedDate, type RequestOptions } from '../requests.ts'
import type { Observation, SeriesProvider, SeriesQuery } from '../series-provider.ts'

/** Who calls FRED, and where it is. */
export interface FredSeriesProviderOptions {
  /** The service whose guards every request passes. Use the profile `DATA_PROVIDER` with `FRED_LIMIT`. */
  readonly service: Service
  /** 32 lower-case letters and digits. */
  readonly apiKey: string
  /** Where the API is, if not at FRED's. */
  readonly baseUrl?: string | undefined
}

/** What FRED says under load of a key that it knows (mortada/fredapi, issue 45). */
const FALSE_REFUSAL = /api_key is not registered/i

/** How many such refusals are taken for load; the next is believed. */
const FALSE_REFUSALS = 2

/** FRED, guarded. Made by {@link createFredSeriesProvider}. */
export class FredSeriesProvider implements SeriesProvider {
  readonly service: Service
  readonly #apiKey: string
  readonly #baseUrl: string

  /** @throws InvalidRequestError when the key cannot be one */
  constructor({ service, apiKey, baseUrl = 'https://api.stlouisfed.org' }: FredSeriesProviderOptions) {
    if (!/^[a-z0-9]{32}$/.test(apiKey)) {
      throw new InvalidRequestError('apiKey', '(not shown)', 'it must be 32 lower-case letters and digits')
    }
    this.service = service
    this.#apiKey = apiKey
    this.#baseUrl = baseUrl.replace(/\/$/, '')
  }

  async getSeries(
    seriesId: string,
    query: SeriesQuery = {},
    options?: RequestOptions,
  ): Promise<readonly Observation[]> {
    const url = this.#urlOf(seriesId, query)
    return await this.service.execute(
      async (call) => {
        try {
          return await this.#ask(url, call)
        } catch (error) {
          throw error instanceof TradingError ? error : withoutKey(error)
        }
      },
      { ...options, operation: 'getSeries', idempotent: true },
    )
  }

  #urlOf(seriesId: string, { from, to, limit = 100_000 }: SeriesQuery): URL {
    if (!/^[A-Za-z0-9._-]{1,60}$/.test(seriesId)) {
      throw new InvalidRequestError('seriesId', seriesId, 'it must be 1 to 60 letters, digits, or any of . _ -')
    }
    if (!Number.isInteger(limit) || limit < 1 || limit > 100_000) {
      throw new InvalidRequestError('limit', limit, 'it must be a whole number from 1 to 100,000')
    }
    const url = new URL(`${this.#baseUrl}/fred/series/observations`)
    url.searchParams.set('series_id', seriesId)
    url.searchParams.set('api_key', this.#apiKey)
    // The API's own default is XML.
    url.searchParams.set('file_type', 'json')
    url.searchParams.set('sort_order', 'asc')
    url.searchParams.set('limit', String(limit))
    if (from !== undefined) url.searchParams.set('observation_start', checkedDate('from', from))
    if (to !== undefined) url.searchParams.set('observation_end', checkedDate('to', to))
    return url
  }

  async #ask(url: URL, { signal, attempt }: Call): Promise<Observation[]> {
    const response = await fetch(url, { signal, redirect: 'error' })
    const text = await response.text()
    const body = parsed(text)
    if (!response.ok) throw refusalOf(response, body, attempt)
    if (body === undefined) {
      throw new MalformedAnswerError(this.service.name, 'getSeries', 'its body is no JSON')
    }
    return new Answer(this.service.name, 'getSeries', body).list('observations').map(readObservation)
  }
}

/**
 * FRED by `fetch`.
 *
 * @throws InvalidRequestError when the key cannot be one
 * @example
 * const fred = createFredSeriesProvider({ service: resilience.service('fred'), apiKey })
 * const payrolls = await fred.getSeries('PAYEMS', { from: '2020-01-01' })
 */
export function createFredSeriesProvider(options: FredSeriesProviderOptions): FredSeriesProvider {
  return new FredSeriesProvider(options)
}

function readObservation(observation: Answer): Observation {
  const value = observation.text('value')
  return { date: observation.text('date'), value: value === '.' ? null : observation.figure('value') }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function refusalOf(response: Response, body: unknown, attempt: number): UpstreamRequestError {
  const said: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'error_message') : undefined
  const message = typeof said === 'string' ? redactUrl(said.slice(0, 300)) : `FRED answered ${response.status}`
  // Said of a good key, it means "too fast", and is treated as that until it has been said too often.
  const status = FALSE_REFUSAL.test(message) && attempt <= FALSE_REFUSALS ? 429 : response.status
  const retryAfterMs = parseRetryAfter(response.headers.get('retry-after') ?? '')
  return new UpstreamRequestError(message, { code: `FRED_${response.status}`, status, retryAfterMs })
}

function withoutKey(error: unknown): unknown {
  const facts = describeFailure(error)
  if (facts.kind === 'cancelled' || !(error instanceof Error)) return error
  return new UpstreamRequestError(redactUrl(`${error.message} (${facts.code ?? 'no code'})`), facts)
}
