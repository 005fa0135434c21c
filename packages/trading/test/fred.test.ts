import { inspect } from 'node:util'
import { describeFailure, TimeoutError } from 'holdfast'
import { describe, expect, it } from 'vitest'
import { InvalidRequestError, MalformedAnswerError } from '../src/index.ts'
import { FRED_KEY, startFred } from './providers.ts'
import { rejection } from './support.ts'

describe('FRED', () => {
  it('has a series, oldest first', async () => {
    const { data } = await startFred()
    const payrolls = await data.getSeries('PAYEMS', { from: '2008-01-01', to: '2008-12-31' })
    expect(payrolls.length).toBeGreaterThan(0)
    expect(payrolls.map(({ date }) => date)).toEqual(payrolls.map(({ date }) => date).toSorted())
    expect(payrolls.every(({ value }) => value === null || value > 0)).toBe(true)
  })

  it('has no more of it than was asked for', async () => {
    const { data } = await startFred()
    expect(await data.getSeries('PAYEMS', { limit: 3 })).toHaveLength(3)
  })

  it('knows no series that there is not', async () => {
    const { data, control } = await startFred()
    const error = await rejection(data.getSeries('NOPE'))
    expect(describeFailure(error)).toMatchObject({ status: 400, kind: 'refused' })
    expect(String(error)).toContain('The series does not exist')
    expect(control.stats('fred').requests).toBe(1)
  })

  it('is believed the third time that it says of a key that it is not registered: under load it says so of good ones', async () => {
    const { data, control } = await startFred()
    control.setFaults('fred', { match: { times: 2 }, action: { type: 'spurious400ApiKey' } })
    expect(await data.getSeries('PAYEMS', { limit: 1 })).toHaveLength(1)
    expect(control.stats('fred').requests).toBe(3)
    control.setFaults('fred', { action: { type: 'spurious400ApiKey' } })
    const error = await rejection(data.getSeries('PAYEMS'))
    expect(describeFailure(error)).toMatchObject({ kind: 'refused', throttled: false })
    expect(control.stats('fred').requests).toBe(3 + 3)
  })

  it.each([
    ['truncate', MalformedAnswerError],
    ['html', MalformedAnswerError],
    ['empty', MalformedAnswerError],
    ['nullJson', MalformedAnswerError],
    ['wrongType', MalformedAnswerError],
  ])('is a malformed answer for a body that is %s', async (mode, kind) => {
    const { data, control } = await startFred({ retry: { maxRetries: 0 } })
    control.setFaults('fred', { action: { type: 'malformed', mode } })
    expect(await rejection(data.getSeries('PAYEMS'))).toBeInstanceOf(kind)
  })

  it('is asked again after a page of HTML with 502', async () => {
    const { data, control } = await startFred()
    const body = '<html>Bad Gateway</html>'
    control.setFaults('fred', { match: { times: 1 }, action: { type: 'status', code: 502, body } })
    expect(await data.getSeries('PAYEMS', { limit: 1 })).toHaveLength(1)
  })

  it('ends with a timeout when it hangs', async () => {
    const { data, control } = await startFred({ attemptTimeoutMs: 60, retry: { maxRetries: 0 } })
    control.setFaults('fred', { action: { type: 'hang' } })
    expect(await rejection(data.getSeries('PAYEMS'))).toBeInstanceOf(TimeoutError)
  })

  it('keeps its key out of every error', async () => {
    const { data, control } = await startFred({ retry: { maxRetries: 0 }, circuitBreaker: false })
    for (const action of [
      { type: 'status', code: 500 },
      { type: 'reset' },
      { type: 'partial', bytes: 10 },
      { type: 'malformed', mode: 'html' },
    ]) {
      control.setFaults('fred', { action })
      const error = await rejection(data.getSeries('PAYEMS'))
      expect(inspect(error, { depth: 12, showHidden: true })).not.toContain(FRED_KEY)
    }
  })
})

describe('what cannot be meant', () => {
  it.each([
    ['seriesId', '', {}],
    ['seriesId', 'A'.repeat(10_000), {}],
    ['seriesId', '../account', {}],
    ['limit', 'PAYEMS', { limit: 0 }],
    ['limit', 'PAYEMS', { limit: Number.NaN }],
    ['from', 'PAYEMS', { from: 'yesterday' }],
    ['to', 'PAYEMS', { to: '2020-13-01' }],
  ])('is refused for its %s before anything is sent', async (field, seriesId, query) => {
    const { data, control } = await startFred()
    const error = await rejection(data.getSeries(seriesId, query))
    expect(error).toBeInstanceOf(InvalidRequestError)
    expect(error).toMatchObject({ field })
    expect(control.stats('fred').requests).toBe(0)
  })

  it('is refused for its key when the provider is made, without showing it', async () => {
    await expect(startFred({}, 'SECRET')).rejects.toThrow('apiKey is "(not shown)": it must be 32 lower-case letters')
  })
})
