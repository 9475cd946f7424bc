import { queryOptions, useQuery, useQueryClient } from '@tanstack/react-query'
import { call, identify, type Result } from './client'

export type Session = Result<'GET /api/2.0/tarn/session'>

export const session = queryOptions({
  queryKey: ['session'],
  queryFn: () => call('GET /api/2.0/tarn/session', {}).then(adopt),
  staleTime: Infinity,
  retry: false,
})

/** Calls go out in the name of this session from now on. */
export function adopt(found: Session): Session {
  identify(found.account_id ?? '', found.csrf_token ?? '')
  return found
}

/** Who is signed in; only below pages that need somebody. */
export function useSession(): Session {
  return useQuery(session).data ?? {}
}

/** Keeps what a sign-in answered, and nothing of whoever was here before. */
export function useAdoption() {
  const client = useQueryClient()
  return (found: Session) => {
    client.clear()
    client.setQueryData(session.queryKey, adopt(found))
  }
}

/** Where to go after signing in: a path of ours, never another site. */
export function safeNext(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'
}
