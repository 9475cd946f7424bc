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
    rolldownOptions: {
      output: {
        // What every page has, in one piece: cut by who shares what it would be a dozen, and larger.
        codeSplitting: {
          groups: [
            {
              name: 'frame',
              test: /node_modules\/(react|react-dom|scheduler|@floating-ui|@tanstack\/(react-router|router-core|history|store|react-store|react-query|query-core)|@mantine\/(notifications|core\/esm\/(core|components\/(Menu|Popover|Button|ActionIcon|UnstyledButton|Loader|CloseButton|Notification|Portal|Transition|FocusTrap))))\//,
            },
          ],
        },
      },
    },
  },
  server: { proxy: { '^/(api|oidc|\\.well-known)/': 'http://127.0.0.1:8484' } },
  test: { environment: 'jsdom', setupFiles: ['src/test/setup.ts'], restoreMocks: true, testTimeout: 30_000 },
})
