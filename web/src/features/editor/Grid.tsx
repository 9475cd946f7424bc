// A result's rows as a grid of real elements: only those that are seen are there, in both directions.
import { ActionIcon, Menu } from '@mantine/core'
import { useVirtualizer, type VirtualItem } from '@tanstack/react-virtual'
import { type KeyboardEvent, type PointerEvent as Pointed, type UIEvent, memo, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { IconDots, IconFilter, IconSortAscending, IconSortDescending, IconSum } from '../../ui/icons'
import type { Arrangement, Column, Source } from './result'

const ROW = 26
const HEAD = 44
/** Browsers make nothing taller than some millions of pixels: what is longer is scrolled through at larger steps. */
const TALLEST = 8_000_000
const NUMBERS = 64
/** Pixels. */
const FAR = 400 * ROW
const LEAST = 56
const MOST = 640
/** Cells that are fetched at a time, and how many such blocks are remembered. */
const CELLS = 4000
const BLOCKS = 120
/** Of blocks that are on their way. */
const AT_ONCE = 3
/** Rows that are copied at most. */
const COPIED = 100_000

type Row = (string | null)[]

/** Blocks of rows, asked for when one of their rows is to be seen; `version` begins them anew. */
function useBlocks(source: Source, version: number) {
  const size = Math.max(10, Math.floor(CELLS / Math.max(1, source.header.columns.length)))
  const [, draw] = useState(0)
  const [problem, setProblem] = useState<Error | null>(null)
  const { blocks } = useMemo(() => ({ of: source, version, blocks: new Map<number, Row[] | null>() }), [source, version])
  const latest = useRef(blocks)
  useEffect(() => {
    latest.current = blocks
  }, [blocks])
  const pending = useRef(0)
  const next = useRef<[number, number] | null>(null)
  const want = useCallback(
    function ask(first: number, last: number) {
      const mine = blocks
      for (let block = Math.floor(first / size); block <= Math.floor(last / size); block++) {
        if (mine.has(block)) {
          continue
        }
        if (pending.current >= AT_ONCE) {
          // Who scrolls far passes over most of it: only where they are by then is asked for.
          next.current = [first, last]
          return
        }
        mine.set(block, null)
        pending.current++
        source
          .rows(block * size, (block + 1) * size)
          .then(
            (rows) => {
              if (mine === latest.current) {
                mine.set(block, rows)
                for (const oldest of mine.keys()) {
                  if (mine.size <= BLOCKS) {
                    break
                  }
                  mine.delete(oldest)
                }
                draw((before) => before + 1)
              }
            },
            (failure: Error) => {
              mine.delete(block)
              setProblem(failure)
            },
          )
          .finally(() => {
            pending.current--
            const then = next.current
            next.current = null
            if (then && mine === latest.current) {
              ask(...then)
            }
          })
      }
    },
    [source, size, blocks],
  )
  return { row: (at: number) => blocks.get(Math.floor(at / size))?.[at % size], want, problem }
}

export interface Place {
  row: number
  column: number
}

export function Grid(props: {
  source: Source
  /** How many rows are shown. */
  rows: number
  /** Changes when they are arranged anew. */
  version: number
  arrangement: Arrangement
  onSort: (sort: Arrangement['sort']) => void
  onFilter: (column: number) => void
  onStatistics: (column: number) => void
  label: string
  onCopied: (rows: number) => void
}) {
  const { source, rows, version, arrangement } = props
  const { columns } = source.header
  const scroller = useRef<HTMLDivElement>(null)
  const body = useRef<HTMLDivElement>(null)
  const { row, want, problem } = useBlocks(source, version)
  const [widths, setWidths] = useState<number[]>(() => columns.map(firstWidth))
  const [at, setAt] = useState<Place>({ row: 0, column: 0 })
  const [anchor, setAnchor] = useState<Place | null>(null)
  const [menu, setMenu] = useState<number | null>(null)

  const whole = rows * ROW
  const height = Math.min(whole, TALLEST)
  /** Pixels of rows for one of the scroll bar, where so many are seen. */
  const factor = (seen: number) => (whole <= TALLEST ? 1 : (whole + HEAD - seen) / (TALLEST + HEAD - seen))
  // oxlint-disable-next-line react/incompatible-library -- there is no compiler that could be misled
  const across = useVirtualizer({
    horizontal: true,
    count: columns.length,
    getScrollElement: () => scroller.current,
    estimateSize: (column) => widths[column]!,
    paddingStart: NUMBERS,
    scrollPaddingStart: NUMBERS,
    overscan: 2,
  })
  const down = useVirtualizer({
    count: rows,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    paddingStart: HEAD,
    scrollPaddingStart: HEAD,
    overscan: 4,
    observeElementOffset: (instance, tell) => {
      const element = instance.scrollElement
      const scrolled = () => {
        if (element) {
          tell(element.scrollTop * factor(element.clientHeight), true)
          // Between two rows, too.
          if (body.current) {
            body.current.style.transform = shifted(element.scrollTop, factor(element.clientHeight), Number(body.current.dataset['base']))
          }
        }
      }
      element?.addEventListener('scroll', scrolled, { passive: true })
      if (element) {
        tell(element.scrollTop * factor(element.clientHeight), false)
      }
      return () => element?.removeEventListener('scroll', scrolled)
    },
    scrollToFn: (offset, _, { scrollElement }) => scrollElement?.scrollTo?.({ top: offset / factor(scrollElement.clientHeight) }),
  })
  useEffect(() => across.measure(), [across, widths])
  useEffect(() => {
    scroller.current?.scrollTo?.({ top: 0 })
    setAt((before) => ({ row: 0, column: before.column }))
    setAnchor(null)
  }, [version])

  const lines = down.getVirtualItems()
  const cells = across.getVirtualItems()
  const [first, last] = [lines[0]?.index ?? 0, lines.at(-1)?.index ?? -1]
  useEffect(() => {
    if (last >= 0) {
      want(first, last)
    }
  }, [first, last, want, version])

  const move = (to: Place, extend: boolean) => {
    const next = { row: clamp(to.row, -1, rows - 1), column: clamp(to.column, 0, columns.length - 1) }
    setAnchor(extend ? (anchor ?? at) : null)
    setAt(next)
    if (next.row >= 0) {
      down.scrollToIndex(next.row)
    }
    across.scrollToIndex(next.column)
  }
  const chosen = useMemo(() => {
    const other = anchor ?? at
    return {
      top: Math.max(0, Math.min(at.row, other.row)),
      bottom: Math.max(at.row, other.row),
      left: Math.min(at.column, other.column),
      right: Math.max(at.column, other.column),
    }
  }, [at, anchor])

  async function copy() {
    const wanted = await source.rows(chosen.top, Math.min(chosen.bottom + 1, chosen.top + COPIED))
    const text = wanted.map((values) => values.slice(chosen.left, chosen.right + 1).map(tsv).join('\t')).join('\n')
    await navigator.clipboard.writeText(text)
    props.onCopied(wanted.length)
  }

  const keys = (event: KeyboardEvent) => {
    if ((event.target as HTMLElement).closest('[role=menu]') || menu !== null) {
      return
    }
    const control = event.ctrlKey || event.metaKey
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW) - 3)
    const to = {
      ArrowDown: { ...at, row: control ? rows - 1 : at.row + 1 },
      ArrowUp: { ...at, row: control ? 0 : at.row - 1 },
      ArrowRight: { ...at, column: control ? columns.length - 1 : at.column + 1 },
      ArrowLeft: { ...at, column: control ? 0 : at.column - 1 },
      PageDown: { ...at, row: at.row + page },
      PageUp: { ...at, row: Math.max(0, at.row - page) },
      Home: { row: control ? 0 : at.row, column: 0 },
      End: { row: control ? rows - 1 : at.row, column: columns.length - 1 },
    }[event.key]
    if (event.altKey) {
      return
    }
    if (to) {
      move(to, event.shiftKey)
    } else if (control && event.key.toLowerCase() === 'c') {
      if (window.getSelection()?.toString()) {
        return
      }
      void copy()
    } else if (control && event.key.toLowerCase() === 'a') {
      setAnchor({ row: 0, column: 0 })
      setAt({ row: rows - 1, column: columns.length - 1 })
    } else if (event.key === 'Enter' || event.key === ' ') {
      setMenu(at.column)
    } else if (event.key === 'Escape' && anchor) {
      setAnchor(null)
    } else {
      return
    }
    event.preventDefault()
  }

  const resize = (column: number, width: number) => setWidths((before) => before.map((each, index) => (index === column ? clamp(width, LEAST, MOST * 2) : each)))
  const fit = async (column: number) => {
    const from = down.range?.startIndex ?? 0
    const seen = await source.rows(from, from + 60)
    const longest = seen.reduce((most, values) => Math.max(most, (values[column] ?? '').length), columns[column]!.name.length + 4)
    resize(column, Math.min(MOST, longest * 7.3 + 20))
  }
  const drag = (event: Pointed<HTMLElement>, column: number) => {
    const [began, width, target] = [event.clientX, widths[column]!, event.currentTarget]
    event.preventDefault()
    event.stopPropagation()
    target.setPointerCapture(event.pointerId)
    const moved = (to: PointerEvent) => resize(column, width + to.clientX - began)
    target.addEventListener('pointermove', moved)
    target.addEventListener('pointerup', () => target.removeEventListener('pointermove', moved), { once: true })
  }
  const clicked = (event: UIEvent<HTMLElement> & { shiftKey?: boolean }) => {
    const cell = (event.target as HTMLElement).closest<HTMLElement>('[role=gridcell]')
    if (cell) {
      const to = { row: Number(cell.dataset['row']), column: Number(cell.dataset['column']) }
      setAnchor(event.shiftKey ? (anchor ?? at) : null)
      setAt(to)
    }
  }

  const { onSort, onFilter, onStatistics } = props
  const headed = at.row < 0 ? at.column : -1
  const width = across.getTotalSize()
  // Kept while one scrolls down: the menus are the dearest part.
  const heads = useMemo(
    () => (
      <div className="heads" role="row" aria-rowindex={1} style={{ width }}>
        <div className="corner" role="presentation">
          #
        </div>
        {cells.map(({ index, start, size }) => {
          const column = columns[index]!
          const sort = arrangement.sort?.column === index ? arrangement.sort : null
          const filtered = arrangement.filters.some((each) => each.column === index)
          return (
            <div
              key={index}
              id={`${version}-h-${index}`}
              role="columnheader"
              aria-colindex={index + 1}
              aria-sort={sort ? (sort.descending ? 'descending' : 'ascending') : 'none'}
              className={`title${headed === index ? ' at' : ''}`}
              style={{ left: start, width: size }}
            >
              <span className="who" title={column.name}>
                {column.name}
              </span>
              {sort && (sort.descending ? <IconSortDescending size={14} aria-hidden /> : <IconSortAscending size={14} aria-hidden />)}
              {filtered && <IconFilter size={13} aria-label="filtered" />}
              <Menu opened={menu === index} onChange={(open) => setMenu(open ? index : null)} position="bottom-end" width={190} returnFocus>
                <Menu.Target>
                  <ActionIcon variant="subtle" color="gray" size="xs" tabIndex={-1} aria-label={`Column ${column.name}`}>
                    <IconDots size={14} />
                  </ActionIcon>
                </Menu.Target>
                <Menu.Dropdown>
                  <Menu.Item leftSection={<IconSortAscending size={15} />} onClick={() => onSort({ column: index, descending: false })}>
                    Sort ascending
                  </Menu.Item>
                  <Menu.Item leftSection={<IconSortDescending size={15} />} onClick={() => onSort({ column: index, descending: true })}>
                    Sort descending
                  </Menu.Item>
                  {sort && <Menu.Item onClick={() => onSort(null)}>As it came</Menu.Item>}
                  <Menu.Item leftSection={<IconFilter size={15} />} onClick={() => onFilter(index)}>
                    Filter…
                  </Menu.Item>
                  <Menu.Item leftSection={<IconSum size={15} />} onClick={() => onStatistics(index)}>
                    Statistics
                  </Menu.Item>
                  <Menu.Divider />
                  <Menu.Item onClick={() => void fit(index)}>Fit the width</Menu.Item>
                  <Menu.Item closeMenuOnClick={false} onClick={() => resize(index, widths[index]! + 40)}>
                    Wider
                  </Menu.Item>
                  <Menu.Item closeMenuOnClick={false} onClick={() => resize(index, widths[index]! - 40)}>
                    Narrower
                  </Menu.Item>
                </Menu.Dropdown>
              </Menu>
              <span className="type mono">{column.type.toLowerCase()}</span>
              <span className="edge" onPointerDown={(event) => drag(event, index)} onDoubleClick={() => void fit(index)} aria-hidden />
            </div>
          )
        })}
      </div>
    ),
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- what resizes reads only what is listed
    [cells, columns, arrangement, menu, headed, widths, version, width, onSort, onFilter, onStatistics],
  )
  // Rows are drawn where the scroll bar is, not where they would be if all were drawn.
  const by = factor(down.scrollRect?.height ?? 0)
  // Counted from a row nearby: so far down, pixels are no longer exact.
  const base = Math.floor((lines[0]?.start ?? 0) / FAR) * FAR
  return (
    <>
      {problem && (
        <p className="wrong small" role="alert">
          {problem.message}
        </p>
      )}
      <div
        className="grid"
        role="grid"
        aria-label={props.label}
        aria-rowcount={rows + 1}
        aria-colcount={columns.length}
        aria-multiselectable
        aria-activedescendant={at.row < 0 ? `${version}-h-${at.column}` : `${version}-${at.row}-${at.column}`}
        tabIndex={0}
        ref={scroller}
        onKeyDown={keys}
        onClick={clicked}
      >
        <div className="sheet" role="presentation" style={{ height: height + HEAD, width }}>
          {heads}
          <div className="rows" role="presentation" ref={body} data-base={base} style={{ transform: shifted((down.scrollOffset ?? 0) / by, by, base) }}>
            {lines.map((line) => {
              const inside = line.index >= chosen.top && line.index <= chosen.bottom
              return (
                <Line
                  key={line.index}
                  row={line.index}
                  top={line.start - base}
                  width={width}
                  values={row(line.index)}
                  cells={cells}
                  columns={columns}
                  version={version}
                  left={inside ? chosen.left : -1}
                  right={inside ? chosen.right : -2}
                  at={line.index === at.row ? at.column : -1}
                />
              )
            })}
          </div>
        </div>
      </div>
    </>
  )
}

/** Where rows are drawn whose first is `base` pixels down, with the scroll bar at `top`. */
const shifted = (top: number, factor: number, base: number) => `translateY(${base + top - top * factor}px)`

const Line = memo(function Line(props: {
  row: number
  top: number
  width: number
  values: Row | undefined
  cells: VirtualItem[]
  columns: Column[]
  version: number
  /** What is chosen of it. */
  left: number
  right: number
  at: number
}) {
  const { row, values, columns } = props
  return (
    <div className="line" role="row" aria-rowindex={row + 2} style={{ transform: `translateY(${props.top}px)`, width: props.width }}>
      <div className="corner" role="presentation">
        {NUMBER.format(row + 1)}
      </div>
      {props.cells.map(({ index, start, size }) => (
        <div
          key={index}
          id={`${props.version}-${row}-${index}`}
          role="gridcell"
          aria-colindex={index + 1}
          aria-selected={index >= props.left && index <= props.right}
          data-row={row}
          data-column={index}
          className={`cell ${columns[index]!.kind}${index === props.at ? ' at' : ''}`}
          style={{ left: start, width: size }}
        >
          <Value of={values === undefined ? undefined : values[index]!} />
        </div>
      ))}
    </div>
  )
})

const NUMBER = new Intl.NumberFormat()

const LONG = 400

function Value({ of }: { of: string | null | undefined }) {
  return of === undefined ? (
    <span className="dim">…</span>
  ) : of === null ? (
    <i className="null">null</i>
  ) : of === '' ? (
    <span className="unseen">empty text</span>
  ) : of.length > LONG ? (
    `${of.slice(0, LONG)}…`
  ) : (
    of
  )
}

const clamp = (value: number, least: number, most: number) => Math.max(least, Math.min(most, value))

const firstWidth = ({ name, kind, type }: Column) =>
  clamp(Math.max(name.length * 7.5 + 52, type.length * 6 + 24, kind === 'text' ? 170 : kind === 'nested' ? 240 : kind === 'time' ? 150 : 100), LEAST, 320)

/** As spreadsheets paste it. */
const tsv = (value: string | null) => (value === null ? '' : /[\t\n\r"]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
