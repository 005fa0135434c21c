import { expect, it } from 'vitest'
import { bundleSize } from '../checks/bundle-size.ts'

it('a first visit loads at most 90 kB, gzip, with its font', () => {
  expect(bundleSize()).toBeLessThanOrEqual(90_000)
})
