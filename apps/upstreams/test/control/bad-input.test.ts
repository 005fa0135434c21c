import { describe, expect, it } from 'vitest'
import { startStandIns } from '../support.ts'

const HANG = { action: { type: 'hang' } }

/** What is no rule, and what the answer says of it. */
const NO_RULES: readonly (readonly [what: string, body: unknown, says: string])[] = [
  ['no JSON', '{not', 'the body is no JSON; send {"action":{"type":"hang"}}'],
  ['no body', undefined, 'rule is missing'],
  ['a text', '"hang"', 'rule is "hang"'],
  ['a number', '5', 'rule is 5'],
  ['null', 'null', 'rule is null'],
  ['nothing in it', {}, 'rule.action is missing'],
  ['an action without a type', { action: {} }, 'rule.action.type is missing: type must be one of latency, hang,'],
  ['an unknown type', { action: { type: 'explode' } }, 'rule.action.type is "explode": type must be one of latency,'],
  ['an unknown field of the action', { action: { type: 'hang', x: 1 } }, 'Unrecognized key: "x"'],
  ['an unknown field of the rule', { ...HANG, when: 1 }, 'Unrecognized key: "when"'],
  ['an empty id', { ...HANG, id: '' }, 'rule.id is ""'],
  ['a broken pattern', { ...HANG, match: { path: '(' } }, 'rule.match.path is "(": it must be a regular expression'],
  ['a request before the first', { ...HANG, match: { nth: [0] } }, 'rule.match.nth[0] is 0'],
  ['more than certain', { ...HANG, match: { probability: 1.1 } }, 'rule.match.probability is 1.1'],
  [
    'a window that ends before it begins',
    { ...HANG, match: { window: { fromMs: 5, toMs: 1 } } },
    'rule.match.window.toMs is 1: it must not be below fromMs',
  ],
  ['a negative delay', { action: { type: 'latency', ms: -1 } }, 'rule.action.ms is -1'],
  [
    'a distribution upside down',
    { action: { type: 'latency', dist: 'uniform', minMs: 5, maxMs: 1 } },
    'rule.action.maxMs is 1: it must not be below minMs',
  ],
  ['a status without a code', { action: { type: 'status' } }, 'rule.action.code is missing'],
  ['a code that is no status', { action: { type: 'status', code: 99 } }, 'rule.action.code is 99'],
  ['a drift of nothing', { action: { type: 'drift' } }, 'it must say which field to drop or to rename'],
  [
    'a list with one that is wrong',
    [HANG, { action: { type: 'reset', where: 'there' } }],
    'rules[1].action.where is "there"',
  ],
]

describe('what is no rule', () => {
  it.each(NO_RULES)('is refused with the field that is wrong, and changes nothing: %s', async (_what, body, says) => {
    const { ask, control } = await startStandIns()
    control.setFaults('alpaca', { id: 'there before', ...HANG })
    for (const method of ['PUT', 'POST']) {
      const answer = await ask('/_faults/alpaca', { method, ...(body === undefined ? {} : { body }) })
      expect(answer.status).toBe(400)
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/)
      expect(answer.body).toMatchObject({ status: 400, detail: expect.stringContaining(says) })
    }
    expect(control.faults('alpaca').map(({ id }) => id)).toEqual(['there before'])
  })

  it('in one service keeps the rules for the others out, too', async () => {
    const { ask, control } = await startStandIns()
    const body = { alpaca: HANG, polygon: { action: { type: 'no' } } }
    expect((await ask('/_faults', { method: 'PUT', body })).status).toBe(400)
    expect(control.faults('alpaca')).toEqual([])
  })
})

describe('an upstream that is not there', () => {
  it.each([
    ['GET', '/_faults/nasdaq', undefined],
    ['PUT', '/_faults/nasdaq', HANG],
    ['POST', '/_faults/nasdaq', HANG],
    ['DELETE', '/_faults/nasdaq', undefined],
    ['PUT', '/_faults', { nasdaq: HANG }],
    ['GET', '/_limits/nasdaq', undefined],
    ['PUT', '/_limits/nasdaq', {}],
    ['GET', '/_stats/nasdaq', undefined],
    ['GET', '/_log?upstream=nasdaq', undefined],
  ])('is a 404 that names those that are: %s %s', async (method, path, body) => {
    const { ask } = await startStandIns()
    const answer = await ask(path, { method, ...(body === undefined ? {} : { body }) })
    expect(answer.status).toBe(404)
    expect(answer.body).toMatchObject({
      detail: expect.stringContaining('no upstream "nasdaq"; known are alpaca, polygon'),
    })
  })

  it('may have a name of any length', async () => {
    const { ask } = await startStandIns()
    const answer = await ask(`/_stats/${'n'.repeat(90)}`)
    expect(answer.status).toBe(404)
    expect(answer.text.length).toBeLessThan(400)
  })
})

describe('the rest of the control', () => {
  it.each([
    ['PUT', '/_limits/alpaca', { nope: { requests: 1, windowMs: 1, window: 'fixed' } }, 'known are trading, data'],
    [
      'PUT',
      '/_limits/alpaca',
      { trading: { requests: 0, windowMs: 1, window: 'fixed' } },
      'limits.trading.requests is 0',
    ],
    ['PUT', '/_limits/alpaca', { trading: { requests: 10 } }, 'limits.trading.windowMs is missing'],
    ['PUT', '/_visibility', {}, 'visibilityLagMs is {}'],
    ['PUT', '/_visibility', undefined, 'visibilityLagMs is missing'],
    ['POST', '/_clock', { advanceMs: -1 }, 'clock.advanceMs is -1'],
    ['POST', '/_clock', { minutes: 1 }, 'Unrecognized key: "minutes"'],
    ['POST', '/_reset', { seed: 'x' }, 'reset.seed is "x"'],
    ['GET', '/_log?since=abc', undefined, 'query.since is "abc"'],
  ])('says what it does not understand: %s %s %o', async (method, path, body, says) => {
    const { ask } = await startStandIns()
    const answer = await ask(path, { method, ...(body === undefined ? {} : { body }) })
    expect(answer.status).toBe(400)
    expect(answer.body).toMatchObject({ detail: expect.stringContaining(says) })
  })

  it('says what there is to those who ask for something else', async () => {
    const { ask } = await startStandIns()
    const nothing = await ask('/_nothing')
    expect(nothing.status).toBe(404)
    expect(nothing.body).toMatchObject({ detail: expect.stringContaining('GET / lists what there is') })
    expect((await ask('/')).body).toMatchObject({ see: expect.arrayContaining(['/_faults', '/_ledger', '/_log']) })
  })
})
