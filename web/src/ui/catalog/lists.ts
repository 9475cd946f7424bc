// What is in what, page by page: the tree and the pages ask the same, and share the answers.
import { queryOptions, useInfiniteQuery, useQuery } from '@tanstack/react-query'
import { call } from '../../api/client'
import { everything } from './names'

export const PAGE = 100

export interface Page<T> {
  rows: T[]
  next: string | undefined
}

/** Of a list that the server cuts; `more` asks for the next page. */
export function usePages<T>(key: readonly unknown[], ask: (token: string) => Promise<Page<T>>, enabled = true) {
  const answer = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => ask(pageParam),
    initialPageParam: '',
    getNextPageParam: (last) => last.next || undefined,
    enabled,
  })
  return { ...answer, rows: answer.data?.pages.flatMap((page) => page.rows) ?? [] }
}

const part = (token: string) => ({ max_results: PAGE, page_token: token, include_browse: true })

export function useCatalogs(workspaceId: string) {
  return usePages([...everything(workspaceId), 'catalogs'], (token) =>
    call('GET /api/2.1/unity-catalog/catalogs', part(token), undefined, workspaceId).then((found) => ({
      rows: found.catalogs ?? [],
      next: found.next_page_token,
    })),
  )
}

export function useSchemas(workspaceId: string, catalog: string, enabled = true) {
  return usePages(
    [...everything(workspaceId), 'schemas', catalog],
    (token) =>
      call('GET /api/2.1/unity-catalog/schemas', { ...part(token), catalog_name: catalog }, undefined, workspaceId).then((found) => ({
        rows: found.schemas ?? [],
        next: found.next_page_token,
      })),
    enabled,
  )
}

export function useVolumes(workspaceId: string, catalog: string, schema: string, enabled = true) {
  return usePages(
    [...everything(workspaceId), 'volumes', catalog, schema],
    (token) =>
      call(
        'GET /api/2.1/unity-catalog/volumes',
        { ...part(token), catalog_name: catalog, schema_name: schema },
        undefined,
        workspaceId,
      ).then((found) => ({ rows: found.volumes ?? [], next: found.next_page_token })),
    enabled,
  )
}

export function useTables(workspaceId: string, catalog: string, schema: string, enabled = true) {
  return usePages(
    [...everything(workspaceId), 'tables', catalog, schema],
    (token) =>
      call(
        'GET /api/2.1/unity-catalog/tables',
        { ...part(token), catalog_name: catalog, schema_name: schema, omit_columns: true, omit_properties: true },
        undefined,
        workspaceId,
      ).then((found) => ({ rows: found.tables ?? [], next: found.next_page_token })),
    enabled,
  )
}

/** A table with its columns. */
export const table = (workspaceId: string, full_name: string) =>
  queryOptions({
    queryKey: [...everything(workspaceId), 'table', full_name],
    queryFn: () => call('GET /api/2.1/unity-catalog/tables/{full_name}', { full_name, include_browse: true }, undefined, workspaceId),
  })

export const useTable = (workspaceId: string, full_name: string) => useQuery(table(workspaceId, full_name))
