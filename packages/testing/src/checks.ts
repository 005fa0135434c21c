import { InvalidOptionError } from 'holdfast'

/** Where a figure may lie. `above` is a bound that it may not itself be. */
export type Range = { readonly least: number; readonly most?: number } | { readonly above: number }

/** Checks a figure of a test: one that makes no sense would let it wait for ever, or pass without a reason. @throws InvalidOptionError */
export function checkNumber(path: string, value: number | undefined, range: Range): void {
  if (value === undefined) return
  const { most = Number.POSITIVE_INFINITY } = 'least' in range ? range : {}
  if ('least' in range ? value >= range.least && value <= most : value > range.above) return
  const from = 'least' in range ? `from ${range.least}` : `above ${range.above}`
  throw new InvalidOptionError(
    path,
    value,
    `it must be a number ${from}${most === Number.POSITIVE_INFINITY ? '' : ` to ${most}`}`,
  )
}

/** The same for a whole number. @throws InvalidOptionError */
export function checkWhole(path: string, value: number | undefined, least: number): void {
  if (value === undefined || (Number.isInteger(value) && value >= least)) return
  throw new InvalidOptionError(path, value, `it must be a whole number from ${least}`)
}
