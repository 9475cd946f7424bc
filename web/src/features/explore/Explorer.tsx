import { Button, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { Outlet, useParams, useRouterState } from '@tanstack/react-router'
import { useState } from 'react'
import { catalogRef, type Ref, schemaRef, tableRef, useWorkspace, volumeRef } from '../../ui/catalog/names'
import { Tree } from '../../ui/catalog/Tree'
import { IconChevronDown, IconSearch } from '../../ui/icons'
import { Found } from './Search'

/** What the address names; null on pages about nothing in the tree. */
function useChosen(): Ref | null {
  const { catalog, schema, name } = useParams({ strict: false }) as { catalog?: string; schema?: string; name?: string }
  const ref = useRouterState({ select: (state) => state.location.pathname }).includes('/explore/volumes/') ? volumeRef : tableRef
  return catalog && schema && name ? ref(catalog, schema, name) : catalog && schema ? schemaRef(catalog, schema) : catalog ? catalogRef(catalog) : null
}

/** The tree stays while one goes from page to page beside it. */
export function Explorer() {
  const workspaceId = useWorkspace()
  const chosen = useChosen()
  const [typed, setTyped] = useState('')
  const [search] = useDebouncedValue(typed.trim(), 250)
  const [shown, setShown] = useState(false)
  const path = useRouterState({ select: (state) => state.location.pathname })
  const [before, setBefore] = useState(path)
  // Who has chosen something on a small screen wants to see that.
  if (path !== before) {
    setBefore(path)
    setShown(false)
  }
  return (
    <div className="explore">
      <aside aria-label="Catalogs">
        <Button
          className="only-narrow"
          variant="default"
          fullWidth
          aria-expanded={shown}
          rightSection={<IconChevronDown size={15} aria-hidden />}
          onClick={() => setShown(!shown)}
        >
          Browse and search
        </Button>
        <div className={shown ? 'branches open' : 'branches'}>
          <TextInput
            type="search"
            aria-label="Search by name"
            placeholder="Search by name"
            leftSection={<IconSearch size={15} aria-hidden />}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
          />
          {typed.trim() === '' ? <Tree workspaceId={workspaceId} chosen={chosen} /> : <Found of={search} workspaceId={workspaceId} />}
        </div>
      </aside>
      <div className="explored">
        <Outlet />
      </div>
    </div>
  )
}
