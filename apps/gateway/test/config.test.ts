import { InvalidConfigError, readConfig, realEndpoints, realTws } from '@holdfast/gateway'
import { describe, expect, it } from 'vitest'

const CREDENTIALS = { ALPACA_KEY_ID: 'id', ALPACA_SECRET_KEY: 'secret', POLYGON_API_KEY: 'key' }

describe('the environment', () => {
  it('may say nothing', () => {
    expect(readConfig({})).toEqual({
      PORT: 8080,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'warn',
      TRUSTED_PROXIES: 0,
      TOKENS_PER_SECOND: 1_000,
      BURST_SIZE: 2_000,
      CLIENT_TOKENS_PER_SECOND: 100,
      CLIENT_BURST_SIZE: 200,
      MAX_IN_FLIGHT: 1_000,
      MAX_EVENT_LOOP_DELAY_MS: 100,
      ALPACA_PAPER: true,
      YAHOO: false,
      IB_HOST: '127.0.0.1',
      IB_CLIENT_ID: 1,
      CONTROL_TOKENS: '',
      STATE_FOLDER: '.holdfast',
      BACKGROUND_TRAFFIC: true,
    })
  })

  it('may name proxies by number or by address', () => {
    const proxies = (text: string) => readConfig({ TRUSTED_PROXIES: text }).TRUSTED_PROXIES
    expect([proxies('2'), proxies('10.0.0.7'), proxies('10.0.0.0/8, 2001:db8::/32')]).toEqual([
      2,
      ['10.0.0.7'],
      ['10.0.0.0/8', '2001:db8::/32'],
    ])
  })

  it('says nothing with an empty variable', () => {
    expect(readConfig({ PORT: '', ALPACA_KEY_ID: '' })).toEqual(readConfig({}))
  })

  it('with credentials means the real services, and play money unless told otherwise', () => {
    expect(realEndpoints(readConfig({}))).toBeUndefined()
    expect(realEndpoints(readConfig(CREDENTIALS))).toMatchObject({
      alpaca: { keyId: 'id', secretKey: 'secret', paper: true },
      polygon: { apiKey: 'key' },
    })
    const real = realEndpoints(readConfig({ ...CREDENTIALS, ALPACA_PAPER: 'false', POLYGON_URL: 'http://127.0.0.1:1' }))
    expect(real).toMatchObject({ alpaca: { paper: false }, polygon: { baseUrl: 'http://127.0.0.1:1' } })
  })
})

describe('Interactive Brokers', () => {
  it('is used when there is a port of TWS, and not otherwise', () => {
    expect(realTws(readConfig(CREDENTIALS))).toBeUndefined()
    const tws = realTws(readConfig({ ...CREDENTIALS, IB_PORT: '1', IB_CLIENT_ID: '7' }))
    expect(tws?.clientId).toBe(7)
    tws?.close()
  })

  it('is not mixed with stand-ins', () => {
    expect(() => readConfig({ IB_PORT: '4002' })).toThrowError(/^IB_PORT is set, but .*stand-ins/)
  })
})

describe('an environment that makes no sense is an error that names variable, value and rule', () => {
  it.each([
    [{ PORT: 'http' }, /^PORT is "http": it must be a port: a whole number from 0 to 65535$/],
    [{ PORT: '65536' }, /^PORT is "65536": .*65535/],
    [{ PORT: '-1' }, /^PORT is "-1": .*0 to/],
    [{ PORT: '80.5' }, /^PORT is "80.5": .*whole/],
    [{ TOKENS_PER_SECOND: '0' }, /^TOKENS_PER_SECOND is "0": .*0.001/],
    [{ CLIENT_BURST_SIZE: 'NaN' }, /^CLIENT_BURST_SIZE is "NaN": it must be a number from 1 to/],
    [{ TRUSTED_PROXIES: '33' }, /^TRUSTED_PROXIES is "33": .*32/],
    [{ TRUSTED_PROXIES: '10.0.0.0/33' }, /^TRUSTED_PROXIES is "10.0.0.0\/33": .*ranges such as/],
    [{ MAX_IN_FLIGHT: '0' }, /^MAX_IN_FLIGHT is "0": it must be a whole number from 1/],
    [{ ALPACA_PAPER: 'perhaps' }, /^ALPACA_PAPER is "perhaps": it must be true or false$/],
    [{ ALPACA_TRADING_URL: 'alpaca' }, /^ALPACA_TRADING_URL is "alpaca": it must be a URL such as/],
    [{ IB_PORT: '0' }, /^IB_PORT is "0": it must be a port: a whole number from 1 to 65535$/],
    [{ IB_CLIENT_ID: '-1' }, /^IB_CLIENT_ID is "-1": .*whole number from 0/],
    [{ LOG_LEVEL: 'loud' }, /^LOG_LEVEL is "loud": it must be one of trace, debug, info, warn, error, silent$/],
  ])('%o', (env, message) => {
    expect(() => readConfig(env)).toThrowError(InvalidConfigError)
    expect(() => readConfig(env)).toThrowError(message)
  })

  it('but keeps what is secret to itself', () => {
    const secret = 'x'.repeat(201)
    expect(() => readConfig({ ...CREDENTIALS, ALPACA_SECRET_KEY: secret })).toThrowError(
      /^ALPACA_SECRET_KEY is given: it must be a text of 1 to 200 characters$/,
    )
  })

  it.each([
    ['ALPACA_KEY_ID', /^ALPACA_SECRET_KEY and POLYGON_API_KEY are missing: .*set all of/],
    ['POLYGON_API_KEY', /^ALPACA_KEY_ID and ALPACA_SECRET_KEY are missing: .*or none of them/],
  ])('of the credentials it has only %s', (variable, message) => {
    expect(() => readConfig({ [variable]: 'x' })).toThrowError(message)
  })
})
