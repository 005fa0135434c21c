import { execFileSync, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/** What the tests need beyond npm. */
export default function setUp(): void {
  compileDecorators()
  installRedis()
  installBrowser()
  buildConsole()
}

/**
 * Compiles the fixtures of the decorators with the real compiler, in both modes: the test runner's own transform knows the
 * experimental ones only.
 */
function compileDecorators(): void {
  for (const mode of ['standard', 'experimental']) {
    const project = `packages/core/test/fixtures/decorators/tsconfig.${mode}.json`
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b', project], { cwd: root, stdio: 'inherit' })
  }
}

/** Redis and its Sentinel, and what makes a certificate, for the tests of the fleet. */
function installRedis(): void {
  const redis = { 'redis-server': 'redis-server', 'redis-sentinel': 'redis-sentinel', 'redis-cli': 'redis-tools' }
  installPrograms({ ...redis, openssl: 'openssl' })
}

/** Chromium, for the tests of the console. */
function installBrowser(): void {
  installPrograms({ chromium: 'chromium' })
}

/** The console's page, as it is now. */
function buildConsole(): void {
  const build = ['--conditions=development', 'apps/console/build.ts', '--if-changed']
  execFileSync(process.execPath, build, { cwd: root, stdio: 'inherit' })
}

/** Installs Debian's packages of the programs that are missing. @param packages by program */
function installPrograms(packages: Readonly<Record<string, string>>): void {
  const missing = Object.keys(packages).filter((program) => spawnSync(program, ['--version']).error !== undefined)
  if (missing.length === 0) return
  const names = missing.map((program) => packages[program] ?? program)
  try {
    execFileSync('apt-get', ['update', '-qq'], { stdio: 'inherit' })
    execFileSync('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], {
      stdio: 'inherit',
      // Services that the packages bring are not wanted: the tests start their own, on ports of their own.
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    })
  } catch (cause) {
    throw new Error(`the tests need ${missing.join(', ')}; install ${names.join(', ')} and run them again`, { cause })
  }
}
