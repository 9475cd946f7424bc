import { Button, Skeleton } from '@mantine/core'
import type { ReactNode } from 'react'
import { Failed } from '../../ui/Answer'
import { type Column, Table } from '../../ui/List'

/** A list that the server answers page by page, and that grows as one asks for more. */
export function PageList<T>(props: {
  of: {
    rows: T[]
    isPending: boolean
    error: Error | null
    hasNextPage: boolean
    isFetchingNextPage: boolean
    fetchNextPage: () => unknown
    refetch: () => unknown
  }
  label: string
  columns: Column<T>[]
  id: (row: T) => string
  empty: ReactNode
}) {
  const { of } = props
  return (
    <div className="card">
      {of.error && of.rows.length === 0 ? (
        <Failed problem={of.error} again={() => void of.refetch()} />
      ) : of.isPending ? (
        <div role="status" aria-label="Loading" style={{ padding: '1rem' }}>
          {[92, 83, 74].map((width) => (
            <Skeleton key={width} height={18} mb={12} width={`${width}%`} />
          ))}
        </div>
      ) : of.rows.length === 0 ? (
        props.empty
      ) : (
        <>
          <Table label={props.label} columns={props.columns} rows={of.rows} id={props.id} />
          {of.hasNextPage && (
            <div style={{ padding: '0.6rem', borderTop: '1px solid var(--line)', textAlign: 'center' }}>
              <Button variant="default" size="xs" loading={of.isFetchingNextPage} onClick={() => void of.fetchNextPage()}>
                Show more
              </Button>
            </div>
          )}
        </>
      )}
    </div>
  )
}
