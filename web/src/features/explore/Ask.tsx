import { Button, Group, NativeSelect } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useEffect, useRef, useState } from 'react'
import { call, Problem, type Result } from '../../api/client'
import { Refused } from '../../ui/act'
import { Answer, Empty } from '../../ui/Answer'
import { useWorkspace } from '../../ui/catalog/names'
import { lasted } from '../../ui/time'

type Answered = Result<'POST /api/2.0/sql/statements'>

const ENDED = ['SUCCEEDED', 'FAILED', 'CANCELED', 'CLOSED']

/** Runs a statement on a warehouse, and waits for it; who goes away meanwhile stops it. */
export function useStatement() {
  const workspaceId = useWorkspace()
  const running = useRef<(() => void) | null>(null)
  const stop = () => running.current?.()
  useEffect(() => () => running.current?.(), [])
  const act = useMutation<Answered, Error, { statement: string; warehouse: string }>({
    mutationFn: async ({ statement, warehouse }) => {
      let answer: Answered = await call(
        'POST /api/2.0/sql/statements',
        {},
        { statement, warehouse_id: warehouse, wait_timeout: '0s', disposition: 'INLINE', format: 'JSON_ARRAY' },
        workspaceId,
      )
      const id = answer.statement_id ?? ''
      running.current = () =>
        void call('POST /api/2.0/sql/statements/{statement_id}/cancel', { statement_id: id }, undefined, workspaceId).catch(() => {})
      try {
        for (let wait = 150; !ENDED.includes(answer.status?.state ?? ''); wait = Math.min(wait * 1.5, 2000)) {
          // oxlint-disable-next-line no-await-in-loop -- until it has ended
          await new Promise((resolve) => setTimeout(resolve, wait))
          // oxlint-disable-next-line no-await-in-loop
          answer = await call('GET /api/2.0/sql/statements/{statement_id}', { statement_id: id }, undefined, workspaceId)
        }
      } finally {
        running.current = null
      }
      if (answer.status?.state !== 'SUCCEEDED') {
        throw new Problem(400, answer.status?.state ?? '', answer.status?.error?.message ?? 'It was stopped before it ended.')
      }
      return answer
    },
  })
  return { act, stop }
}

/** Which warehouse runs it. */
export function useWarehouses() {
  const workspaceId = useWorkspace()
  return useQuery({
    queryKey: ['warehouses', workspaceId],
    queryFn: () => call('GET /api/2.0/sql/warehouses', {}, undefined, workspaceId),
  })
}

/** A question that costs a warehouse something: it is only asked when somebody wants the answer. */
export function Ask(props: { statement: string; label: string; about: string; name: string; only?: string[] }) {
  const warehouses = useWarehouses()
  const [chosen, setChosen] = useState('')
  const { act, stop } = useStatement()
  return (
    <div className="stack">
      <Answer of={warehouses} rows={1} isEmpty={(data) => !data.warehouses?.length} empty={<Empty title="No warehouse that you may use" />}>
        {(data) => {
          const all = data.warehouses ?? []
          const warehouse = chosen || (all.find((each) => each.state === 'RUNNING') ?? all[0])?.id || ''
          return (
            <Group align="flex-end" gap="sm">
              <NativeSelect
                label="Warehouse"
                data={all.map((each) => ({ value: each.id ?? '', label: `${each.name} (${(each.state ?? '').toLowerCase()})` }))}
                value={warehouse}
                onChange={(event) => setChosen(event.currentTarget.value)}
              />
              {act.isPending ? (
                <Button variant="default" onClick={stop}>
                  Cancel
                </Button>
              ) : (
                <Button variant={act.data ? 'default' : 'filled'} onClick={() => act.mutate({ statement: props.statement, warehouse })}>
                  {act.data ? 'Ask again' : props.label}
                </Button>
              )}
              {act.isPending && <Elapsed />}
            </Group>
          )
        }}
      </Answer>
      <Refused error={act.error} />
      {act.data ? <Rows of={act.data} name={props.name} only={props.only} /> : !act.isPending && !act.error && <p className="dim small">{props.about}</p>}
    </div>
  )
}

function Elapsed() {
  const [began] = useState(() => Date.now())
  const [now, setNow] = useState(began)
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [])
  return (
    <span className="dim small" role="status">
      Running, {lasted(now - began)}. A warehouse that was stopped starts first.
    </span>
  )
}

function Rows({ of, name, only }: { of: Answered; name: string; only: string[] | undefined }) {
  const columns = (of.manifest?.schema?.columns ?? []).map((column, at) => ({ ...column, at }))
  const shown = only ? columns.filter((column) => only.includes(column.name ?? '')) : columns
  const rows = (of.result?.data_array ?? []) as (string | null)[][]
  return (
    <>
      <div className="card scroll" tabIndex={0} role="region" aria-label={name}>
        <table className="list values" aria-label={name}>
          <thead>
            <tr>
              {shown.map((column) => (
                <th key={column.at} scope="col">
                  {column.name}
                  <div className="mono type">{column.type_text?.toLowerCase()}</div>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row, at) => (
              <tr key={at}>
                {shown.map((column) => {
                  const value = row[column.at]
                  return (
                    <td key={column.at} title={value ?? 'null'}>
                      {value ?? <span className="dim">null</span>}
                    </td>
                  )
                })}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="dim small" role="status">
        {rows.length === 0 ? 'No rows that you may see.' : `${rows.length} ${rows.length === 1 ? 'row' : 'rows'}`}
        {of.manifest?.truncated && ', cut'}
      </p>
    </>
  )
}
