import { Button, Skeleton } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import { Problem } from '../api/client'
import { IconAlertTriangle, IconInbox, IconLock } from './icons'

/** Nothing there, something wrong, or not allowed: said in the middle of where it would have been. */
export function State(props: { icon: ReactNode; title: string; children?: ReactNode; role?: 'alert' | 'status' }) {
  return (
    <div className="state" role={props.role}>
      {props.icon}
      <h2>{props.title}</h2>
      {props.children}
    </div>
  )
}

export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <State icon={<IconInbox size={30} stroke={1.4} aria-hidden />} title={title}>
      {children}
    </State>
  )
}

export function Failed({ problem, again }: { problem: unknown; again?: (() => void) | undefined }) {
  if (problem instanceof Problem && problem.status === 403) {
    return (
      <State icon={<IconLock size={30} stroke={1.4} aria-hidden />} title="You may not see this" role="alert">
        <p>{problem.message}</p>
        <p>An administrator of the account can give you the right to.</p>
      </State>
    )
  }
  const missing = problem instanceof Problem && problem.status === 404
  return (
    <State
      icon={<IconAlertTriangle size={30} stroke={1.4} aria-hidden />}
      title={missing ? 'This is not there' : 'This could not be loaded'}
      role="alert"
    >
      <p>{problem instanceof Error ? problem.message : String(problem)}</p>
      {again && (
        <Button variant="default" onClick={again}>
          Try again
        </Button>
      )}
    </State>
  )
}

/** What a question to the server led to: waiting, refused, nothing, or the answer. */
export function Answer<T>(props: {
  of: UseQueryResult<T>
  isEmpty?: (data: T) => boolean
  empty?: ReactNode
  rows?: number
  children: (data: T) => ReactNode
}) {
  const { of } = props
  if (of.data === undefined && of.error) {
    return <Failed problem={of.error} again={() => void of.refetch()} />
  }
  if (of.data === undefined) {
    return (
      <div role="status" aria-label="Loading" style={{ padding: '1rem' }}>
        {Array.from({ length: props.rows ?? 4 }, (_, row) => (
          <Skeleton key={row} height={18} mb={12} width={`${92 - row * 9}%`} />
        ))}
      </div>
    )
  }
  return <>{props.isEmpty?.(of.data) ? props.empty : props.children(of.data)}</>
}
