import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { EventStream } from '../../src/live/event-stream.ts'

const BOARD: Parameters<EventStream['add']>[3] = JSON.parse('{"at":0}')

it('keeps no place for who has hung up before it could be added', async () => {
  const stream = new EventStream('run')
  const gone = new PassThrough()
  gone.destroy()
  await once(gone, 'close')
  stream.add('vera', gone, undefined, BOARD)
  const there = new PassThrough()
  stream.add('vera', there, undefined, BOARD)
  expect(stream.viewers).toBe(1)
  there.destroy()
  await once(there, 'close')
  expect(stream.viewers).toBe(0)
})
