import { AdmissionControl, clientKey } from '@holdfast/http'
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

  it('says to who is turned away when to come back, no later than RateLimit says that there is more, and he is admitted', async () => {
    const clock = new VirtualClock()
    const control = new AdmissionControl({ tokensPerSecond: 0.4, burstSize: 2, clock })
    control.admit('a')
    control.admit('a')
    await clock.advance(100)
    const { allowed, headers, body } = control.admit('a')
    expect(allowed).toBe(false)
    expect(headers).toEqual({
      ratelimit: '"default";r=0;t=3',
      'ratelimit-policy': '"default";q=2;w=5',
      'retry-after': '3',
      'content-type': 'application/problem+json',
      'content-length': String(body?.length),
    })
    expect(JSON.parse(body ?? '')).toEqual({
      type: 'urn:holdfast:too-many-requests',
      title: 'Too many requests',
      status: 429,
      detail: 'the limit of all clients together of 2 requests at once is used up; come back in 3 s',
      retryAfter: 3,
      'violated-policies': ['default'],
    })
    await clock.advance(3_000)
    expect(control.admit('a').allowed).toBe(true)
  })

  it('never says less than a second', () => {
    const control = new AdmissionControl({ tokensPerSecond: 1_000, burstSize: 1, clock: new VirtualClock() })
    control.admit('a')
    expect(control.admit('a').headers['retry-after']).toBe('1')
  })

  it('tells each wait in its own words, however many there are', async () => {
    const clock = new VirtualClock()
    const control = new AdmissionControl({ tokensPerSecond: 0.001, burstSize: 1, clock })
    control.admit('a')
    const told = new Set<string | undefined>()
    for (let second = 0; second < 600; second++) {
      const { headers, body } = control.admit('a')
      expect(body).toContain(`come back in ${headers['retry-after']} s`)
      told.add(body)
      await clock.advance(1_000)
    }
    expect(told.size).toBeGreaterThan(590)
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

  it('take nothing from the limits before the one that refuses', async () => {
    const clock = new VirtualClock()
    const perClient = [
      { tokensPerSecond: 0.001, burstSize: 3 },
      { tokensPerSecond: 0.001, burstSize: 2 },
    ]
    const control = new AdmissionControl({ tokensPerSecond: 1, burstSize: 1, perClient, clock })
    expect(control.admit('a').allowed).toBe(true)
    for (let refusal = 0; refusal < 10; refusal++) expect(control.admit('a').allowed).toBe(false)
    await clock.advance(1_000)
    // Both of the client's limits still have what the ten refusals would have taken.
    expect(control.admit('a').headers.ratelimit).toMatch(/^"client-2";r=0/)
  })

  it('say whose limit it was', () => {
    const control = new AdmissionControl({ ...limits, clock: new VirtualClock() })
    control.admit('a')
    control.admit('a')
    expect(JSON.parse(control.admit('a').body ?? '')).toMatchObject({
      detail: expect.stringMatching(/^your limit of 2 /),
      'violated-policies': ['client'],
    })
    control.admit('b')
    expect(JSON.parse(control.admit('c').body ?? '')).toMatchObject({
      detail: expect.stringMatching(/^the limit of all clients together of 3 /),
      'violated-policies': ['global'],
    })
  })

  it('say the longest of several waits', () => {
    const perClient = [
      { tokensPerSecond: 1, burstSize: 1 },
      { tokensPerSecond: 0.1, burstSize: 1 },
    ]
    const control = new AdmissionControl({ perClient, clock: new VirtualClock() })
    control.admit('a')
    expect(control.admit('a').headers).toMatchObject({ 'retry-after': '10', ratelimit: '"client-2";r=0;t=10' })
  })
})

describe('a client with a limit of its own', () => {
  const single = new Map([[clientKey('key', 'desk-1'), { tokensPerSecond: 1, burstSize: 4 }]])

  it('has it instead of the one of each, and pays into the limit for all like everybody', () => {
    const perClient = { tokensPerSecond: 1, burstSize: 1 }
    const control = new AdmissionControl(
      { tokensPerSecond: 1, burstSize: 5, perClient, clock: new VirtualClock() },
      single,
    )
    const seen = ['key:desk-1', 'key:desk-1', 'key:desk-1', 'key:desk-1', 'key:desk-1', 'user:a', 'user:b']
    expect(seen.map((client) => control.admit(client).allowed)).toEqual([true, true, true, true, false, true, false])
  })

  it('is told of it', () => {
    const control = new AdmissionControl({ perClient: { tokensPerSecond: 1 }, clock: new VirtualClock() }, single)
    expect(control.admit('key:desk-1').headers).toEqual({
      ratelimit: '"client";r=3;t=1',
      'ratelimit-policy': '"client";q=4;w=4',
    })
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

  it('do not get out of debt behind a million made-up ones, who stay within bounds', () => {
    const perClient = { tokensPerSecond: 0.001, burstSize: 1 }
    const control = new AdmissionControl({ perClient, maxClients: 1_000, clock: new VirtualClock() })
    control.admit('offender')
    for (let name = 0; name < 1_000_000; name++) control.admit(`made-up ${name}`)
    expect(control.admit('offender').allowed).toBe(false)
    expect(control.clients).toBeLessThanOrEqual(1_000)
  })
})

describe('what makes no sense', () => {
  it.each([
    [{}, 'rateLimiter.tokensPerSecond'],
    [{ burstSize: 3 }, 'rateLimiter.tokensPerSecond'],
    [{ burstSize: 3, perClient: { tokensPerSecond: 1 } }, 'rateLimiter.tokensPerSecond'],
    [{ perClient: [] }, 'rateLimiter.tokensPerSecond'],
    [{ tokensPerSecond: Number.NaN }, 'rateLimiter.tokensPerSecond'],
    [{ tokensPerSecond: 0 }, 'rateLimiter.tokensPerSecond'],
    [{ tokensPerSecond: 1, burstSize: 0.5 }, 'rateLimiter.burstSize'],
    [{ perClient: { tokensPerSecond: -1 } }, 'rateLimiter.perClient.tokensPerSecond'],
    [{ perClient: [{ tokensPerSecond: 1 }, { tokensPerSecond: -1 }] }, 'rateLimiter.perClient.tokensPerSecond'],
    [{ perClient: { tokensPerSecond: 1 }, maxClients: 0 }, 'rateLimiter.maxClients'],
  ])('%o is an error that names %s', (options, field) => {
    expect(() => new AdmissionControl(options)).toThrowError(expect.objectContaining({ field }))
  })

  it.each([0, -1, Number.NaN, 2.5, Number.POSITIVE_INFINITY])(
    'a cost of %d is an error before anybody pays',
    (cost) => {
      const perClient = { tokensPerSecond: 1, burstSize: 2 }
      const control = new AdmissionControl({ tokensPerSecond: 1, burstSize: 9, perClient })
      const error = { code: 'HOLDFAST_INVALID_OPTION', value: cost }
      expect(() => control.checkCost('GET /report', cost)).toThrowError(
        expect.objectContaining({ ...error, field: 'GET /report' }),
      )
      expect(() => control.admit('a', cost)).toThrowError(expect.objectContaining({ ...error, field: 'cost' }))
      expect(() => control.checkCost('GET /report', 2)).not.toThrow()
      expect(control.admit('a', 2).allowed).toBe(true)
    },
  )
})
