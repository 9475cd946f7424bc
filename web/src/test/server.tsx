import { MantineProvider } from '@mantine/core'
import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { createMemoryHistory, createRootRoute, createRoute, createRouter, RouterProvider } from '@tanstack/react-router'
import { render } from '@testing-library/react'

import type { ReactNode } from 'react'
import { vi } from 'vitest'

export interface Asked {
  verb: string
  path: string
  headers: Headers
  body: unknown
}

/** The network's end: answers by `VERB /path`, in tests only; what is not listed is a 404, as on the server. */
export function answering(answers: Record<string, unknown>): Asked[] {
  const asked: Asked[] = []
  vi.stubGlobal('fetch', (input: string, init: RequestInit = {}) => {
    const url = new URL(input, 'http://console.test')
    const verb = init.method ?? 'GET'
    asked.push({
      verb,
      path: url.pathname + url.search,
      headers: new Headers(init.headers),
      body: typeof init.body === 'string' ? JSON.parse(init.body) : undefined,
    })
    const found = answers[`${verb} ${url.pathname}`]
    if (found instanceof Response) {
      return Promise.resolve(found.clone())
    }
    return Promise.resolve(
      found === undefined
        ? Response.json({ error_code: 'ENDPOINT_NOT_FOUND', message: `No API found for '${verb} ${url.pathname}'` }, { status: 404 })
        : Response.json(found),
    )
  })
  return asked
}

/** A page as the router shows it, at any address; `path` names what the page reads from it. */
export function show(page: () => ReactNode, at = '/', path = '$') {
  const root = createRootRoute()
  const any = createRoute({ getParentRoute: () => root, path, component: page })
  const index = createRoute({ getParentRoute: () => root, path: '/', component: page })
  const router = createRouter({ routeTree: root.addChildren([index, any]), history: createMemoryHistory({ initialEntries: [at] }) })
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } })
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={client}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>
    </MantineProvider>,
  )
  return { router, client }
}
