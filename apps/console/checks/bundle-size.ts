import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { CONSOLE_FOLDER } from '@holdfast/console/folder'

/** All that a first visit loads, as it travels, in bytes: fonts are compressed already. */
export function bundleSize(): number {
  const files = globSync('**/*.*', { cwd: CONSOLE_FOLDER }).filter((name) => !name.startsWith('.'))
  const sizes = files.map((name) => {
    const bytes = readFileSync(join(CONSOLE_FOLDER, name))
    return name.endsWith('.woff2') ? bytes.length : gzipSync(bytes, { level: 9 }).length
  })
  return sizes.reduce((sum, size) => sum + size, 0)
}
