/** By what names clients are known, here and in Redis. */
import { createHash } from 'node:crypto'
import type { ClientKey } from 'holdfast'
import { NAME_END } from './asker.ts'

/** How long a client's name may be that stands in a key as it is. */
const LONGEST_NAME = 64

/** What the name of a digest begins with. */
const DIGEST = '='

/**
 * By what a client is known. Long names and bytes are digested, so that no client can fill memory with a name; and so are
 * names that look like a digest, or like several names, so that no client can take another's.
 */
export function nameOf(key: ClientKey): string | number {
  if (typeof key === 'number') return key
  if (typeof key === 'string' && key.length <= LONGEST_NAME && !key.startsWith(DIGEST) && !key.includes(NAME_END))
    return key
  return DIGEST + createHash('sha1').update(key).digest('base64url')
}

/** A client's name among those of buckets, as no number and no other name is written. */
export function bucketNameOf(name: string | number): string {
  if (typeof name === 'number') return `#${name}`
  return name === '' || name.startsWith('-') || name.startsWith('#') ? `-${name}` : name
}

/** FNV-1a: the same client has the same in every process. */
export function hashOf(client: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < client.length; index++) hash = Math.imul(hash ^ client.charCodeAt(index), 0x01000193)
  return hash >>> 0
}
