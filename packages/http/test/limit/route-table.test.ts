import { describe, expect, it } from 'vitest'
import { RouteTable } from '../../src/limit/route-table.ts'

const table = new RouteTable('routes', {
  '/healthz': 'health',
  'GET /orders': 'list',
  'POST /orders': 'place',
  'GET /orders/:id': 'order',
  '/static/*': 'files',
  '/': 'home',
})

const ruleOf = (method: string, url: string) => table.find(method, url)?.rule

describe('the rule of a request', () => {
  it.each([
    ['GET', '/healthz', 'health'],
    ['POST', '/healthz', 'health'],
    ['GET', '/orders', 'list'],
    ['GET', '/orders?page=2', 'list'],
    ['HEAD', '/orders', 'list'],
    ['POST', '/orders', 'place'],
    ['DELETE', '/orders', undefined],
    ['GET', '/orders/7', 'order'],
    ['GET', '/orders/7/fills', undefined],
    ['GET', '/static/a.css', 'files'],
    ['GET', '/static/a/b.css', 'files'],
    ['GET', '/static', undefined],
    ['GET', '/', 'home'],
    ['GET', '/?q=1', 'home'],
    ['GET', '/nowhere', undefined],
    ['GET', '//healthz', undefined],
    ['GET', 'http://example.com/orders?page=2', 'list'],
    ['GET', 'http://example.com', 'home'],
    ['OPTIONS', '*', 'home'],
  ])('%s %s is %s', (method, url, rule) => {
    expect(ruleOf(method, url)).toBe(rule)
  })

  it.each(['/ORDERS', '/orders/', '/Orders/?page=2', '/orders#', '/orders#?page=2', 'http://a/orders#x'])(
    'is found however the path is written: %s',
    (url) => {
      expect(table.find('GET', url)).toEqual({ rule: 'list', exactly: false })
      expect(table.find('GET', '/orders')).toEqual({ rule: 'list', exactly: true })
    },
  )
})

describe('the rule of a pattern', () => {
  it.each([
    ['/orders/7', true],
    ['/ORDERS/7', false],
    ['/orders/7/', false],
    ['/orders/7#', false],
    ['/orders/ABC', true],
    ['/orders/7?page=2', true],
  ])('is found for %s, exactly as it is written: %j', (url, exactly) => {
    expect(table.find('GET', url)).toEqual({ rule: 'order', exactly })
  })

  it.each([
    ['/static/A/b.css', true],
    ['/Static/a', false],
  ])('that ends in * is found for %s, exactly as it is written: %j', (url, exactly) => {
    expect(table.find('GET', url)).toEqual({ rule: 'files', exactly })
  })
})

describe('a route that is written in another way', () => {
  it.each(['orders', 'get /orders', 'GET  /orders', 'GET', '', '/orders?page=2', 'GET /orders POST /orders'])(
    '%j is an error',
    (route) => {
      expect(() => new RouteTable('routes', { [route]: 'rule' })).toThrowError(
        expect.objectContaining({ code: 'HOLDFAST_INVALID_OPTION', value: route }),
      )
    },
  )
})
