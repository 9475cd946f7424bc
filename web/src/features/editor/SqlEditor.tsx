// The page: tabs above, the catalog beside, the text and what came of it. Everything goes through the public API.
import { ActionIcon, Button, CloseButton, TextInput, Tooltip } from '@mantine/core'
import { useDisclosure, useLocalStorage } from '@mantine/hooks'
import { notifications } from '@mantine/notifications'
import { useQueryClient } from '@tanstack/react-query'
import { lazy, type KeyboardEvent as Key, type PointerEvent as Pointed, type ReactNode, Suspense, useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react'
import { Problem } from '../../api/client'
import { useSession } from '../../api/session'
import { Failed } from '../../ui/Answer'
import { type Name, useWorkspace } from '../../ui/catalog/names'
import { Tree } from '../../ui/catalog/Tree'
import { python } from '../../ui/code'
import { IconHistory, IconKeyboard, IconLayoutSidebar, IconPlayerPlay, IconPlayerStop, IconPlayerTrackNext, IconPlus, IconWand } from '../../ui/icons'
import { curl, ShowCode } from '../../ui/ShowCode'
import type { Writing } from './Editor'
import './editor.css'
import { Help } from './Help'
import { History } from './History'
import { catalogNames } from './names'
import { fieldsOf, parametersFor } from './parameters'
import { Parameters } from './Parameters'
import { chosenOf, PlacePicker, useLookAgain, useWarehouses, WarehousePicker } from './Pickers'
import { Results } from './Results'
import { openRuns, over, type Run, type Runs, requestOf, type With } from './runs'
import { name, parametersOf, positionIn, type Span, spanOf, statementAt, statementsOf } from './statements'
import { openTabs, type TabStore } from './tabs'

const Editor = lazy(() => import('./Editor'))

/** Results stay while one looks at other pages. */
const runsOf = new Map<string, Runs>()

function runsIn(place: string, workspaceId: string): Runs {
  const found = runsOf.get(place) ?? openRuns(workspaceId)
  runsOf.set(place, found)
  return found
}

export function SqlEditor() {
  const workspaceId = useWorkspace()
  const who = useSession()
  const place = `${workspaceId}.${who.user_name}`
  return <Opened key={place} place={place} workspaceId={workspaceId} />
}

function Opened({ place, workspaceId }: { place: string; workspaceId: string }) {
  const [store] = useState(() => openTabs(place))
  const tabs = useSyncExternalStore(store.subscribe, store.get)
  const tab = tabs.all.find((each) => each.id === tabs.active)!
  const runs = runsIn(place, workspaceId)
  const list = useSyncExternalStore(runs.subscribe, () => runs.get(tab.id))
  const client = useQueryClient()
  const writing = useRef<Writing>(null)
  const page = useRef<HTMLDivElement>(null)
  const [chosen, setChosen] = useState('')
  const [help, { open: openHelp, close: closeHelp }] = useDisclosure(false)
  const [past, { open: openPast, close: closePast }] = useDisclosure(false)
  const [side, setSide] = useLocalStorage({ key: 'tarn.editor.side', defaultValue: window.innerWidth > 860, getInitialValueInEffect: false })
  const warehouses = useWarehouses(workspaceId)
  const warehouse = chosenOf(warehouses.data?.warehouses ?? [], tab.warehouse)
  const parameters = useMemo(() => parametersOf(tab.text), [tab.text])
  const busy = list.some((each) => !over(each))
  useLookAgain(workspaceId, busy)

  useEffect(() => {
    document.title = 'SQL Editor · Tarn'
  }, [])

  const names = useMemo(
    () => catalogNames(client, workspaceId, () => store.get().all.find((each) => each.id === store.get().active)!),
    [client, workspaceId, store],
  )

  // What was run here before the page was loaded, and what is to be found after the next time.
  const { id: tabId, kept } = tab
  useEffect(() => {
    if (!runs.known(tabId)) {
      runs.restore(tabId, kept)
      return
    }
    const now = list.filter((each) => each.statementId !== '').map((each) => ({ statement_id: each.statementId, text: each.text }))
    if (now.map((each) => each.statement_id).join() !== kept.map((each) => each.statement_id).join()) {
      store.update(tabId, { kept: now })
    }
  }, [runs, store, tabId, kept, list])

  /** Where the statement of a run is now; null when it was changed meanwhile. */
  const placeOf = (run: Run): Span | null => {
    const position = positionIn(run.message)
    const text = writing.current?.text() ?? ''
    const found = writing.current?.find(run.id) ?? text.indexOf(run.text)
    if (!position || found < 0 || !text.startsWith(run.text, found)) {
      return null
    }
    const span = spanOf(run.text, position)
    return { from: found + span.from, to: found + span.to }
  }
  const showPlace = (run: Run) => writing.current?.problem(placeOf(run), run.message.split('\n')[0] ?? '')

  const withOf = (text: string): With => ({
    warehouse: warehouse?.id ?? '',
    catalog: tab.catalog,
    schema: tab.schema,
    parameters: parametersFor(parametersOf(text), fieldsOf(parametersOf(store.get().all.find((each) => each.id === tab.id)?.text ?? ''), tab.fields)),
  })

  const run = (all: boolean) => {
    const at = writing.current
    if (!at) {
      return
    }
    const text = at.text()
    const { from, to } = at.selection()
    const here = statementAt(text, from)
    const spans = all
      ? statementsOf(text)
      : from < to
        ? statementsOf(text.slice(from, to)).map((each) => ({ from: each.from + from, to: each.to + from }))
        : here
          ? [here]
          : []
    if (spans.length === 0 || !warehouse) {
      notifications.show({ message: warehouse ? 'There is no statement to run.' : 'There is no SQL warehouse that you may use.' })
      return
    }
    const wishes = spans.map((span) => {
      const id = crypto.getRandomValues(new Uint32Array(2)).join('-')
      at.mark(id, span.from)
      return { id, text: text.slice(span.from, span.to) }
    })
    at.problem(null)
    setChosen('')
    const { id } = tab
    void runs.run(id, wishes, (wish) => withOf(wish.text), (ended) => {
      if (ended.state === 'FAILED' && store.get().active === id && placeOf(ended)) {
        showPlace(ended)
      }
    })
  }

  const format = async () => {
    const at = writing.current
    if (at) {
      const { from, to } = at.selection()
      const text = at.text()
      const span = from < to ? { from, to } : { from: 0, to: text.length }
      try {
        const { format: formatted } = await import('./format')
        at.replace(formatted(text.slice(span.from, span.to)), span)
        at.focus()
      } catch {
        notifications.show({ message: 'The formatter does not understand this text. It was left as it is.' })
      }
    }
  }

  const close = (id: string) => {
    writing.current?.text()
    const found = store.get().all.find((each) => each.id === id)
    const back = store.close(id)
    runs.forget(id)
    if (found && found.text.trim() !== '') {
      const note = notifications.show({
        autoClose: 10_000,
        message: (
          <>
            “{found.name}” was closed.{' '}
            <Button
              size="compact-xs"
              variant="default"
              onClick={() => {
                back()
                notifications.hide(note)
              }}
            >
              Open it again
            </Button>
          </>
        ),
      })
    }
  }

  const beside = (by: number) => {
    const at = tabs.all.indexOf(tab)
    store.choose(tabs.all[(at + by + tabs.all.length) % tabs.all.length]!.id)
  }

  const keys = (event: KeyboardEvent) => {
    const within = (event.target as HTMLElement).closest('input, textarea, select, [contenteditable=true]')
    if (document.querySelector('[role=dialog]')) {
      return
    }
    const act = pressed(event, within !== null, {
      run: () => run(false),
      all: () => run(true),
      cancel: () => runs.cancel(tab.id),
      format: () => void format(),
      add: () => store.add(),
      close: () => close(tab.id),
      before: () => beside(-1),
      after: () => beside(1),
      text: () => writing.current?.focus(),
      result: () => page.current?.querySelector<HTMLElement>('[role=grid], .panel button, [role=tab][aria-controls]')?.focus(),
      tree: () => {
        setSide(true)
        // It may have to be drawn first.
        requestAnimationFrame(() => page.current?.querySelector<HTMLElement>('[role=treeitem][tabindex="0"]')?.focus())
      },
      history: openPast,
      help: openHelp,
    })
    if (act) {
      event.preventDefault()
      event.stopPropagation()
      act()
    }
  }
  const listener = useRef(keys)
  useEffect(() => {
    listener.current = keys
  })
  useEffect(() => {
    const heard = (event: KeyboardEvent) => listener.current(event)
    window.addEventListener('keydown', heard, { capture: true })
    return () => window.removeEventListener('keydown', heard, { capture: true })
  }, [])

  const take = useCallback((of: Name) => writing.current?.insert(inserted(of)), [])

  if (warehouses.error instanceof Problem && warehouses.error.status === 403) {
    return <Failed problem={warehouses.error} />
  }
  const shownRun = list.find((each) => each.id === chosen) ?? list.at(-1)
  const example = shownRun?.text ?? tab.text.slice(0, statementsOf(tab.text)[0]?.to ?? 0)
  return (
    <div className="sql" ref={page}>
      <h1 className="unseen">SQL Editor</h1>
      <TabStrip store={store} onClose={close} />
      {tabs.unkept !== null && (
        <p className="note small" role="alert">
          This browser does not keep the text: {tabs.unkept}
        </p>
      )}
      <div className="tools" role="toolbar" aria-label="Statement">
        <Tooltip label="The catalog beside the text">
          <ActionIcon variant="default" aria-label="Catalog" aria-expanded={side} onClick={() => setSide(!side)}>
            <IconLayoutSidebar size={16} />
          </ActionIcon>
        </Tooltip>
        {busy ? (
          <Button size="xs" variant="default" leftSection={<IconPlayerStop size={15} aria-hidden />} onClick={() => runs.cancel(tab.id)}>
            Cancel
          </Button>
        ) : (
          <Button size="xs" leftSection={<IconPlayerPlay size={15} aria-hidden />} onClick={() => run(false)}>
            Run
          </Button>
        )}
        <Button size="xs" variant="default" disabled={busy} leftSection={<IconPlayerTrackNext size={15} aria-hidden />} onClick={() => run(true)}>
          Run all
        </Button>
        <WarehousePicker workspaceId={workspaceId} all={warehouses.data?.warehouses ?? []} chosen={warehouse} onChoose={(id) => store.update(tab.id, { warehouse: id })} />
        <PlacePicker workspaceId={workspaceId} catalog={tab.catalog} schema={tab.schema} onChange={(catalog, schema) => store.update(tab.id, { catalog, schema })} />
        <span className="rest-of">
          <Tool label="Format" onClick={() => void format()} icon={<IconWand size={16} />} />
          <Tool label="History" onClick={openPast} icon={<IconHistory size={16} />} />
          <Tool label="Keyboard" onClick={openHelp} icon={<IconKeyboard size={16} />} />
          <ShowCode title="This statement" workspace of={snippets(example, withOf(example))} />
        </span>
      </div>
      <Parameters names={parameters} fields={tab.fields} onField={(key, field) => store.update(tab.id, { fields: { ...store.get().all.find((each) => each.id === tab.id)!.fields, [key]: field } })} />
      <div className={side ? 'desk with-side' : 'desk'}>
        {side && (
          <aside aria-label="Catalog">
            <Tree workspaceId={workspaceId} chosen={null} take={take} />
          </aside>
        )}
        <Halves
          above={
            <Suspense fallback={<p className="state dim" role="status" aria-label="Loading" />}>
              <Editor
                ref={writing}
                id={tab.id}
                text={tab.text}
                onText={(id, text) => store.update(id, { text })}
                names={names}
                label={`Text of ${tab.name}`}
                nonce={NONCE}
              />
            </Suspense>
          }
          below={
            <Results
              runs={list}
              chosen={chosen}
              onChoose={setChosen}
              onClose={(id) => runs.close(tab.id, id)}
              onCancel={() => runs.cancel(tab.id)}
              onPlace={shownRun && positionIn(shownRun.message) ? showPlace : null}
              warehouse={warehouse?.state ?? ''}
            />
          }
        />
      </div>
      <Help opened={help} onClose={closeHelp} />
      <History
        workspaceId={workspaceId}
        opened={past}
        onClose={closePast}
        onOpen={(text) => {
          store.add(text)
          closePast()
        }}
      />
    </div>
  )
}

const NONCE = document.querySelector<HTMLMetaElement>('meta[name=csp-nonce]')?.content ?? ''

function Tool({ label, icon, onClick }: { label: string; icon: ReactNode; onClick: () => void }) {
  return (
    <Tooltip label={label}>
      <ActionIcon variant="default" aria-label={label} onClick={onClick}>
        {icon}
      </ActionIcon>
    </Tooltip>
  )
}

/** What a key means here; null for what is not ours. */
function pressed(event: KeyboardEvent, typing: boolean, acts: Record<string, () => void>): (() => void) | null {
  const control = event.ctrlKey || event.metaKey
  if (event.key === 'Enter' && control && !event.altKey) {
    return acts[event.shiftKey ? 'all' : 'run']!
  }
  if (event.key === 'F1' || (event.key === '?' && !typing && !control)) {
    return acts['help']!
  }
  if (!event.altKey || !event.shiftKey || control) {
    return null
  }
  const act: Record<string, string> = {
    KeyX: 'cancel', KeyF: 'format', KeyN: 'add', KeyW: 'close', KeyE: 'text', KeyR: 'result', KeyB: 'tree', KeyH: 'history', PageUp: 'before', PageDown: 'after',
  }
  return acts[act[event.code] ?? ''] ?? null
}

/** As it is put into the text: a column by its name, a volume as a path. */
function inserted({ kind, names }: Name): string {
  return kind === 'column' ? name(names.at(-1) ?? '') : kind === 'volume' ? `'/Volumes/${names.join('/')}/'` : names.map(name).join('.')
}

function TabStrip({ store, onClose }: { store: TabStore; onClose: (id: string) => void }) {
  const { all, active } = useSyncExternalStore(store.subscribe, store.get)
  const [renamed, setRenamed] = useState('')
  const strip = useRef<HTMLDivElement>(null)
  const keys = (event: Key, at: number) => {
    const to = { ArrowRight: all[at + 1], ArrowLeft: all[at - 1], Home: all[0], End: all.at(-1) }[event.key]
    const tab = all[at]!
    if (to) {
      store.choose(to.id)
      requestAnimationFrame(() => strip.current?.querySelector<HTMLElement>('[aria-selected=true]')?.focus())
    } else if (event.key === 'Delete') {
      onClose(tab.id)
      requestAnimationFrame(() => strip.current?.querySelector<HTMLElement>('[aria-selected=true]')?.focus())
    } else if (event.key === 'F2') {
      setRenamed(tab.id)
    }
  }
  return (
    <div className="strip top" ref={strip}>
      <div role="tablist" aria-label="Queries">
        {all.map((tab, at) =>
          renamed === tab.id ? (
            <TextInput
              key={tab.id}
              size="xs"
              aria-label="Name of the tab"
              autoFocus
              defaultValue={tab.name}
              onFocus={(event) => event.currentTarget.select()}
              onBlur={(event) => {
                const to = event.currentTarget.value.trim()
                setRenamed('')
                if (to !== '') {
                  store.update(tab.id, { name: to })
                }
              }}
              onKeyDown={(event) => {
                if (event.key === 'Escape') {
                  event.currentTarget.value = ''
                }
                if (event.key === 'Enter' || event.key === 'Escape') {
                  event.currentTarget.blur()
                }
              }}
            />
          ) : (
            <span key={tab.id} className="tab" role="presentation">
              <button
                type="button"
                role="tab"
                aria-selected={tab.id === active}
                tabIndex={tab.id === active ? 0 : -1}
                title="Double click or F2 to rename"
                aria-keyshortcuts="Delete F2"
                onClick={() => store.choose(tab.id)}
                onDoubleClick={() => setRenamed(tab.id)}
                onKeyDown={(event) => keys(event, at)}
              >
                <span className="who">{tab.name}</span>
              </button>
              <CloseButton size="xs" tabIndex={-1} aria-hidden title="Close (Delete)" onClick={() => onClose(tab.id)} />
            </span>
          ),
        )}
      </div>
      <ActionIcon variant="subtle" color="gray" aria-label="New tab" onClick={() => store.add()}>
        <IconPlus size={16} />
      </ActionIcon>
    </div>
  )
}

/** Two parts, one above the other, and a line between that is moved by hand or by the arrow keys. */
function Halves({ above, below }: { above: ReactNode; below: ReactNode }) {
  const [part, setPart] = useLocalStorage({ key: 'tarn.editor.part', defaultValue: 42, getInitialValueInEffect: false })
  const place = useRef<HTMLDivElement>(null)
  const to = (percent: number) => setPart(Math.round(Math.max(12, Math.min(85, percent))))
  const drag = (event: Pointed<HTMLElement>) => {
    const target = event.currentTarget
    target.setPointerCapture(event.pointerId)
    const moved = ({ clientY }: PointerEvent) => {
      const { top, height } = place.current!.getBoundingClientRect()
      to(((clientY - top) / height) * 100)
    }
    target.addEventListener('pointermove', moved)
    target.addEventListener('pointerup', () => target.removeEventListener('pointermove', moved), { once: true })
  }
  return (
    <div className="halves" ref={place} style={{ gridTemplateRows: `minmax(6rem, ${part}fr) auto minmax(8rem, ${100 - part}fr)` }}>
      {above}
      <div
        className="divide"
        role="separator"
        aria-orientation="horizontal"
        aria-label="Height of the text"
        aria-valuenow={part}
        aria-valuemin={12}
        aria-valuemax={85}
        tabIndex={0}
        onPointerDown={drag}
        onKeyDown={(event) => {
          const by = { ArrowUp: -4, ArrowDown: 4 }[event.key]
          if (by) {
            event.preventDefault()
            to(part + by)
          }
        }}
      />
      <section className="results" aria-label="Results">
        {below}
      </section>
    </div>
  )
}

/** The same, said to the API. */
function snippets(text: string, using: With) {
  const { statement, warehouse_id, catalog, schema, parameters } = requestOf(text || 'SELECT 1', using)
  const items = (parameters ?? []).map((each) => `StatementParameterListItem(${Object.entries(each).map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(', ')})`)
  const given = [
    `warehouse_id=${JSON.stringify(warehouse_id ?? '')}`,
    `statement=${JSON.stringify(statement)}`,
    ...(catalog ? [`catalog=${JSON.stringify(catalog)}`] : []),
    ...(schema ? [`schema=${JSON.stringify(schema)}`] : []),
    ...(items.length > 0 ? [`parameters=[${items.join(', ')}]`] : []),
  ]
  return {
    python: python(
      `answer = w.statement_execution.execute_statement(\n    ${given.join(',\n    ')})\nprint(answer.status.state, answer.result and answer.result.data_array)`,
      items.length > 0 ? 'from databricks.sdk.service.sql import StatementParameterListItem\n' : '',
    ),
    curl: curl('POST /api/2.0/sql/statements', {
      statement,
      warehouse_id,
      ...(catalog ? { catalog } : {}),
      ...(schema ? { schema } : {}),
      ...(parameters ? { parameters } : {}),
      wait_timeout: '30s',
    }),
  }
}
