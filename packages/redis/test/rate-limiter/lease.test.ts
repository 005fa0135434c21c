/** The account of a lease: what is in hand is never more than Redis has set aside. */
import { describe, expect, it } from 'vitest'
import { Lease } from '../../src/rate-limiter/lease.ts'

describe('a lease', () => {
  it('takes nothing back of what had lapsed in Redis when the question about it arrived', () => {
    const lease = new Lease()
    lease.renew(0, 8, 0, 250)
    lease.account(false, 240)
    lease.spend(3)
    // Redis keeps nothing of the 8, and grants 5.
    lease.renew(0, 5, 240, 250)
    expect(lease.unspend(3, 260)).toBe(0)
    expect(lease.held(260)).toBe(5)
  })

  it('takes back what was spent while a question was under way and is kept there', () => {
    const lease = new Lease()
    lease.renew(0, 8, 0, 250)
    lease.account(false, 100)
    lease.spend(3)
    lease.renew(8, 2, 100, 250)
    expect(lease.unspend(3, 120)).toBe(3)
    expect(lease.held(120)).toBe(10)
  })
})
