import { hash } from 'node:crypto'
import { InvalidTokenEntryError, TokenBook, tokenEntry } from '@holdfast/gateway'
import { describe, expect, it } from 'vitest'
import { type Answered, type AskInit, ask } from '../support.ts'
import { type Controlled, startControlled, TOKENS, tokenBook } from './support.ts'

const SAME_ORIGIN = { 'sec-fetch-site': 'same-origin' }

/** Signs in as a page does. @returns the cookie and the first token against forgery */
async function signIn(
  { port }: Controlled,
  token: string,
): Promise<{ cookie: string; csrf: string; answer: Answered }> {
  const answer = await ask(port, '/v1/session', { method: 'POST', body: { token }, headers: SAME_ORIGIN })
  const [set = ''] = [answer.headers['set-cookie']].flat()
  return { cookie: set.split(';')[0] ?? '', csrf: csrfOf(answer), answer }
}

function csrfOf({ body }: Answered): string {
  const token = typeof body === 'object' && body !== null && 'csrfToken' in body ? body.csrfToken : ''
  return String(token)
}

const TRIP = { act: 'trip', service: 'alpaca', reason: 'maintenance at the broker' }

/** An act by a page's session. */
function actBy({ port }: Controlled, headers: Record<string, string>, init: AskInit = {}): Promise<Answered> {
  return ask(port, '/v1/resilience/acts', {
    method: 'POST',
    body: TRIP,
    ...init,
    headers: { ...SAME_ORIGIN, ...headers },
  })
}

describe('a token', () => {
  it('opens what its role may see, and nothing without one', async () => {
    const world = await startControlled()
    const paths = ['/v1/resilience', '/v1/resilience/audit', '/v1/resilience/incidents', '/v1/resilience/rehearsal']
    for (const path of [...paths, '/v1/resilience/events', '/v1/resilience/services/alpaca']) {
      const refused = await ask(world.port, path)
      expect(refused.status, path).toBe(401)
      expect(refused.headers['content-type']).toContain('application/problem+json')
    }
    for (const path of paths) expect((await world.as('viewer', path)).status, path).toBe(200)
  })

  it('that is forged is worth nothing, whatever it looks like', async () => {
    const { port } = await startControlled()
    const hashed = hash('sha256', TOKENS.admin)
    const forged = ['', 'x', `${TOKENS.admin}x`, TOKENS.admin.slice(1), hashed, 'a-admin', `a-admin:admin:${hashed}`]
    for (const token of [...forged, 'x'.repeat(10_000), '__proto__', "' OR 1=1 --"]) {
      const { status } = await ask(port, '/v1/resilience', { headers: { authorization: `Bearer ${token}` } })
      expect(status, token.slice(0, 80)).toBe(401)
    }
    const basic = { authorization: `Basic ${TOKENS.admin}` }
    expect((await ask(port, '/v1/resilience', { headers: basic })).status).toBe(401)
  })

  it('of a viewer does nothing', async () => {
    const { act, resilience } = await startControlled()
    const acts = [
      TRIP,
      { act: 'reset', service: 'alpaca', reason: 'well again' },
      { act: 'disable', service: 'alpaca', reason: 'a test' },
      { act: 'pause', service: 'alpaca', reason: 'a test', forMs: 60_000 },
      { act: 'set-limit', service: 'alpaca', reason: 'a test', forMs: 60_000, tokensPerSecond: 1 },
      { act: 'set-slots', service: 'alpaca', reason: 'a test', forMs: 60_000, maxConcurrent: 1 },
      { act: 'stop-orders', reason: 'a test' },
      { act: 'clear-faults', upstream: 'alpaca', reason: 'a test' },
    ]
    for (const body of acts) expect((await act(body, 'viewer')).status, body.act).toBe(403)
    expect(resilience.service('alpaca').circuitBreaker?.mode).toBe('automatic')
  })

  it('is configured by its hash, under one name, with a role that there is', () => {
    const entry = tokenEntry({ name: 'alice', role: 'operator' }, 'secret')
    expect(entry).toBe(`alice:operator:${hash('sha256', 'secret')}`)
    expect(entry).not.toContain('secret')
    expect(new TokenBook(`${entry}\n`).identify('secret')).toEqual({ name: 'alice', role: 'operator' })
    for (const wrong of [
      'alice',
      'alice:owner:00',
      `alice:operator:${'0'.repeat(63)}`,
      `a b:viewer:${'0'.repeat(64)}`,
    ]) {
      expect(() => new TokenBook(wrong)).toThrow(InvalidTokenEntryError)
    }
    expect(() => new TokenBook(`${entry},${entry}`)).toThrow('alice has two tokens')
  })
})

describe('a session of the page', () => {
  it('is a cookie that no script sees and no other site sends', async () => {
    const world = await startControlled()
    const { answer, cookie } = await signIn(world, TOKENS.operator)
    expect(answer.body).toMatchObject({ name: 'a-operator', role: 'operator' })
    expect(answer.headers['set-cookie']?.[0]).toMatch(
      /^holdfast_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=43200$/,
    )
    const seen = await ask(world.port, '/v1/session', { headers: { cookie: `other=1; ${cookie}` } })
    expect(seen.body).toMatchObject({ name: 'a-operator', role: 'operator' })
    expect(JSON.stringify(answer.body)).not.toContain(cookie.split('=')[1])
  })

  it('travels over TLS only where others can reach the gateway', async () => {
    const world = await startControlled({ control: { tokens: tokenBook(), secureCookies: true } })
    expect((await signIn(world, TOKENS.operator)).answer.headers['set-cookie']?.[0]).toContain('; Secure')
  })

  it('does not begin with a wrong token, nor from another site', async () => {
    const world = await startControlled()
    expect((await signIn(world, 'wrong')).answer.status).toBe(401)
    const body = { token: TOKENS.operator }
    const foreign = { 'sec-fetch-site': 'cross-site' }
    const other = { origin: 'https://evil.example' }
    for (const headers of [foreign, other, {}]) {
      expect((await ask(world.port, '/v1/session', { method: 'POST', body, headers })).status).toBe(401)
    }
    const own = { origin: `http://127.0.0.1:${world.port}` }
    expect((await ask(world.port, '/v1/session', { method: 'POST', body, headers: own })).status).toBe(200)
  })

  it('acts only with a token against forgery, each of which is good once', async () => {
    const world = await startControlled()
    const { cookie, csrf } = await signIn(world, TOKENS.operator)
    expect((await actBy(world, { cookie })).status).toBe(403)
    expect((await actBy(world, { cookie, 'x-csrf-token': 'made-up' })).status).toBe(403)
    expect((await actBy(world, { cookie, 'x-csrf-token': csrf })).status).toBe(200)
    const replayed = await actBy(world, { cookie, 'x-csrf-token': csrf })
    expect(replayed.status).toBe(403)
    expect(replayed.body).toMatchObject({ type: 'urn:holdfast:not-genuine' })
    const next = csrfOf(await ask(world.port, '/v1/session', { headers: { cookie } }))
    expect((await actBy(world, { cookie, 'x-csrf-token': next })).status).toBe(200)
  })

  it('takes no token of another session, none of another site, and none that is old', async () => {
    const world = await startControlled()
    const mine = await signIn(world, TOKENS.operator)
    const others = await signIn(world, TOKENS.admin)
    expect((await actBy(world, { cookie: mine.cookie, 'x-csrf-token': others.csrf })).status).toBe(403)
    const foreign = { cookie: mine.cookie, 'x-csrf-token': mine.csrf, 'sec-fetch-site': 'cross-site' }
    expect((await actBy(world, foreign)).status).toBe(403)
    const late = await signIn(world, TOKENS.operator)
    await world.clock.advance(600_000)
    expect((await actBy(world, { cookie: late.cookie, 'x-csrf-token': late.csrf })).status).toBe(403)
    expect(world.resilience.service('alpaca').circuitBreaker?.state).toBe('CLOSED')
  })

  it('ends when somebody signs out, and after twelve hours', async () => {
    const world = await startControlled()
    const seen = async (cookie: string): Promise<number> =>
      (await ask(world.port, '/v1/session', { headers: { cookie } })).status
    const { cookie } = await signIn(world, TOKENS.viewer)
    expect(await seen(cookie)).toBe(200)
    await ask(world.port, '/v1/session', { method: 'DELETE', headers: { cookie, ...SAME_ORIGIN } })
    expect(await seen(cookie)).toBe(401)
    const long = await signIn(world, TOKENS.viewer)
    world.clock.stepWallTime(12 * 3_600_000)
    expect(await seen(long.cookie)).toBe(401)
    for (const forged of [
      `holdfast_session=${'A'.repeat(43)}`,
      'holdfast_session=',
      `holdfast_session=${"'".repeat(43)}`,
    ]) {
      expect(await seen(forged)).toBe(401)
    }
  })
})
