import { createHash } from 'node:crypto'

/** A program that Redis runs as one step. */
export interface Script {
  /** What it does, for errors, statistics, and the model of `@holdfast/testing`. */
  readonly name: string
  readonly lua: string
  /** By which Redis knows it once it has been loaded. */
  readonly sha: string
}

/** Puts a script together from its parts. */
export function script(name: string, ...parts: readonly string[]): Script {
  const lua = parts.join('\n')
  return { name, lua, sha: createHash('sha1').update(lua).digest('hex') }
}
