import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { ask, at, listAt, startStandIns, textAt } from '../support.ts'

const OBSERVATIONS = '/fred/series/observations?file_type=json&series_id=PAYEMS'

describe('observations', () => {
  it('are the real figures, with all that FRED tells of them', async () => {
    const { fred } = await startStandIns()
    const { status, headers, body } = await fred(`${OBSERVATIONS}&observation_start=2015-11-01`)
    expect(status).toBe(200)
    expect(headers).toMatchObject({ 'x-data': 'real', 'x-rate-limit-limit': '120', 'x-rate-limit-remaining': '119' })
    expect(body).toMatchObject({
      realtime_start: '2026-01-05',
      observation_start: '2015-11-01',
      observation_end: '9999-12-31',
      units: 'lin',
      output_type: 1,
      file_type: 'json',
      order_by: 'observation_date',
      sort_order: 'asc',
      count: 2,
      offset: 0,
      limit: 100_000,
      observations: [
        { date: '2015-11-01', realtime_start: '2026-01-05', realtime_end: '2026-01-05' },
        { date: '2015-12-01', value: '143093' },
      ],
    })
  })

  it('come in pages, newest first if wanted', async () => {
    const { fred } = await startStandIns()
    const { body } = await fred(`${OBSERVATIONS}&sort_order=desc&limit=2&offset=1`)
    expect(at(body, 'count')).toBe(120)
    expect(listAt(body, 'observations').map((row) => at(row, 'date'))).toEqual(['2015-11-01', '2015-10-01'])
  })

  it.each([
    ['units=chg', '2006-01-01', '.'],
    ['units=chg', '2006-02-01', '312'],
    ['units=pch', '2006-02-01', '0.23034'],
    ['units=ch1', '2006-12-01', '.'],
    ['units=log', '2006-01-01', '11.81636'],
    ['frequency=q', '2006-01-01', '135757'],
    ['frequency=a', '2015-01-01', /^1\d{5}\.\d+$/],
    ['frequency=a&units=ch1', '2006-01-01', '.'],
  ])('with %s have for %s the value %s', async (query, date, value) => {
    const { fred } = await startStandIns()
    const { body } = await fred(`${OBSERVATIONS}&${query}`)
    const found = listAt(body, 'observations').find((row) => at(row, 'date') === date)
    expect(textAt(found, 'value')).toMatch(value)
  })

  it('are XML unless JSON is asked for', async () => {
    const { fred } = await startStandIns()
    const { headers, text } = await fred('/fred/series/observations?series_id=MANEMP&observation_start=2015-12-01')
    expect(headers['content-type']).toMatch(/^text\/xml/)
    expect(text).toContain(
      '<observation realtime_start="2026-01-05" realtime_end="2026-01-05" date="2015-12-01" value="12360"/>',
    )
  })
})

it('a series is told with its title and its span', async () => {
  const { fred } = await startStandIns()
  expect((await fred('/fred/series?file_type=json&series_id=payems')).body).toMatchObject({
    seriess: [
      {
        id: 'PAYEMS',
        title: 'All Employees, Total Nonfarm',
        observation_start: '2006-01-01',
        observation_end: '2015-12-01',
        frequency_short: 'M',
      },
    ],
  })
  expect((await fred('/fred/series?series_id=USTPU')).text).toContain(
    'title="All Employees, Trade, Transportation, and Utilities"',
  )
})

describe('a refusal', () => {
  it.each([
    ['/fred/series/observations?series_id=PAYEMS&file_type=json', 'Variable api_key is not set.'],
    ['/fred/series?series_id=PAYEMS&api_key=short', 'The value for variable api_key is not a 32 character'],
    [`/fred/series?series_id=PAYEMS&api_key=${'0'.repeat(32)}`, 'The value for variable api_key is not registered.'],
  ])('comes for %s', async (path, message) => {
    const { ports } = await startStandIns()
    const { status, body } = await ask(ports.fred, path)
    expect(status).toBe(400)
    expect(body).toMatchObject({ error_code: 400, error_message: expect.stringContaining(`Bad Request.  ${message}`) })
  })

  it.each([
    [`${OBSERVATIONS.replace('PAYEMS', 'NOPE')}`, 400, 'The series does not exist.'],
    ['/fred/series?file_type=json', 400, 'Variable series_id is not set.'],
    ['/fred/series?file_type=csv&series_id=PAYEMS', 400, 'Bad value for variable file_type.'],
    [`${OBSERVATIONS}&limit=0`, 400, 'Value of limit is not one of the allowed values.'],
    [`${OBSERVATIONS}&observation_start=yesterday`, 400, 'Value of observation_start is not one'],
    ['/fred/nothing?file_type=json', 404, 'Not Found.'],
  ])('comes for %s with %d', async (path, code, message) => {
    const { fred } = await startStandIns()
    const { status, body } = await fred(path)
    expect([status, at(body, 'error_code')]).toEqual([code, code])
    expect(textAt(body, 'error_message')).toContain(message)
  })

  it('comes beyond two requests a second, and beyond 120 a minute', async () => {
    const clock = new VirtualClock()
    const { fred, control } = await startStandIns({ clock })
    const ask = async (): Promise<number> => (await fred('/fred/series?series_id=PAYEMS')).status
    expect([await ask(), await ask(), await ask()]).toEqual([200, 200, 429])
    expect((await fred('/fred/series?series_id=PAYEMS')).body).toEqual({
      error_code: 429,
      error_message: 'Too Many Requests.  Exceeded Rate Limit',
    })
    await clock.advance(1_000)
    expect(await ask()).toBe(200)
    control.setLimits('fred', { perMinute: { requests: 4, windowMs: 60_000, window: 'rolling' } })
    await clock.advance(1_000)
    expect([await ask(), await ask()]).toEqual([200, 429])
    expect(control.stats('fred').rateViolations).toBe(3)
  })

  it('can be a false one of a good key', async () => {
    const { fred, control } = await startStandIns()
    control.setFaults('fred', { match: { nth: [1] }, action: { type: 'spurious400ApiKey' } })
    const first = await fred(OBSERVATIONS)
    expect(textAt(first.body, 'error_message')).toMatch(/api_key is not registered/)
    expect((await fred(OBSERVATIONS)).status).toBe(200)
  })

  it.each([500, 502])('can be a page of HTML with status %d', async (code) => {
    const { fred, control } = await startStandIns()
    control.setFaults('fred', { action: { type: 'malformed', mode: 'html', code } })
    const { status, headers, text } = await fred(OBSERVATIONS)
    expect([status, headers['content-type']]).toEqual([code, 'text/html'])
    expect(text).toMatch(/^<!DOCTYPE html>/)
  })
})

it('a stale series is one of another day', async () => {
  const { fred, control } = await startStandIns()
  control.setFaults('fred', { action: { type: 'stale', ageMs: 86_400_000 } })
  expect(at((await fred(OBSERVATIONS)).body, 'realtime_end')).toBe('2026-01-04')
})

it.each(['rotateCrumb', 'badCrumb200', 'consent', 'spurious400ApiKey'])(
  'the fault %s is refused where it makes no sense',
  async (type) => {
    const { ask, control } = await startStandIns()
    const answer = await ask('/_faults/alpaca', { method: 'PUT', body: { action: { type } } })
    expect(answer.status).toBe(400)
    expect(textAt(answer.body, 'detail')).toMatch(/only (yahoo|fred) has it, not alpaca/)
    expect(control.faults('alpaca')).toEqual([])
  },
)
