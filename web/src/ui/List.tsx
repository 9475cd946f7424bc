import { Button, Group, TextInput } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { type ReactNode, useState } from 'react'
import type { Part } from '../api/client'
import { live } from '../api/live'
import { Answer } from './Answer'
import { IconSearch } from './icons'

export interface Column<T> {
  label: string
  cell: (row: T) => ReactNode
  /** Left out where there is little room. */
  wide?: boolean
  end?: boolean
}

export function Table<T>(props: { label: string; columns: Column<T>[]; rows: T[]; id: (row: T) => string }) {
  const className = (column: Column<T>) => [column.wide && 'only-wide', column.end && 'end'].filter(Boolean).join(' ')
  return (
    <table className="list" aria-label={props.label}>
      <thead>
        <tr>
          {props.columns.map((column) => (
            <th key={column.label} scope="col" className={className(column)}>
              {column.end ? <span className="unseen">{column.label}</span> : column.label}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <tr key={props.id(row)}>
            {props.columns.map((column) => (
              <td key={column.label} className={className(column)}>
                {column.cell(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const PAGE = 25

/** A list that the server cuts into pages and searches while one types. */
export function PagedList<T>(props: {
  label: string
  /** Of the table, where that is not the label. */
  title?: string
  /** Of the cache; what changes these rows invalidates it. */
  queryKey: readonly unknown[]
  ask: (part: Part) => Promise<{ rows: T[]; total: number }>
  columns: Column<T>[]
  id: (row: T) => string
  empty: ReactNode
  /** Of rows that will not change by themselves; others are asked for again. */
  settled?: (row: T) => boolean
  /** In a card that is there already. */
  bare?: boolean
}) {
  const [typed, setTyped] = useState('')
  const [filter] = useDebouncedValue(typed.trim(), 250)
  const [page, setPage] = useState(0)
  const { settled = () => true } = props
  const answer = useQuery(
    live(
      [...props.queryKey, filter, page],
      () => props.ask({ filter, startIndex: page * PAGE + 1, count: PAGE }),
      (data) => data.rows.every(settled),
    ),
  )
  const total = answer.data?.total ?? 0
  return (
    <div className={props.bare ? '' : 'card'}>
      <div style={{ padding: '0.7rem 0.9rem', borderBottom: '1px solid var(--line)' }}>
        <TextInput
          type="search"
          aria-label={`Search ${props.label}`}
          placeholder={`Search ${props.label}`}
          leftSection={<IconSearch size={15} aria-hidden />}
          maw={320}
          value={typed}
          onChange={(event) => {
            setTyped(event.currentTarget.value)
            setPage(0)
          }}
        />
      </div>
      <Answer
        of={answer}
        isEmpty={(data) => data.rows.length === 0}
        empty={filter ? <p className="state dim">Nothing matches “{filter}”.</p> : props.empty}
      >
        {(data) => <Table label={props.title ?? props.label} columns={props.columns} rows={data.rows} id={props.id} />}
      </Answer>
      {total > PAGE && (
        <Group justify="space-between" p="xs" style={{ borderTop: '1px solid var(--line)' }}>
          <span className="dim small" role="status">
            {page * PAGE + 1}–{Math.min((page + 1) * PAGE, total)} of {total}
          </span>
          <Group gap="xs">
            <Button variant="default" size="xs" disabled={page === 0} onClick={() => setPage(page - 1)}>
              Previous
            </Button>
            <Button variant="default" size="xs" disabled={(page + 1) * PAGE >= total} onClick={() => setPage(page + 1)}>
              Next
            </Button>
          </Group>
        </Group>
      )}
    </div>
  )
}

/** A filter in SCIM's language for what somebody typed. */
export function contains(typed: string, ...attributes: string[]): string {
  const quoted = JSON.stringify(typed)
  return typed === '' ? '' : attributes.map((attribute) => `${attribute} co ${quoted}`).join(' or ')
}
