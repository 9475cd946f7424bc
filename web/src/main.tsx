import '@mantine/core/styles.css'
import '@mantine/notifications/styles.css'
import './app.css'
import { MantineProvider } from '@mantine/core'
import { Notifications } from '@mantine/notifications'
import { MutationCache, QueryCache, QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { onSignedOut, Problem } from './api/client'
import { makeRouter } from './routes'
import { theme, variables } from './theme'

const nonce = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? ''
// For the styles that lock the page below a dialog; the library reads this name.
Object.assign(globalThis, { __webpack_nonce__: nonce })

const client = new QueryClient({
  queryCache: new QueryCache(),
  mutationCache: new MutationCache(),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (times, problem) => times < 2 && problem instanceof Problem && problem.status === 0,
    },
  },
})
const router = makeRouter(client)

onSignedOut(() => {
  client.clear()
  const here = router.state.location
  if (here.pathname !== '/login') {
    void router.navigate({ to: '/login', search: { next: here.href } })
  }
})

createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <MantineProvider
      theme={theme}
      cssVariablesResolver={variables}
      defaultColorScheme="auto"
      getStyleNonce={() => nonce}
    >
      <QueryClientProvider client={client}>
        <Notifications position="bottom-right" />
        <RouterProvider router={router} />
      </QueryClientProvider>
    </MantineProvider>
  </StrictMode>,
)
