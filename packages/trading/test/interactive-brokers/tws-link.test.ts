import { createServer } from 'node:net'
import { VirtualClock } from '@holdfast/testing'
import { InvalidOptionError } from 'holdfast'
import { describe, expect, it, onTestFinished } from 'vitest'
import { documentAt, tableOf } from '../../../../test/support/markdown.ts'
import { TwsUnavailableError } from '../../src/interactive-brokers/tws-error.ts'
import { connectToTws } from '../../src/interactive-brokers/tws-link.ts'
import { checkedLinkOptions } from '../../src/interactive-brokers/tws-link-options.ts'
import { rejection } from '../support.ts'
import { eventually, openLink, startTws } from './tws-bench.ts'

const patience = (): AbortSignal => AbortSignal.timeout(20_000)

describe('a link', () => {
  it('connects, and knows the next order id', async () => {
    const { ports } = await startTws()
    const { link, happened } = openLink(ports.ib)
    expect(link.state).toBe('connecting')
    expect(await happened('connected')).toMatchObject({ epoch: 1, nextOrderId: 1 })
    expect(link.state).toBe('ready')
    expect((await link.ready(patience())).epoch).toBe(1)
  })

  it('connects again after TWS was away, each time with a new object of the SDK, later and later', async () => {
    const clock = new VirtualClock()
    const { ports, control } = await startTws()
    const { link, events, happened } = openLink(ports.ib, { clock, reconnectDelayMs: 100 })
    const first = await link.ready(patience())
    control.setFaults('ib', { action: { type: 'restart', forMs: 3_600_000 } })
    await happened('disconnected')
    for (let attempt = 2; attempt <= 5; attempt++) {
      await clock.advance(100 * 2 ** (attempt - 2))
      await happened('disconnected', attempt)
    }
    const delays = events.flatMap((event) => (event.type === 'disconnected' ? [event.retryInMs] : []))
    expect(delays).toEqual([100, 200, 400, 800, 1_600])
    expect((await happened('disconnected')).reason.message).toMatch(/ECONNREFUSED/)
    control.clearFaults('ib')
    await clock.advance(1_600)
    await eventually(async () => {
      await clock.advance(1_600)
      expect(link.state).toBe('ready')
    })
    const second = await link.ready(patience())
    expect(second.api).not.toBe(first.api)
    expect(first.state).toBe('ended')
    // After a success the delays begin anew.
    control.setFaults('ib', { action: { type: 'restart', forMs: 3_600_000 } })
    await eventually(() => expect(events.at(-1)).toMatchObject({ type: 'disconnected', retryInMs: 100 }))
  })

  it('connects again when its client id is in use, until it is free', async () => {
    const { ports } = await startTws()
    const first = openLink(ports.ib, { clientId: 7 })
    await first.happened('connected')
    const second = openLink(ports.ib, { clientId: 7 })
    expect((await second.happened('disconnected')).reason).toMatchObject({ code: 'TWS_326' })
    first.link.close()
    await second.happened('connected')
  })

  it('gives up a connection on which TWS tells no order id, or nothing at all', async () => {
    const clock = new VirtualClock()
    const { ports, control } = await startTws()
    control.setFaults('ib', { match: { times: 1 }, action: { type: 'noNextValidId' } })
    const { link, happened } = openLink(ports.ib, { clock })
    await eventually(() => expect(control.stats('ib').requests).toBe(1))
    await clock.advance(10_000)
    expect((await happened('disconnected')).reason).toBeInstanceOf(TwsUnavailableError)
    await clock.advance(1)
    await happened('connected')
    expect(link.state).toBe('ready')
    const mute = createServer()
    await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void mute.close())
    const address = mute.address()
    const silent = openLink(typeof address === 'object' && address !== null ? address.port : 0, { clock })
    await clock.advance(10_000)
    await silent.happened('disconnected')
    silent.link.close()
  })

  it('finds out by a heartbeat that a connection is half open', async () => {
    const clock = new VirtualClock()
    const { ports, control } = await startTws()
    const { link, events, happened } = openLink(ports.ib, { clock })
    await happened('connected')
    // A sign of life is asked for after ten seconds of silence, and given.
    await clock.advance(10_000)
    await eventually(() => expect(control.log(0, 'ib').at(-1)).toMatchObject({ method: 'REQ_CURRENT_TIME' }))
    await eventually(() => expect(link.connection?.silentMs).toBe(0))
    await clock.advance(5_000)
    expect(link.state).toBe('ready')
    // Now nothing is answered any more, though the socket stays.
    control.setFaults('ib', { match: { msgId: 49, times: 1 }, action: { type: 'hang' } })
    await clock.advance(5_000)
    await eventually(() => expect(control.faults('ib')).toMatchObject([{ hits: 1 }]))
    await clock.advance(5_000)
    const { reason } = await happened('disconnected')
    expect(reason.message).toMatch(/no sign of life/)
    await clock.advance(1)
    await happened('connected', 2)
    expect(events.map(({ type }) => type)).not.toContain('news')
  })

  it('sends nothing while TWS has lost Interactive Brokers (1100), and says so', async () => {
    const { ports, control } = await startTws()
    const { link, happened } = openLink(ports.ib)
    const connection = await link.ready(patience())
    control.setFaults('ib', { action: { type: '1100', forMs: 3_600_000, restoredAs: 1102 } })
    await happened('connectivity-lost')
    expect(link.state).toBe('lost')
    expect(connection.sendNow(3, () => undefined)).toBe(false)
    const asked = await rejection(link.ready(AbortSignal.timeout(20)))
    expect(asked).toBeInstanceOf(TwsUnavailableError)
    expect(asked).toHaveProperty('message', expect.stringMatching(/lost Interactive Brokers/))
    control.clearFaults('ib')
    expect(await happened('connectivity-restored')).toMatchObject({ dataKept: true })
    expect((await link.ready(patience())).epoch).toBe(1)
  })

  it.each([
    [1101, false, 2],
    [1102, true, 1],
  ])('after %d asks again for what stands: %s', async (restoredAs, dataKept, times) => {
    const { ports, control } = await startTws()
    const { link, happened } = openLink(ports.ib)
    await link.ready(patience())
    let started = 0
    link.keep({ start: () => started++ }, () => undefined)
    await eventually(() => expect(started).toBe(1))
    control.setFaults('ib', { action: { type: '1100', forMs: 1, restoredAs } })
    expect(await happened('connectivity-restored')).toMatchObject({ dataKept })
    await eventually(() => expect(started).toBe(times))
  })

  it('asks again for what stands on the next connection, and not for what was ended', async () => {
    const { ports, control } = await startTws()
    const { link, happened } = openLink(ports.ib)
    await link.ready(patience())
    const started: string[] = []
    link.keep({ start: ({ epoch }) => started.push(`kept ${epoch}`) }, () => undefined)
    const end = link.keep({ start: ({ epoch }) => started.push(`ended ${epoch}`) }, () => started.push('stopped'))
    await eventually(() => expect(started).toEqual(['kept 1', 'ended 1']))
    end()
    end()
    control.setFaults('ib', { action: { type: 'restart', forMs: 1 } })
    await happened('connected', 2)
    await eventually(() => expect(started.at(-1)).toMatch(/^kept \d+$/))
    expect(started.filter((text) => text === 'stopped')).toHaveLength(1)
    expect(started.filter((text) => text.startsWith('ended'))).toHaveLength(1)
  })

  it.each([
    [2103, { type: 'farm', state: 'broken' }],
    [2106, { type: 'farm', state: 'well' }],
    [1300, { type: 'news', code: 1300 }],
    [2110, { type: 'connectivity-lost' }],
  ])('tells of %d, which the SDK calls information', async (code, event) => {
    const { ports, control } = await startTws()
    const { link, events } = openLink(ports.ib)
    await link.ready(patience())
    control.setFaults('ib', { action: { type: 'notice', code } })
    await eventually(() => expect(events.at(-1)).toMatchObject(event))
  })

  it('is calm for a second when TWS says that messages were too many', async () => {
    const { ports, control } = await startTws()
    control.setFaults('ib', { action: { type: 'pacing', limit: 3, violationsBeforeDisconnect: 9 } })
    const { link, happened } = openLink(ports.ib)
    const connection = await link.ready(patience())
    for (let message = 0; message < 3; message++) connection.api.reqCurrentTime()
    expect(await happened('too-many-messages')).toMatchObject({ message: expect.stringMatching(/max=3/) })
  })

  it('that is closed connects no more, and lets nobody wait', async () => {
    const { ports } = await startTws()
    const { link, events } = openLink(ports.ib)
    await link.ready(patience())
    link.close()
    link.close()
    expect(link.state).toBe('closed')
    expect(await rejection(link.ready(patience()))).toBeInstanceOf(TwsUnavailableError)
    expect(events.map(({ type }) => type)).not.toContain('disconnected')
  })

  it.each([
    [{ port: 0 }, 'port'],
    [{ clientId: -1 }, 'clientId'],
    [{ heartbeatMs: 0 }, 'heartbeatMs'],
    [{ messagesPerSecond: 1.5 }, 'messagesPerSecond'],
    [{ host: '' }, 'host'],
    [{ speed: 1 }, 'speed'],
  ] satisfies [object, string][])('is not made of %j', (options: object, name) => {
    expect(() => connectToTws(options)).toThrow(InvalidOptionError)
    expect(() => connectToTws(options)).toThrow(name)
  })
})

it.each([
  ['an unknown message', 'garbage'],
  ['a message that ends early', 'truncate'],
  ['no message at all', 'empty'],
])('%s from TWS leaves the link as it was', async (_what, mode) => {
  const { ports, control } = await startTws()
  const { link } = openLink(ports.ib)
  const connection = await link.ready(patience())
  control.setFaults('ib', { match: { msgId: 49, times: 1 }, action: { type: 'malformed', mode } })
  connection.api.reqCurrentTime()
  await eventually(() => expect(control.faults('ib')).toMatchObject([{ hits: 1 }]))
  let heard = 0
  connection.api.on('currentTime' as never, () => heard++)
  connection.api.reqCurrentTime()
  await eventually(() => expect(heard).toBeGreaterThan(0))
  expect(link.state).toBe('ready')
})

it('the options in the docs have the defaults of the code', async () => {
  const table = tableOf(await documentAt('docs/interactive-brokers.md'), ['option', 'default'])
  const defaults = checkedLinkOptions({})
  const documented = Object.fromEntries(
    [...table].map(([option, [cell = '']]) => [option, cell.replace(/(\d),(?=\d{3})/g, '$1')]),
  )
  const actual = Object.keys(documented).map((option) => [option, String(Reflect.get(defaults, option))])
  expect(documented).toEqual(Object.fromEntries(actual))
  const hidden = ['clock', 'random', 'onHookError']
  expect(Object.keys(defaults).filter((option) => !hidden.includes(option))).toEqual(Object.keys(documented))
})
