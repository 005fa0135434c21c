import { defineConfig } from 'vite'

/** The page is served by the gateway at `/console/`, under a policy that allows neither inline scripts nor inline styles. */
export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  resolve: { conditions: ['development', 'module', 'browser', 'import', 'default'] },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2023',
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: { output: { codeSplitting: false } },
  },
  logLevel: 'warn',
})
