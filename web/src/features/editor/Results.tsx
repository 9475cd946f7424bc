// What became of the statements of a tab: one beside the other, each as rows, as a chart or as what went wrong.
import { ActionIcon, Alert, Button, CloseButton, Drawer, Group, Menu, Modal, NativeSelect, Progress, SegmentedControl, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useCallback, useEffect, useId, useState } from 'react'
import { Refused, useAct } from '../../ui/act'
import { Empty, State } from '../../ui/Answer'
import { IconAlertTriangle, IconCircleCheck, IconCircleDashed, IconCircleX, IconDownload, IconFilter, IconLoader2, IconPlayerPlay, IconX } from '../../ui/icons'
import { Chart, type Choice, firstChoice } from './Chart'
import { Grid } from './Grid'
import type { Arrangement, FileKind, Filter, Source } from './result'
import { over, type Run } from './runs'
import { SHEET } from './sheet'
import { count, Statistics } from './Statistics'

const FACES: Record<Run['state'], [typeof IconX, string]> = {
  SUCCEEDED: [IconCircleCheck, 'ok'],
  FAILED: [IconCircleX, 'bad'],
  CANCELED: [IconCircleDashed, 'idle'],
  CLOSED: [IconCircleDashed, 'idle'],
  PENDING: [IconLoader2, 'busy'],
  RUNNING: [IconLoader2, 'busy'],
}

/** `SELECT a …` */
const titleOf = (text: string) => text.replace(/^\s*(--[^\n]*\n\s*)+/, '').replace(/\s+/g, ' ').slice(0, 34)

export function Results(props: {
  runs: Run[]
  chosen: string
  onChoose: (id: string) => void
  onClose: (id: string) => void
  onCancel: () => void
  /** Shows where in the text the engine found a mistake. */
  onPlace: ((run: Run) => void) | null
  warehouse: string
}) {
  const { runs } = props
  const id = useId()
  const run = runs.find((each) => each.id === props.chosen) ?? runs.at(-1)
  if (!run) {
    return (
      <State icon={<IconPlayerPlay size={30} stroke={1.4} aria-hidden />} title="Results come here">
        <p>Run the statement at the cursor with Ctrl or ⌘ and Enter.</p>
      </State>
    )
  }
  return (
    <>
      <div className="strip" role="tablist" aria-label="Results">
        {runs.map((each, at) => {
          const [Face, tone] = FACES[each.state]
          return (
            <span key={each.id} className="tab" role="presentation">
              <button
                type="button"
                role="tab"
                id={`${id}-${each.id}`}
                aria-selected={each === run}
                aria-keyshortcuts="Delete"
                aria-controls={`${id}-panel`}
                tabIndex={each === run ? 0 : -1}
                onClick={() => props.onChoose(each.id)}
                onKeyDown={(event) => {
                  const to = { ArrowRight: runs[at + 1], ArrowLeft: runs[at - 1], Home: runs[0], End: runs.at(-1) }[event.key]
                  if (to) {
                    props.onChoose(to.id)
                    document.getElementById(`${id}-${to.id}`)?.focus()
                  } else if (event.key === 'Delete') {
                    props.onClose(each.id)
                  }
                }}
                title={each.text.slice(0, 500)}
              >
                <Face size={14} className={`face ${tone}`} aria-label={each.state.toLowerCase()} />
                <span className="who">{titleOf(each.text)}</span>
              </button>
              <CloseButton size="xs" tabIndex={-1} aria-hidden title="Close (Delete)" onClick={() => props.onClose(each.id)} />
            </span>
          )
        })}
      </div>
      <div className="panel" role="tabpanel" id={`${id}-panel`} aria-labelledby={`${id}-${run.id}`}>
        <Outcome key={run.id} run={run} warehouse={props.warehouse} onCancel={props.onCancel} onPlace={props.onPlace} />
      </div>
    </>
  )
}

function Outcome({ run, warehouse, onCancel, onPlace }: { run: Run; warehouse: string; onCancel: () => void; onPlace: ((run: Run) => void) | null }) {
  if (!over(run)) {
    return (
      <div className="state">
        <h2>{run.state === 'RUNNING' ? 'Running' : warehouse === 'RUNNING' ? 'Waiting for its turn' : 'Waiting for the warehouse to start'}</h2>
        <p role="status">
          <Elapsed since={run.began} />
        </p>
        <Button variant="default" onClick={onCancel}>
          Cancel
        </Button>
      </div>
    )
  }
  if (run.state === 'CANCELED') {
    return <State icon={<IconCircleDashed size={30} stroke={1.4} aria-hidden />} title={`Canceled${run.began ? ` after ${took(run)}` : ''}`} role="status" />
  }
  if (run.state === 'CLOSED' || /^The statement \S+ was not found/.test(run.message)) {
    return (
      <State icon={<IconCircleDashed size={30} stroke={1.4} aria-hidden />} title="This result is not kept any more" role="status">
        <p>Run the statement again to have it.</p>
      </State>
    )
  }
  if (run.state === 'FAILED') {
    return (
      <div className="failed">
        <Alert color="red" variant="light" role="alert" icon={<IconAlertTriangle size={18} />} title={`The statement failed${run.began ? ` after ${took(run)}` : ''}`}>
          <pre>{run.message}</pre>
          {onPlace && (
            <Button size="xs" variant="default" onClick={() => onPlace(run)}>
              Show where
            </Button>
          )}
        </Alert>
      </div>
    )
  }
  return run.source && run.source.header.columns.length > 0 ? (
    <Table run={run} source={run.source} />
  ) : (
    <State icon={<IconCircleCheck size={30} stroke={1.4} aria-hidden />} title={`Done${run.began ? ` in ${took(run)}` : ''}`} role="status">
      <p>The statement has no rows to show.</p>
    </State>
  )
}

const HOWS: { value: Filter['how']; label: string }[] = [
  { value: 'contains', label: 'contains' },
  { value: '=', label: 'is' },
  { value: '≠', label: 'is not' },
  { value: '<', label: 'is less than' },
  { value: '>', label: 'is greater than' },
  { value: 'null', label: 'is null' },
  { value: 'not null', label: 'is not null' },
]

/** Who opened a dialog from the grid goes on there. */
const toGrid = () => document.querySelector<HTMLElement>('.results [role=grid]')?.focus()

function Table({ run, source }: { run: Run; source: Source }) {
  const { header } = source
  const label = titleOf(run.text)
  const [face, setFace] = useState<'rows' | 'chart'>('rows')
  const [choice, setChoice] = useState<Choice>(() => firstChoice(source))
  const [arrangement, setArrangement] = useState<Arrangement>({ sort: null, filters: [] })
  const [shown, setShown] = useState({ rows: header.rows, version: 0 })
  const [told, setTold] = useState<number | null>(null)
  const [filtering, setFiltering] = useState<number | null>(null)
  const [counted, setCounted] = useState<number | null>(null)
  const [said, setSaid] = useState('')
  const { mutate, error, isPending } = useAct({
    act: async (to: Arrangement) => {
      const rows = await source.arrange(to, ({ rows: loaded }) => setTold(loaded))
      setArrangement(to)
      setShown((before) => ({ rows, version: before.version + 1 }))
      setTold(null)
    },
    changes: [],
  })
  const file = useAct({
    act: async (kind: FileKind) => {
      const blob = await source.file(kind, ({ rows }) => setTold(rows))
      setTold(null)
      save(blob, `${label.replace(/[^\p{L}\p{N}]+/gu, '-').replace(/^-|-$/g, '').toLowerCase() || 'result'}.${kind}`)
      if (kind === 'xlsx' && shown.rows >= SHEET) {
        notifications.show({ message: `A sheet holds ${count(SHEET - 1)} rows: the rest is not in the file. CSV has all.` })
      }
    },
    changes: [],
  })
  const onSort = useCallback((sort: Arrangement['sort']) => mutate({ ...arrangement, sort }), [mutate, arrangement])
  const onCopied = useCallback((rows: number) => setSaid(`${count(rows)} ${rows === 1 ? 'row' : 'rows'} copied.`), [])
  const { filters } = arrangement
  return (
    <>
      <div className="about-rows">
        <SegmentedControl
          size="xs"
          aria-label="Shown as"
          data={[
            { value: 'rows', label: 'Rows' },
            { value: 'chart', label: 'Chart' },
          ]}
          value={face}
          onChange={(to) => setFace(to as typeof face)}
        />
        <span className="small dim" role="status">
          {shown.rows === header.rows ? count(header.rows) : `${count(shown.rows)} of ${count(header.rows)}`} {header.rows === 1 ? 'row' : 'rows'}
          {header.truncated && ', cut by the engine'}
          {run.began > 0 && ` · ${took(run)}`}
          {said && ` · ${said}`}
        </span>
        {filters.map((filter, at) => (
          <span key={at} className="chip filter">
            <IconFilter size={12} aria-hidden /> {header.columns[filter.column]!.name} {HOWS.find((each) => each.value === filter.how)!.label} {filter.value}
            <ActionIcon size="xs" variant="subtle" color="gray" aria-label={`Remove filter on ${header.columns[filter.column]!.name}`} onClick={() => mutate({ ...arrangement, filters: filters.filter((_, index) => index !== at) })}>
              <IconX size={12} />
            </ActionIcon>
          </span>
        ))}
        <Menu position="bottom-end">
          <Menu.Target>
            <Button size="compact-xs" variant="default" ml="auto" loading={file.isPending} leftSection={<IconDownload size={14} aria-hidden />}>
              Download
            </Button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => file.mutate('csv')}>CSV</Menu.Item>
            <Menu.Item onClick={() => file.mutate('xlsx')}>Excel (XLSX)</Menu.Item>
          </Menu.Dropdown>
        </Menu>
      </div>
      {(isPending || file.isPending) && told !== null && <Progress size="xs" radius={0} value={(told / Math.max(1, header.rows)) * 100} aria-label="Loading rows" />}
      <Refused error={error ?? file.error} />
      {face === 'chart' ? (
        <Chart source={source} version={shown.version} choice={choice} onChoice={setChoice} label={label} />
      ) : header.rows === 0 ? (
        <Empty title="No rows" />
      ) : shown.rows === 0 ? (
        <Empty title="No row passes the filter" />
      ) : (
        <Grid
          source={source}
          rows={shown.rows}
          version={shown.version}
          arrangement={arrangement}
          onSort={onSort}
          onFilter={setFiltering}
          onStatistics={setCounted}
          onCopied={onCopied}
          label={label}
        />
      )}
      <FilterForm
        column={filtering === null ? null : header.columns[filtering]!.name}
        onClose={() => setFiltering(null)}
        onFilter={(how, value) => {
          mutate({ ...arrangement, filters: [...filters, { column: filtering!, how, value }] })
          setFiltering(null)
        }}
      />
      <Drawer opened={counted !== null} onClose={() => setCounted(null)} returnFocus={false} onExitTransitionEnd={toGrid} position="right" title={<b>{counted === null ? '' : header.columns[counted]!.name}</b>} closeButtonProps={{ 'aria-label': 'Close' }}>
        {counted !== null && <Statistics source={source} column={counted} />}
      </Drawer>
    </>
  )
}

function FilterForm(props: { column: string | null; onClose: () => void; onFilter: (how: Filter['how'], value: string) => void }) {
  return (
    <Modal opened={props.column !== null} onClose={props.onClose} returnFocus={false} onExitTransitionEnd={toGrid} title={<b>Rows where {props.column}</b>}>
      <FilterFields {...props} />
    </Modal>
  )
}

function FilterFields({ onClose, onFilter }: { onClose: () => void; onFilter: (how: Filter['how'], value: string) => void }) {
  const [how, setHow] = useState<Filter['how']>('contains')
  const [value, setValue] = useState('')
  const wants = how !== 'null' && how !== 'not null'
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault()
        onFilter(how, wants ? value : '')
      }}
    >
      <Group align="flex-end" grow>
        <NativeSelect label="How" data={HOWS} value={how} onChange={(event) => setHow(event.currentTarget.value as Filter['how'])} />
        {wants && <TextInput label="Value" data-autofocus value={value} onChange={(event) => setValue(event.currentTarget.value)} />}
      </Group>
      <Group justify="flex-end" mt="md">
        <Button variant="default" onClick={onClose}>
          Cancel
        </Button>
        <Button type="submit">Filter</Button>
      </Group>
    </form>
  )
}

function Elapsed({ since }: { since: number }) {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 100)
    return () => clearInterval(timer)
  }, [])
  return since ? <>{seconds(now - since)}</> : <>It was begun before this page was loaded.</>
}

const took = (run: Run) => seconds(run.ended - run.began)

function seconds(milliseconds: number): string {
  const all = Math.max(0, milliseconds) / 1000
  return all < 60 ? `${all.toFixed(all < 10 ? 2 : 1)} s` : `${Math.floor(all / 60)} min ${Math.floor(all % 60)} s`
}

function save(blob: Blob, name: string) {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name
  link.click()
  // The browser has it by then; the page need not.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000)
}
