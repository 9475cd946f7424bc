// The catalog's names for the completion, by way of what the page remembers of answers.
import type { QueryClient } from '@tanstack/react-query'
import { call } from '../../api/client'
import { PAGE, table } from '../../ui/catalog/lists'
import { everything } from '../../ui/catalog/names'
import type { Item, Names } from './complete'

const REMEMBERED = 5 * 60_000
/** Of one list; who has more types what they want. */
const PAGES = 20

interface Page {
  rows: Item[]
  next: string | undefined
}

async function everyPage(ask: (token: string) => Promise<Page>): Promise<Item[]> {
  const found: Item[] = []
  let token = ''
  for (let page = 0; page < PAGES; page++) {
    // oxlint-disable-next-line no-await-in-loop -- the next page's token is in this one
    const { rows, next } = await ask(token)
    found.push(...rows)
    if (!next) {
      break
    }
    token = next
  }
  return found
}

export function catalogNames(client: QueryClient, workspaceId: string, current: Names['current']): Names {
  const remembered = (key: string[], ask: (token: string) => Promise<Page>) =>
    client
      .fetchQuery({ queryKey: [...everything(workspaceId), 'names', ...key], queryFn: () => everyPage(ask), staleTime: REMEMBERED })
      .catch(() => [] as Item[]) // may not be seen, or is not there: nothing to offer
  const part = (page_token: string) => ({ max_results: PAGE, page_token, include_browse: true })
  return {
    current,
    catalogs: () =>
      remembered(['catalogs'], (token) =>
        call('GET /api/2.1/unity-catalog/catalogs', part(token), undefined, workspaceId).then((found) => ({
          rows: (found.catalogs ?? []).map((each) => ({ name: each.name ?? '', about: 'catalog' })),
          next: found.next_page_token,
        })),
      ),
    schemas: (catalog_name) =>
      remembered(['schemas', catalog_name], (token) =>
        call('GET /api/2.1/unity-catalog/schemas', { ...part(token), catalog_name }, undefined, workspaceId).then((found) => ({
          rows: (found.schemas ?? []).map((each) => ({ name: each.name ?? '', about: 'schema' })),
          next: found.next_page_token,
        })),
      ),
    tables: (catalog_name, schema_name) =>
      remembered(['tables', catalog_name, schema_name], (token) =>
        call(
          'GET /api/2.1/unity-catalog/tables',
          { ...part(token), catalog_name, schema_name, omit_columns: true, omit_properties: true },
          undefined,
          workspaceId,
        ).then((found) => ({
          rows: (found.tables ?? []).map((each) => ({ name: each.name ?? '', about: each.table_type?.endsWith('VIEW') ? 'view' : 'table' })),
          next: found.next_page_token,
        })),
      ),
    functions: (catalog_name, schema_name) =>
      remembered(['functions', catalog_name, schema_name], (token) =>
        call('GET /api/2.1/unity-catalog/functions', { ...part(token), catalog_name, schema_name }, undefined, workspaceId).then((found) => ({
          rows: (found.functions ?? []).map((each) => ({ name: each.name ?? '', about: each.full_data_type?.toLowerCase() })),
          next: found.next_page_token,
        })),
      ),
    columns: (...of) =>
      client
        .fetchQuery({ ...table(workspaceId, of.join('.')), staleTime: REMEMBERED })
        .then((found) => (found.columns ?? []).map((each) => ({ name: each.name ?? '', about: each.type_text?.toLowerCase() })))
        .catch(() => []),
  }
}
