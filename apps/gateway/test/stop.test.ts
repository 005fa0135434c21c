import { connect } from 'node:net'
import { VirtualClock } from '@holdfast/testing'
import { describe, expect, it } from 'vitest'
import { eventually, startWorld } from './support.ts'

const PATIENT = { alpaca: { attemptTimeoutMs: 60_000, timeoutMs: 60_000 } }

describe('a gateway that stops', () => {
  it('finishes what runs, and takes nothing new', async () => {
    const { ask, gateway, standIns } = await startWorld({ services: PATIENT })
    standIns.control.setFaults('alpaca', { action: { type: 'latency', dist: 'fixed', ms: 200 } })
    const running = ask('/v1/account')
    await eventually(() => expect(standIns.control.stats('alpaca').requests).toBe(1))
    const stopped = gateway.stop()
    await eventually(() => expect(ask('/readyz')).rejects.toMatchObject({ code: 'ECONNREFUSED' }))
    expect((await running).status).toBe(200)
    await stopped
  })

  it('is alive but not ready, as connections that are still open are told', async () => {
    const { gateway, port, standIns } = await startWorld({ services: PATIENT })
    standIns.control.setFaults('alpaca', { action: { type: 'latency', dist: 'fixed', ms: 200 } })
    const socket = connect(port, '127.0.0.1')
    let received = ''
    socket.setEncoding('utf8').on('data', (chunk) => {
      received += chunk
    })
    const get = (path: string): string => `GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`
    socket.write(get('/v1/account'))
    await eventually(() => expect(standIns.control.stats('alpaca').requests).toBe(1))
    const stopped = gateway.stop()
    socket.write(get('/healthz') + get('/readyz'))
    await stopped
    await eventually(() => expect(received).toMatch(/"status":"alive"/))
    expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 200'])
    socket.destroy()
  })

  it('waits ten seconds at most', async () => {
    const clock = new VirtualClock()
    const { ask, gateway, standIns } = await startWorld({ services: PATIENT, clock })
    standIns.control.setFaults('alpaca', { action: { type: 'hang' } })
    const running = ask('/v1/account').catch((error: unknown) => error)
    await eventually(() => expect(standIns.control.stats('alpaca').requests).toBe(1))
    const stopped = gateway.stop()
    await clock.advance(9_999)
    expect(clock.pendingTimers).toBe(1)
    await clock.advance(1)
    await stopped
    expect(await running).toMatchObject({ code: 'ECONNRESET' })
  })
})
