import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))

/**
 * Compiles the fixtures of the decorators with the real compiler, in both modes: the test runner's own transform knows the
 * experimental ones only.
 */
export default function setUp(): void {
  for (const mode of ['standard', 'experimental']) {
    const project = `packages/core/test/fixtures/decorators/tsconfig.${mode}.json`
    execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-b', project], { cwd: root, stdio: 'inherit' })
  }
}
