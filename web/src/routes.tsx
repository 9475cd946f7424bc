// Every address of the console, on one page. Pages are loaded when they are gone to; a page that needs somebody sends
// nobody to the login page first.
import type { QueryClient } from '@tanstack/react-query'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router'
import { Problem } from './api/client'
import { safeNext, session } from './api/session'
import { AccountShell } from './shell/AccountShell'
import { NotFound } from './shell/NotFound'
import { Failed } from './ui/Answer'

const root = createRootRouteWithContext<{ client: QueryClient }>()({
  component: Outlet,
  notFoundComponent: NotFound,
  errorComponent: ({ error }) => <Failed problem={error} />,
})

interface Next {
  next?: string
}
const next = (search: Record<string, unknown>): Next =>
  typeof search['next'] === 'string' ? { next: search['next'] } : {}

const login = createRoute({
  getParentRoute: () => root,
  path: 'login',
  validateSearch: next,
  component: lazyRouteComponent(() => import('./features/sign-in/Login'), 'Login'),
})
const signUp = createRoute({
  getParentRoute: () => root,
  path: 'sign-up',
  component: lazyRouteComponent(() => import('./features/sign-in/Redeem'), 'Redeem'),
})
const recover = createRoute({
  getParentRoute: () => root,
  path: 'recover',
  component: lazyRouteComponent(() => import('./features/sign-in/Redeem'), 'Redeem'),
})

/** Everything below asks for somebody. */
const somebody = createRoute({
  getParentRoute: () => root,
  id: 'somebody',
  component: Outlet,
  beforeLoad: async ({ context, location }) => {
    try {
      await context.client.ensureQueryData(session)
    } catch (problem) {
      if (problem instanceof Problem && problem.status === 401) {
        throw redirect({ to: '/login', search: location.href === '/' ? {} : { next: safeNext(location.href) } })
      }
      throw problem
    }
  },
})
const account = createRoute({ getParentRoute: () => somebody, id: 'account', component: AccountShell })
const index = createRoute({
  getParentRoute: () => account,
  path: '/',
  beforeLoad: () => {
    throw redirect({ to: '/workspaces' })
  },
})
const cloud = createRoute({
  getParentRoute: () => account,
  path: 'cloud-resources',
  beforeLoad: () => {
    throw redirect({ to: '/cloud-resources/$kind', params: { kind: 'credentials' } })
  },
})
const page = <P extends string>(path: P, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => account, path, component })

const pages = [
  page('workspaces', lazyRouteComponent(() => import('./features/workspaces/Workspaces'), 'Workspaces')),
  page('workspaces/new', lazyRouteComponent(() => import('./features/workspaces/CreateWorkspace'), 'CreateWorkspace')),
  page('workspaces/new/manual', lazyRouteComponent(() => import('./features/workspaces/Manual'), 'Manual')),
  page('workspaces/new/quickstart', lazyRouteComponent(() => import('./features/stacks/StackForm'), 'StackForm')),
  page('workspaces/$id', lazyRouteComponent(() => import('./features/workspaces/Workspace'), 'Workspace')),
  page('stacks', lazyRouteComponent(() => import('./features/stacks/Stacks'), 'Stacks')),
  page('stacks/$name', lazyRouteComponent(() => import('./features/stacks/Stack'), 'Stack')),
  page('stacks/$name/update', lazyRouteComponent(() => import('./features/stacks/StackForm'), 'UpdateForm')),
  page('cloud-resources/$kind', lazyRouteComponent(() => import('./features/cloud/CloudResources'), 'CloudResources')),
  page('users', lazyRouteComponent(() => import('./features/people/Users'), 'Users')),
  page('users/$id', lazyRouteComponent(() => import('./features/people/User'), 'User')),
  page('groups', lazyRouteComponent(() => import('./features/people/Groups'), 'Groups')),
  page('groups/$id', lazyRouteComponent(() => import('./features/people/Group'), 'Group')),
  page('service-principals', lazyRouteComponent(() => import('./features/people/ServicePrincipals'), 'ServicePrincipals')),
  page('service-principals/$id', lazyRouteComponent(() => import('./features/people/ServicePrincipal'), 'ServicePrincipal')),
  page('settings', lazyRouteComponent(() => import('./features/settings/Settings'), 'Settings')),
]
const workspace = createRoute({
  getParentRoute: () => somebody,
  path: 'w/$workspaceId',
  component: lazyRouteComponent(() => import('./shell/WorkspaceShell'), 'WorkspaceShell'),
})
const home = createRoute({
  getParentRoute: () => workspace,
  path: '/',
  component: lazyRouteComponent(() => import('./features/home/Home'), 'Home'),
})
const tokens = createRoute({
  getParentRoute: () => workspace,
  path: 'tokens',
  component: lazyRouteComponent(() => import('./features/home/Tokens'), 'Tokens'),
})
const sql = createRoute({
  getParentRoute: () => workspace,
  path: 'sql',
  component: lazyRouteComponent(() => import('./features/editor/SqlEditor'), 'SqlEditor'),
})
const explore = createRoute({
  getParentRoute: () => workspace,
  path: 'explore',
  component: lazyRouteComponent(() => import('./features/explore/Explorer'), 'Explorer'),
})
const explored = <P extends string>(path: P, component: ReturnType<typeof lazyRouteComponent>) =>
  createRoute({ getParentRoute: () => explore, path, component })

const catalogPages = [
  explored('/', lazyRouteComponent(() => import('./features/explore/Catalogs'), 'Catalogs')),
  explored('data/$catalog', lazyRouteComponent(() => import('./features/explore/Catalog'), 'Catalog')),
  explored('data/$catalog/$schema', lazyRouteComponent(() => import('./features/explore/Schema'), 'Schema')),
  explored('data/$catalog/$schema/$name', lazyRouteComponent(() => import('./features/explore/Table'), 'Table')),
  explored('volumes/$catalog/$schema/$name', lazyRouteComponent(() => import('./features/explore/Volume'), 'Volume')),
]

const tree = root.addChildren([
  login,
  signUp,
  recover,
  somebody.addChildren([account.addChildren([index, cloud, ...pages]), workspace.addChildren([home, tokens, sql, explore.addChildren(catalogPages)])]),
])

export function makeRouter(client: QueryClient) {
  return createRouter({ routeTree: tree, context: { client }, defaultPreload: 'intent', scrollRestoration: true })
}
