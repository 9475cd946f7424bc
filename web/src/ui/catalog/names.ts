// What there is in Unity Catalog, how each kind is called and addressed, and what can be granted on it.
import { useParams } from '@tanstack/react-router'

export type Kind = 'catalog' | 'schema' | 'table' | 'volume'

/** Something by its names, from the catalog on. */
export interface Ref {
  kind: Kind
  names: string[]
}

/** Also a column of a table, which has no page and no grants of its own. */
export type Name = Ref | { kind: 'column'; names: string[] }

export const catalogRef = (name: string): Ref => ({ kind: 'catalog', names: [name] })
export const schemaRef = (catalog: string, name: string): Ref => ({ kind: 'schema', names: [catalog, name] })
export const tableRef = (catalog: string, schema: string, name: string): Ref => ({ kind: 'table', names: [catalog, schema, name] })
export const volumeRef = (catalog: string, schema: string, name: string): Ref => ({ kind: 'volume', names: [catalog, schema, name] })

export const columnOf = (table: Ref, name: string): Name => ({ kind: 'column', names: [...table.names, name] })

/** Of a full name; names have no periods. */
export const refOf = (kind: Kind, full: string): Ref => ({ kind, names: full.split('.') })

export const fullName = (of: { names: string[] }): string => of.names.join('.')
export const shortName = (of: Name): string => of.names.at(-1) ?? ''
export const above = (of: Ref): Ref[] =>
  of.names.slice(0, -1).map((_, at) => ({ kind: at === 0 ? 'catalog' : 'schema', names: of.names.slice(0, at + 1) }))

/** As a statement names it, whatever is in the names. */
export const quoted = (of: Ref): string => of.names.map((name) => `\`${name.replaceAll('`', '``')}\``).join('.')

/** A text in a statement. */
export const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

/** A name in SQL's GRANT. */
export const grantee = (name: string): string => `\`${name.replaceAll('`', '``')}\``

const PLACES = {
  catalog: '/w/$workspaceId/explore/data/$catalog',
  schema: '/w/$workspaceId/explore/data/$catalog/$schema',
  table: '/w/$workspaceId/explore/data/$catalog/$schema/$name',
  volume: '/w/$workspaceId/explore/volumes/$catalog/$schema/$name',
  column: '/w/$workspaceId/explore/data/$catalog/$schema/$name',
} as const

/** Its page, for a link. */
export function placeOf(workspaceId: string, of: Name) {
  const [catalog = '', schema = '', name = ''] = of.names
  return { to: PLACES[of.kind] as string, params: { workspaceId, catalog, schema, name } as never }
}

export function useWorkspace(): string {
  return (useParams({ strict: false }) as { workspaceId: string }).workspaceId
}

/** Everything of Unity Catalog in one workspace; a change makes all of it be asked for again. */
export const everything = (workspaceId: string) => ['uc', workspaceId]

const ON_DATA = ['APPLY_TAG', 'MANAGE', 'ALL_PRIVILEGES']
const IN_SCHEMA = [
  'USE_SCHEMA', 'SELECT', 'MODIFY', 'EXECUTE', 'READ_VOLUME', 'WRITE_VOLUME', 'REFRESH', 'CREATE_TABLE', 'CREATE_VOLUME',
  'CREATE_FUNCTION', 'CREATE_MODEL', 'CREATE_MODEL_VERSION', 'CREATE_MATERIALIZED_VIEW', ...ON_DATA,
]

/** What the server takes on each kind; it has the last word. */
export const GRANTABLE: Record<Kind, string[]> = {
  catalog: ['USE_CATALOG', 'BROWSE', 'CREATE_SCHEMA', ...IN_SCHEMA],
  schema: [...IN_SCHEMA, 'EXTERNAL_USE_SCHEMA'],
  table: ['SELECT', 'MODIFY', ...ON_DATA],
  volume: ['READ_VOLUME', 'WRITE_VOLUME', ...ON_DATA],
}

/** In which order and under which heading privileges are offered. */
export const SECTIONS: [string, string[]][] = [
  ['To get there', ['USE_CATALOG', 'USE_SCHEMA']],
  ['Metadata', ['BROWSE', 'APPLY_TAG']],
  ['Read', ['SELECT', 'EXECUTE', 'READ_VOLUME']],
  ['Change', ['MODIFY', 'REFRESH', 'WRITE_VOLUME']],
  [
    'Create',
    [
      'CREATE_SCHEMA', 'CREATE_TABLE', 'CREATE_VOLUME', 'CREATE_FUNCTION', 'CREATE_MODEL', 'CREATE_MODEL_VERSION',
      'CREATE_MATERIALIZED_VIEW',
    ],
  ],
  ['All of it', ['ALL_PRIVILEGES', 'MANAGE', 'EXTERNAL_USE_SCHEMA']],
]

const READER = ['USE_CATALOG', 'USE_SCHEMA', 'BROWSE', 'SELECT', 'EXECUTE', 'READ_VOLUME']
const EDITOR = [
  ...READER, 'MODIFY', 'REFRESH', 'WRITE_VOLUME', 'APPLY_TAG', 'CREATE_SCHEMA', 'CREATE_TABLE', 'CREATE_VOLUME', 'CREATE_FUNCTION',
  'CREATE_MODEL', 'CREATE_MODEL_VERSION', 'CREATE_MATERIALIZED_VIEW',
]

/** What one ticks at once. */
export const PRESETS: [string, string[]][] = [
  ['Reader', READER],
  ['Editor', EDITOR],
]

/** `USE CATALOG`, as SQL spells it. */
export const words = (privilege: string): string => privilege.replaceAll('_', ' ')
