/** Frames that no TWS sends: the end of their connection, and of nothing else. */
import { createServer } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { FrameLengths } from '../../src/interactive-brokers/frame-watch.ts'
import { eventually, openLink, startTws } from './tws-bench.ts'

const patience = (): AbortSignal => AbortSignal.timeout(20_000)

/** A message in its frame. */
function frame(...fields: readonly string[]): Buffer {
  const message = Buffer.from(`${fields.join('\0')}\0`)
  return Buffer.concat([lengthOf(message.length), message])
}

function lengthOf(bytes: number): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(bytes)
  return length
}

describe('lengths of frames', () => {
  it.each([1, 2, 3, 7, 1_000])('are read from pieces of %d bytes', (size) => {
    const lengths = new FrameLengths()
    const all = Buffer.concat([frame('49', '1', '1764'), lengthOf(0), frame('x'.repeat(300)), lengthOf(0x100_0000)])
    const problems: (string | undefined)[] = []
    for (let begin = 0; begin < all.length; begin += size)
      problems.push(lengths.read(all.subarray(begin, begin + size)))
    expect(problems.pop()).toBe('TWS announced a message with a length of 16777216 bytes, which none has')
    expect(problems.filter((problem) => problem !== undefined)).toEqual([])
  })

  it.each([-1, -4, -100, -(2 ** 31)])('of %d are changed into one for which the SDK waits', (length) => {
    const lengths = new FrameLengths()
    const first = frame('49', '1', '1764')
    const all = Buffer.concat([first, lengthOf(length), Buffer.from('9\0')])
    expect(lengths.read(all)).toContain('a negative length')
    expect(all.subarray(0, first.length)).toEqual(first)
    expect(all.readInt32BE(first.length)).toBeGreaterThanOrEqual(0x7f00_0000)
    expect(lengths.read(lengthOf(-1))).toBeUndefined()
  })
})

it.each([
  ['whose length is one too small', 'wrongLength', /a length of \d+ bytes/],
  ['whose length is negative', 'negative', /a negative length/],
  ['that is announced as huge', 'huge', /a length of 2147483647 bytes/],
  ['of 16 MB', 'long', /a length of 16777216 bytes/],
])('a frame %s from TWS is the end of its connection, and of nothing else', async (_what, mode, reason) => {
  const { ports, control } = await startTws()
  const { link, happened } = openLink(ports.ib, { heartbeatMs: 50, heartbeatAnswerMs: 200 })
  const first = await link.ready(patience())
  control.setFaults('ib', { match: { msgId: 49, times: 1 }, action: { type: 'malformed', mode } })
  expect((await happened('disconnected')).reason.message).toMatch(reason)
  await happened('connected', 2)
  expect(first.state).toBe('ended')
  const second = await link.ready(patience())
  let heard = 0
  second.api.on('currentTime' as never, () => heard++)
  second.api.reqCurrentTime()
  await eventually(() => expect(heard).toBeGreaterThan(0))
})

it('what came before a frame that none is has its effect', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => {
      socket.write(frame('176', '20261124 09:30:00 EST'))
      socket.once('data', () => socket.write(Buffer.concat([frame('9', '1', '1'), lengthOf(-4)])))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('it was to listen at a port')
  const { happened } = openLink(address.port, { reconnectDelayMs: 60_000 })
  await happened('connected')
  expect((await happened('disconnected')).reason.message).toContain('a negative length')
})
