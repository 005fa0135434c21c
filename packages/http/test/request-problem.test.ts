import { requestProblemOf } from '@holdfast/http'
import { HTTPException } from 'hono/http-exception'
import { describe, expect, it } from 'vitest'

describe('what a framework complains of', () => {
  it.each([
    [
      'Fastify',
      Object.assign(new Error('Body is too large'), { code: 'FST_ERR_CTP_BODY_TOO_LARGE', statusCode: 413 }),
      413,
    ],
    ['Express', Object.assign(new Error('too large'), { expose: true, type: 'entity.too.large', status: 413 }), 413],
    ['Hono', new HTTPException(413, { message: 'Payload Too Large' }), 413],
    ['Hono, without words', new HTTPException(400), 400],
  ])('is a problem of the request: %s', (_framework, error, status) => {
    expect(requestProblemOf(error)).toMatchObject({ status, type: 'urn:holdfast:invalid-request' })
  })

  it.each([
    ['an error of a service', Object.assign(new Error('no such order'), { status: 404 })],
    [
      'a failure of the framework',
      Object.assign(new Error('broken'), { code: 'FST_ERR_REP_ALREADY_SENT', statusCode: 500 }),
    ],
    ['no error', 'text'],
    ['nothing', undefined],
  ])('is not %s', (_what, error) => {
    expect(requestProblemOf(error)).toBeUndefined()
  })
})
