import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call, Problem } from '../../api/client'
import { Answer } from '../../ui/Answer'
import { catalogRef, everything, fullName, placeOf, type Ref, refOf, schemaRef } from '../../ui/catalog/names'
import { TableIcon } from '../../ui/catalog/Tree'
import { IconDatabase, IconFolder } from '../../ui/icons'

const MOST = 50

interface Hit {
  of: Ref
  type?: string | undefined
}

/** `%`, `_` and the backslash as themselves in a LIKE pattern. */
export const pattern = (typed: string) => `%${typed.replace(/[\\%_]/g, String.raw`\$&`)}%`

/** All pages of a list of names. */
async function all<T>(ask: (token: string) => Promise<{ rows: T[] | undefined; next: string | undefined }>): Promise<T[]> {
  const rows: T[] = []
  for (let token: string | undefined = ''; token !== undefined; ) {
    // oxlint-disable-next-line no-await-in-loop -- the next page is known when this one is there
    const page: { rows: T[] | undefined; next: string | undefined } = await ask(token)
    rows.push(...(page.rows ?? []))
    token = page.next || undefined
  }
  return rows
}

async function inCatalog(workspaceId: string, catalog: string, typed: string): Promise<Hit[]> {
  try {
    const [schemas, tables] = await Promise.all([
      all((page_token) =>
        call('GET /api/2.1/unity-catalog/schemas', { catalog_name: catalog, max_results: 1000, page_token }, undefined, workspaceId).then(
          (found) => ({ rows: found.schemas, next: found.next_page_token }),
        ),
      ),
      call(
        'GET /api/2.1/unity-catalog/table-summaries',
        { catalog_name: catalog, table_name_pattern: pattern(typed), max_results: MOST + 1 },
        undefined,
        workspaceId,
      ),
    ])
    return [
      ...schemas.filter((each) => each.name?.includes(typed)).map((each) => ({ of: schemaRef(catalog, each.name ?? '') })),
      ...(tables.tables ?? []).map((each) => ({ of: refOf('table', each.full_name ?? ''), type: each.table_type })),
    ]
  } catch (problem) {
    if (problem instanceof Problem && (problem.status === 403 || problem.status === 404)) {
      return [] // listed by BROWSE, or gone meanwhile
    }
    throw problem
  }
}

/** Tables by the server, catalog by catalog; catalogs and schemas out of their lists, which have no filter. */
async function find(workspaceId: string, typed: string): Promise<Hit[]> {
  const catalogs = await all((page_token) =>
    call('GET /api/2.1/unity-catalog/catalogs', { max_results: 1000, page_token }, undefined, workspaceId).then((found) => ({
      rows: found.catalogs,
      next: found.next_page_token,
    })),
  )
  const names = catalogs.map((each) => each.name ?? '')
  const hits: Hit[] = names.filter((name) => name.includes(typed)).map((name) => ({ of: catalogRef(name) }))
  for (let at = 0; at < names.length && hits.length <= MOST; at += 4) {
    // oxlint-disable-next-line no-await-in-loop -- a few at a time, and no more once there is enough
    const found = await Promise.all(names.slice(at, at + 4).map((name) => inCatalog(workspaceId, name, typed)))
    hits.push(...found.flat())
  }
  return hits
}

export function Found({ of, workspaceId }: { of: string; workspaceId: string }) {
  const typed = of.toLowerCase()
  const answer = useQuery({
    queryKey: [...everything(workspaceId), 'search', typed],
    queryFn: () => find(workspaceId, typed),
    enabled: typed !== '',
  })
  return (
    <div className="found">
      <Answer of={answer} isEmpty={(hits) => hits.length === 0} empty={<p className="dim small">Nothing is called “{of}”.</p>}>
        {(hits) => (
          <>
            <ul aria-label="Found">
              {hits.slice(0, MOST).map((hit) => (
                <li key={`${hit.of.kind} ${fullName(hit.of)}`}>
                  <Link {...placeOf(workspaceId, hit.of)}>
                    {hit.of.kind === 'catalog' ? (
                      <IconDatabase size={15} stroke={1.7} aria-hidden />
                    ) : hit.of.kind === 'schema' ? (
                      <IconFolder size={15} stroke={1.7} aria-hidden />
                    ) : (
                      <TableIcon type={hit.type} />
                    )}
                    <span>{fullName(hit.of)}</span>
                  </Link>
                </li>
              ))}
            </ul>
            {hits.length > MOST && <p className="dim small">The first {MOST}. Type more of the name for others.</p>}
          </>
        )}
      </Answer>
      <p className="dim small">Looks at names of catalogs, schemas, tables and views that you may see.</p>
    </div>
  )
}
