import { AdmissionControl } from '@holdfast/http'
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'

describe('a limit for all', () => {
  it('tells every answer what is left, and when all of it is there again', () => {
    const clock = new VirtualClock()
    const control = new AdmissionControl({ tokensPerSecond: 0.25, burstSize: 3, clock })
    expect(control.admit('a').headers).toEqual({
      ratelimit: '"default";r=2;t=4',
      'ratelimit-policy': '"default";q=3;w=12',
    })
    expect(control.admit('b').headers.ratelimit).toBe('"default";r=1;t=8')
    expect(control.admit('c').headers.ratelimit).toBe('"default";r=0;t=12')
  })

  it('says to who is turned away when to come back, and that one is then admitted', async () => {
    const clock = new VirtualClock()
    const control = new AdmissionControl({ tokensPerSecond: 0.4, burstSize: 1, clock })
    control.admit('a')
    await clock.advance(100)
    const { allowed, headers, problem } = control.admit('a')
    expect(allowed).toBe(false)
    expect(headers).toEqual({
      ratelimit: '"default";r=0;t=3',
      'ratelimit-policy': '"default";q=1;w=3',
      'retry-after': '3',
    })
    expect(problem).toEqual({
      type: 'urn:holdfast:too-many-requests',
      title: 'Too many requests',
      status: 429,
      detail: 'the limit of all clients together of 1 requests at once is used up; come back in 3 s',
      retryAfter: 3,
    })
    await clock.advance(3_000)
    expect(control.admit('a').allowed).toBe(true)
  })

  it('never says less than a second', () => {
    const control = new AdmissionControl({ tokensPerSecond: 1_000, burstSize: 1, clock: new VirtualClock() })
    control.admit('a')
    expect(control.admit('a').headers['retry-after']).toBe('1')
  })
})

describe('limits for all and for each', () => {
  const limits = { tokensPerSecond: 1, burstSize: 3, perClient: { tokensPerSecond: 0.5, burstSize: 2 } }

  it("are both told, by name, and the tighter one's state", () => {
    const control = new AdmissionControl({ ...limits, clock: new VirtualClock() })
    const { headers } = control.admit('a')
    expect(headers['ratelimit-policy']).toBe('"client";q=2;w=4, "global";q=3;w=3')
    expect(headers.ratelimit).toBe('"client";r=1;t=2')
  })

  it('take from both or from neither', () => {
    const control = new AdmissionControl({ ...limits, clock: new VirtualClock() })
    const seen = ['a', 'a', 'a', 'a', 'b', 'b', 'c'].map((client) => control.admit(client).allowed)
    expect(seen).toEqual([true, true, false, false, true, false, false])
  })

  it('say whose limit it was', () => {
    const control = new AdmissionControl({ ...limits, clock: new VirtualClock() })
    control.admit('a')
    control.admit('a')
    expect(control.admit('a').problem?.detail).toMatch(/^your limit of 2 /)
    control.admit('b')
    expect(control.admit('c').problem?.detail).toMatch(/^the limit of all clients together of 3 /)
  })
})

describe('clients', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', ''])('may be called %o', (name) => {
    const perClient = { tokensPerSecond: 1, burstSize: 1 }
    const control = new AdmissionControl({ perClient, clock: new VirtualClock() })
    expect([control.admit(name).allowed, control.admit(name).allowed, control.admit('other').allowed]).toEqual([
      true,
      false,
      true,
    ])
  })

  it('do not get out of debt behind a crowd of made-up ones', () => {
    const perClient = { tokensPerSecond: 0.001, burstSize: 1 }
    const control = new AdmissionControl({ perClient, maxClients: 100, clock: new VirtualClock() })
    control.admit('offender')
    for (let name = 0; name < 10_000; name++) control.admit(`made-up ${name}`)
    expect(control.admit('offender').allowed).toBe(false)
  })
})

describe('what makes no sense', () => {
  it.each([
    [{}, 'rateLimiter.tokensPerSecond'],
    [{ tokensPerSecond: Number.NaN }, 'rateLimiter.tokensPerSecond'],
    [{ tokensPerSecond: 0 }, 'rateLimiter.tokensPerSecond'],
    [{ tokensPerSecond: 1, burstSize: 0.5 }, 'rateLimiter.burstSize'],
    [{ perClient: { tokensPerSecond: -1 } }, 'rateLimiter.perClient.tokensPerSecond'],
    [{ tokensPerSecond: 1, maxClients: 0 }, 'rateLimiter.maxClients'],
  ])('%o is an error that names %s', (options, field) => {
    expect(() => new AdmissionControl(options)).toThrowError(expect.objectContaining({ field }))
  })

  it.each([0, -1, Number.NaN, 2.5, Number.POSITIVE_INFINITY])(
    'a cost of %d is an error before anybody pays it',
    (cost) => {
      const control = new AdmissionControl({
        tokensPerSecond: 1,
        burstSize: 9,
        perClient: { tokensPerSecond: 1, burstSize: 2 },
      })
      expect(() => control.checkCost('GET /report', cost)).toThrowError(
        expect.objectContaining({ code: 'HOLDFAST_INVALID_OPTION', field: 'GET /report', value: cost }),
      )
      expect(() => control.checkCost('GET /report', 2)).not.toThrow()
    },
  )
})
