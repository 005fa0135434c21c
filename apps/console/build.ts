/** Builds the page. With `--if-changed` only when something that it is made of has changed since it was built. */
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import subsetFont from 'subset-font'
import { build } from 'vite'
import { CONSOLE_FOLDER } from './folder.ts'

const HERE = import.meta.dirname
const MARK = join(CONSOLE_FOLDER, '.made-of')

/** What the page shows in its own font; everything else is the system's. */
const CHARACTERS = `${Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)).join('')}–—…‘’“”·•×→←↑↓≤≥±°µ`

/** A text that is another one whenever the page would be. */
function madeOf(): string {
  const hash = createHash('sha256')
  const own = globSync(['src/**/*', '*.ts', '*.json', 'index.html'], { cwd: HERE })
  for (const name of own.sort()) {
    if (/\.[a-z0-9]+$/.test(name)) hash.update(name).update(readFileSync(join(HERE, name)))
  }
  // The versions of what it is built with and of.
  hash.update(readFileSync(join(HERE, '../../package-lock.json')))
  return hash.digest('hex')
}

/** Inter with the characters that are used, all weights, and its figures of equal width. */
async function makeFont(): Promise<void> {
  const whole = createRequire(import.meta.url).resolve('@fontsource-variable/inter/files/inter-latin-wght-normal.woff2')
  const font = await subsetFont(readFileSync(whole), CHARACTERS, {
    targetFormat: 'woff2',
    variationAxes: { wght: { min: 400, max: 700 } },
  })
  mkdirSync(join(HERE, '.generated'), { recursive: true })
  writeFileSync(join(HERE, '.generated/inter.woff2'), font)
}

const now = madeOf()
const before = existsSync(MARK) ? readFileSync(MARK, 'utf8') : ''
if (!process.argv.includes('--if-changed') || before !== now) {
  await makeFont()
  await build({ configFile: join(HERE, 'vite.config.ts') })
  writeFileSync(MARK, now)
}
