import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: 'target/classes/dev/tarn/web',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // no data: URLs, the policy of the page forbids them
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    manifest: true,
  },
  server: { proxy: { '^/(api|oidc|\\.well-known)/': 'http://127.0.0.1:8484' } },
  test: { environment: 'jsdom', setupFiles: ['src/test/setup.ts'], restoreMocks: true, testTimeout: 30_000 },
})
