/** Reading rows of SQLite, whose columns may be of any type as far as the compiler knows. */
import type { SQLOutputValue } from 'node:sqlite'

/** A row as it comes. */
export type Row = Record<string, SQLOutputValue>

/** A column that is a number. @throws TypeError when it is none: the file is not ours */
export function numberIn(row: Row, column: string): number {
  const value = row[column]
  if (typeof value === 'number') return value
  throw new TypeError(`column ${column} has no number but ${typeof value}; the file was written by something else`)
}

/** A column that is a number or null. */
export function numberOrNull(row: Row, column: string): number | null {
  return row[column] === null || row[column] === undefined ? null : numberIn(row, column)
}

/** A column that is a text. @throws TypeError when it is none: the file is not ours */
export function textIn(row: Row, column: string): string {
  const value = row[column]
  if (typeof value === 'string') return value
  throw new TypeError(`column ${column} has no text but ${typeof value}; the file was written by something else`)
}

/** A column that is a text or null. */
export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null || row[column] === undefined ? null : textIn(row, column)
}
