import { Link } from '@tanstack/react-router'
import { createContext, type KeyboardEvent, type ReactNode, use, useMemo, useRef, useState } from 'react'
import { IconChevronRight, IconColumns, IconDatabase, IconEye, IconFiles, IconFolder, IconTable } from '../icons'
import { useCatalogs, useSchemas, useTable, useTables, useVolumes } from './lists'
import { above, catalogRef, columnOf, fullName, type Name, placeOf, type Ref, schemaRef, shortName, tableRef, volumeRef } from './names'

interface Branches {
  workspaceId: string
  chosen: string
  /** The one that the Tab key leads to. */
  current: string
  isOpen: (id: string) => boolean
  toggle: (id: string, open: boolean) => void
  moved: (id: string) => void
  take: ((of: Name) => void) | undefined
}

const Context = createContext<Branches>(null!)

const idOf = (of: Name) => `${of.kind} ${fullName(of)}`

/**
 * Catalogs, their schemas, what is in them; asked for as it is opened, a page at a time. Names lead to their pages; where
 * somebody takes them, that is called instead, and tables open to their columns.
 */
export function Tree({ workspaceId, chosen, take }: { workspaceId: string; chosen: Ref | null; take?: (of: Name) => void }) {
  const root = useRef<HTMLUListElement>(null)
  const [open, setOpen] = useState<ReadonlySet<string>>(new Set())
  const [active, setActive] = useState('')
  const catalogs = useCatalogs(workspaceId)
  const id = chosen ? idOf(chosen) : ''
  const [seen, setSeen] = useState('')
  // Where one came by a link is shown, with what is above it.
  if (chosen && id !== seen) {
    setSeen(id)
    setOpen(new Set([...open, ...[...above(chosen), ...(chosen.names.length === 3 ? [] : [chosen])].map(idOf)]))
  }
  const tops = catalogs.rows.map((each) => idOf(catalogRef(each.name ?? '')))
  const top = chosen ? idOf(catalogRef(chosen.names[0] ?? '')) : ''
  const current = active || (tops.includes(top) ? top : (tops[0] ?? ''))
  const branches = useMemo<Branches>(
    () => ({
      workspaceId,
      chosen: id,
      current,
      isOpen: (which) => open.has(which),
      toggle: (which, to) => setOpen((before) => new Set(to ? [...before, which] : [...before].filter((each) => each !== which))),
      moved: setActive,
      take,
    }),
    [workspaceId, id, current, open, take],
  )
  const keys = (event: KeyboardEvent) => {
    const item = (event.target as HTMLElement).closest<HTMLElement>('[role=treeitem]')
    if (item && !event.ctrlKey && !event.metaKey && !event.altKey && onKey(root.current!, item, event.key, branches.toggle)) {
      event.preventDefault()
    }
  }
  return (
    <Context value={branches}>
      <ul className="tree" role="tree" aria-label="Catalogs" ref={root} onKeyDown={keys}>
        {catalogs.rows.map((each) => (
          <CatalogItem key={each.name} of={catalogRef(each.name ?? '')} />
        ))}
        <Rest of={catalogs} id="catalogs" level={1} none="No catalog that you may see" />
      </ul>
    </Context>
  )
}

/** As the pattern for trees has it; whether the key meant something here. */
function onKey(root: HTMLElement, item: HTMLElement, key: string, toggle: (id: string, open: boolean) => void): boolean {
  const all = [...root.querySelectorAll<HTMLElement>('[role=treeitem]')]
  const at = all.indexOf(item)
  const expanded = item.getAttribute('aria-expanded')
  const to = {
    ArrowDown: all[at + 1],
    ArrowUp: all[at - 1],
    Home: all[0],
    End: all.at(-1),
    ArrowRight: expanded === 'true' ? all[at + 1] : undefined,
    ArrowLeft: expanded === 'true' ? undefined : item.closest('ul')?.parentElement?.querySelector<HTMLElement>(':scope > [role=treeitem]'),
  }[key]
  if (key === 'Enter' || key === ' ') {
    (item.querySelector<HTMLElement>('.name') ?? item).click()
  } else if ((key === 'ArrowRight' && expanded === 'false') || (key === 'ArrowLeft' && expanded === 'true')) {
    toggle(item.dataset['id'] ?? '', key === 'ArrowRight')
  } else if (to) {
    to.focus()
  } else {
    return key.startsWith('Arrow')
  }
  return true
}

function Item(props: { of: Name; icon: ReactNode; about?: string | undefined; children?: ReactNode }) {
  const tree = use(Context)
  const id = idOf(props.of)
  const open = tree.isOpen(id)
  const branch = Boolean(props.children)
  const { take } = tree
  const inside = (
    <>
      {props.icon}
      <span className="who">{shortName(props.of)}</span>
      {props.about && <span className="about mono">{props.about}</span>}
    </>
  )
  return (
    <li role="none">
      <div
        className="leaf"
        role="treeitem"
        aria-level={props.of.names.length}
        aria-selected={id === tree.chosen}
        {...(branch ? { 'aria-expanded': open } : {})}
        data-id={id}
        tabIndex={id === tree.current ? 0 : -1}
        onFocus={() => tree.moved(id)}
        style={{ paddingLeft: `${(props.of.names.length - 1) * 0.9 + 0.25}rem` }}
      >
        {branch ? (
          <button
            type="button"
            tabIndex={-1}
            aria-hidden
            className="twist"
            onClick={() => {
              tree.moved(id)
              tree.toggle(id, !open)
            }}
          >
            <IconChevronRight size={14} />
          </button>
        ) : (
          <span className="twist" />
        )}
        {take ? (
          <button type="button" className="name" tabIndex={-1} onClick={() => take(props.of)} title={`Insert ${fullName(props.of)}`}>
            {inside}
          </button>
        ) : (
          <Link {...placeOf(tree.workspaceId, props.of)} className="name" tabIndex={-1} activeOptions={{ exact: true }}>
            {inside}
          </Link>
        )}
      </div>
      {branch && open && <ul role="group">{props.children}</ul>}
    </li>
  )
}

/** What is not there yet of a branch: it is coming, there is more, nothing, or it may not be seen. */
function Rest(props: {
  of: { isPending: boolean; error: Error | null; hasNextPage: boolean; isFetchingNextPage: boolean; rows: unknown[]; fetchNextPage: () => unknown }
  id: string
  level: number
  none: string
}) {
  const tree = use(Context)
  const { of } = props
  const text = of.error ? of.error.message : of.isPending ? 'Loading…' : of.rows.length === 0 ? props.none : null
  const style = { paddingLeft: `${(props.level - 1) * 0.9 + 1.75}rem` }
  if (of.hasNextPage) {
    const id = `more ${props.id}`
    return (
      <li role="none">
        <button
          type="button"
          role="treeitem"
          aria-level={props.level}
          aria-selected={false}
          data-id={id}
          tabIndex={id === tree.current ? 0 : -1}
          className="rest more"
          style={style}
          disabled={of.isFetchingNextPage}
          onFocus={() => tree.moved(id)}
          onClick={() => of.fetchNextPage()}
        >
          {of.isFetchingNextPage ? 'Loading…' : 'Show more'}
        </button>
      </li>
    )
  }
  return (
    text && (
      <li role="none" className="rest dim" style={style}>
        {text}
      </li>
    )
  )
}

function CatalogItem({ of }: { of: Ref }) {
  return (
    <Item of={of} icon={<IconDatabase size={15} stroke={1.7} aria-hidden />}>
      <Schemas of={of} />
    </Item>
  )
}

function Schemas({ of }: { of: Ref }) {
  const { workspaceId } = use(Context)
  const [catalog = ''] = of.names
  const schemas = useSchemas(workspaceId, catalog)
  return (
    <>
      {schemas.rows.map((each) => {
        const schema = schemaRef(catalog, each.name ?? '')
        return (
          <Item key={each.name} of={schema} icon={<IconFolder size={15} stroke={1.7} aria-hidden />}>
            <Inside of={schema} />
          </Item>
        )
      })}
      <Rest of={schemas} id={idOf(of)} level={2} none="No schema that you may see" />
    </>
  )
}

function Inside({ of }: { of: Ref }) {
  const { workspaceId, take } = use(Context)
  const [catalog = '', schema = ''] = of.names
  const tables = useTables(workspaceId, catalog, schema)
  const volumes = useVolumes(workspaceId, catalog, schema)
  return (
    <>
      {tables.rows.map((each) => (
        <Item key={each.name} of={tableRef(catalog, schema, each.name ?? '')} icon={<TableIcon type={each.table_type} />}>
          {take && <Columns of={tableRef(catalog, schema, each.name ?? '')} />}
        </Item>
      ))}
      <Rest of={tables} id={idOf(of)} level={3} none={volumes.rows.length === 0 ? 'No table that you may see' : ''} />
      {volumes.rows.map((each) => (
        <Item
          key={`volume ${each.name}`}
          of={volumeRef(catalog, schema, each.name ?? '')}
          icon={<IconFiles size={15} stroke={1.7} aria-hidden />}
        />
      ))}
      <Rest of={volumes} id={`volumes ${idOf(of)}`} level={3} none="" />
    </>
  )
}

function Columns({ of }: { of: Ref }) {
  const { workspaceId } = use(Context)
  const table = useTable(workspaceId, fullName(of))
  const rows = table.data?.columns ?? []
  return (
    <>
      {rows.map((each) => (
        <Item
          key={each.name}
          of={columnOf(of, each.name ?? '')}
          icon={<IconColumns size={14} stroke={1.7} aria-hidden />}
          about={each.type_text?.toLowerCase()}
        />
      ))}
      <Rest of={{ ...table, rows, hasNextPage: false, isFetchingNextPage: false, fetchNextPage: () => {} }} id={idOf(of)} level={4} none="No column" />
    </>
  )
}

export function TableIcon({ type }: { type: string | undefined }) {
  return type?.endsWith('VIEW') ? <IconEye size={15} stroke={1.7} aria-hidden /> : <IconTable size={15} stroke={1.7} aria-hidden />
}
