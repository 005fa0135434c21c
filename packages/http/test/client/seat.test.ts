import { describe, expect, it } from 'vitest'
import { Seat } from '../../src/client/seat.ts'

describe('the seat of a connection', () => {
  it('knows who asked last, by all that tells him', () => {
    const seat = new Seat({})
    expect(seat.placeOf('address', undefined)).toBeUndefined()
    const place = seat.take('address:198.51.100.1', 'address', '127.0.0.1', '198.51.100.1')
    expect(place.client).toBe('address:198.51.100.1')
    expect(seat.placeOf('address', '127.0.0.1', '198.51.100.1')).toBe(place)
    expect(seat.placeOf('address', '127.0.0.1', '198.51.100.2')).toBeUndefined()
    expect(seat.placeOf('address', '127.0.0.1')).toBeUndefined()
    expect(seat.placeOf('key', '127.0.0.1', '198.51.100.1')).toBeUndefined()
    const other = seat.take('key:desk-7', 'key', 'desk-7')
    expect(seat.placeOf('key', 'desk-7')).toBe(other)
    expect(seat.placeOf('address', '127.0.0.1', '198.51.100.1')).toBeUndefined()
  })

  it('keeps no long header for as long as the connection is open', () => {
    const seat = new Seat({})
    const long = 'x'.repeat(257)
    seat.take('key:x', 'key', long)
    expect(seat.placeOf('key', long)).toBeUndefined()
    seat.take('address:x', 'address', '127.0.0.1', long)
    expect(seat.placeOf('address', '127.0.0.1', long)).toBeUndefined()
    expect(seat.placeOf('address', undefined)).toBeUndefined()
  })
})
