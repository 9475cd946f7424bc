import { keepPreviousData, type Query, queryOptions } from '@tanstack/react-query'

const FIRST = 1000
const SLOWEST = 15_000

/**
 * What changes by itself, asked for again: each second while it moves, ever more seldom while it does not, and not at all
 * once it is `done` or nobody looks.
 */
export function live<T>(key: readonly unknown[], ask: () => Promise<T>, done: (data: T) => boolean) {
  let wait = FIRST
  let last: T | undefined
  return queryOptions({
    queryKey: key,
    queryFn: ask,
    placeholderData: keepPreviousData,
    refetchInterval: (query: Query<T, Error, T, readonly unknown[]>) => {
      const data = query.state.data
      if (data !== undefined && done(data)) {
        return false
      }
      // Structural sharing: the same object means the same content.
      wait = data === last && query.state.status === 'success' ? Math.min(wait * 1.4, SLOWEST) : FIRST
      last = data
      return wait
    },
  })
}
