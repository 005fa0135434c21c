/** On what something was measured. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus } from 'node:os'
import { dirname, join } from 'node:path'

/** The machine and the versions behind a result. */
export interface Environment {
  readonly node: string
  readonly v8: string
  readonly cpu: string
  readonly cores: number
}

export function environment(): Environment {
  const [first] = cpus()
  return {
    node: process.versions.node,
    v8: process.versions.v8,
    cpu: first?.model.trim() ?? 'unknown',
    cores: cpus().length,
  }
}

const require = createRequire(import.meta.url)

/** The installed version of a package. */
export function versionOf(name: string): string {
  for (let folder = dirname(require.resolve(name)); folder !== dirname(folder); folder = dirname(folder)) {
    const version = versionIn(join(folder, 'package.json'), name)
    if (version !== undefined) return version
  }
  throw new Error(`no package.json of ${name} was found; run npm ci`)
}

function versionIn(file: string, name: string): string | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    // No package.json in this folder: the next one up may have it.
    return undefined
  }
  const manifest: { readonly name?: string; readonly version?: string } = JSON.parse(text)
  return manifest.name === name ? manifest.version : undefined
}
