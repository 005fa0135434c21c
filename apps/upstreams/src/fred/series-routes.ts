import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { ORIGIN_HEADER } from '../data-origin.ts'
import { dateText, dayAt } from '../market/new-york-time.ts'
import { staleMs } from '../request-facts.ts'
import type { Simulation } from '../simulation.ts'
import { refuse } from '../upstream-server.ts'
import { badRequest } from './fred.ts'
import { readObservationsQuery, selected } from './observations.ts'
import { type Series, seriesOf } from './series.ts'
import { xml } from './xml.ts'

interface SeriesRoute {
  Querystring: { series_id?: string; file_type?: string }
}

/** A series and its observations. */
export function seriesRoutes(app: FastifyInstance, simulation: Simulation): void {
  app.get<SeriesRoute>('/fred/series', (request, reply) =>
    answered(request, reply, (series) => {
      const realtime = realtimeOf(request, simulation)
      const about = { ...realtime, ...aboutJson(series, realtime.realtime_end) }
      if (request.query.file_type === 'json') return { ...realtime, seriess: [about] }
      return xml('seriess', realtime, [['series', about]])
    }),
  )

  app.get<SeriesRoute>('/fred/series/observations', (request, reply) =>
    answered(request, reply, (series) => {
      const query = readObservationsQuery(request.query)
      if (typeof query === 'string')
        return refuse(reply, badRequest(`Value of ${query} is not one of the allowed values.`))
      const realtime = realtimeOf(request, simulation)
      const all = selected(series.observations, query)
      const { limit, offset, observation_start, observation_end, units, sort_order } = query
      const observations = all
        .slice(offset, offset + limit)
        .map(({ date, value }) => ({ ...realtime, date, value: value === null ? '.' : String(value) }))
      const about = { ...realtime, observation_start, observation_end, units, output_type: 1 }
      const page = { order_by: 'observation_date', sort_order, count: all.length, offset, limit }
      if (request.query.file_type === 'json') return { ...about, file_type: 'json', ...page, observations }
      const inner = observations.map((observation) => ['observation', observation] as const)
      return xml('observations', { ...about, file_type: 'xml', ...page }, inner)
    }),
  )
}

/** Answers about the series that is asked for, if it is known; as XML unless JSON is asked for. */
function answered(
  request: FastifyRequest<SeriesRoute>,
  reply: FastifyReply,
  answer: (series: Series) => object | string,
): object | string {
  const { series_id: id, file_type: type = 'xml' } = request.query
  if (id === undefined) return refuse(reply, badRequest('Variable series_id is not set.'))
  if (type !== 'xml' && type !== 'json') return refuse(reply, badRequest('Bad value for variable file_type.'))
  const series = seriesOf(id.toUpperCase())
  if (series === undefined) return refuse(reply, badRequest('The series does not exist.'))
  reply.header(ORIGIN_HEADER, 'real')
  if (type === 'xml') reply.type('text/xml; charset=utf-8')
  return answer(series)
}

/** As of when figures are told; a `stale` fault makes that earlier. */
function realtimeOf(request: FastifyRequest, { marketClock }: Simulation) {
  const today = dateText(dayAt(marketClock.now() - staleMs(request)))
  return { realtime_start: today, realtime_end: today }
}

function aboutJson({ id, title, observations }: Series, updatedOn: string) {
  return {
    id,
    title,
    observation_start: observations[0]?.date ?? '',
    observation_end: observations.at(-1)?.date ?? '',
    frequency: 'Monthly',
    frequency_short: 'M',
    units: 'Thousands of Persons',
    units_short: 'Thous. of Persons',
    seasonal_adjustment: 'Seasonally Adjusted',
    seasonal_adjustment_short: 'SA',
    last_updated: `${updatedOn} 08:05:03-05`,
    popularity: 80,
    notes: 'From a public data set.',
  }
}
