import { TextInput } from '@mantine/core'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call, type Result } from '../../api/client'
import { Empty } from '../../ui/Answer'
import { useTable } from '../../ui/catalog/lists'
import { fullName, literal, placeOf, quoted, type Ref, schemaRef, tableRef, useWorkspace } from '../../ui/catalog/names'
import { python } from '../../ui/code'
import { Table as Rows } from '../../ui/List'
import { curl } from '../../ui/ShowCode'
import { useMine } from './access'
import { Ask, useStatement, useWarehouses } from './Ask'
import { ChangeOwner, Delete, EditComment } from './forms'
import { Details, ObjectPage } from './ObjectPage'
import { Permissions } from './Permissions'

type Info = Result<'GET /api/2.1/unity-catalog/tables/{full_name}'>

const FEW = 15

export function Table() {
  const workspaceId = useWorkspace()
  const { catalog, schema, name } = useParams({ strict: false }) as { catalog: string; schema: string; name: string }
  const of = tableRef(catalog, schema, name)
  const full_name = fullName(of)
  const navigate = useNavigate()
  const mine = useMine(of)
  const answer = useTable(workspaceId, full_name)
  const select = `SELECT * FROM ${quoted(of)} LIMIT 100`
  const view = answer.data?.table_type?.endsWith('VIEW') ?? false
  return (
    <ObjectPage
      key={full_name}
      of={of}
      answer={answer}
      what={(found) => kindOf(found)}
      code={{
        python: python(
          `t = w.tables.get("${full_name}")\nprint(t.as_dict())\n\nanswer = w.statement_execution.execute_statement(\n    warehouse_id="<warehouse id>", statement=${JSON.stringify(select)})\nprint(answer.result.data_array)`,
        ),
        curl: curl(`GET /api/2.1/unity-catalog/tables/${full_name}`),
        sql: `${select};\n\nDESCRIBE TABLE EXTENDED ${quoted(of)};${view ? '' : `\n\nDESCRIBE HISTORY ${quoted(of)};`}`,
      }}
      actions={
        <>
          {mine.may?.includes('MODIFY') && !view && <Comment of={of} comment={answer.data?.comment} />}
          {mine.owns && (
            <Delete
              of={of}
              cascades={false}
              warning={answer.data?.table_type === 'MANAGED' ? 'Its data goes with it.' : 'What it reads stays where it is.'}
              act={() => call('DELETE /api/2.1/unity-catalog/tables/{full_name}', { full_name }, undefined, workspaceId)}
              then={() => void navigate(placeOf(workspaceId, schemaRef(catalog, schema)))}
            />
          )}
        </>
      }
      tabs={(found) => [
        { id: 'columns', label: 'Columns', show: <Columns of={found} /> },
        {
          id: 'sample',
          label: 'Sample data',
          show: (
            <Ask
              statement={select}
              label="Show 100 rows"
              name="Sample data"
              about="Runs a SELECT as you: filters and masks of the table hold. Nothing is asked before you say so."
            />
          ),
        },
        {
          id: 'details',
          label: 'Details',
          show: (
            <div className="stack">
              <Details
                of={found}
                id={found.table_id}
                owner={
                  mine.owns ? (
                    <ChangeOwner
                      of={of}
                      act={(owner) => call('PATCH /api/2.1/unity-catalog/tables/{full_name}', { full_name }, { owner }, workspaceId)}
                    />
                  ) : null
                }
                more={[
                  { label: 'Type', value: kindOf(found) },
                  { label: 'Format', value: found.data_source_format },
                ]}
              />
              {found.view_definition && (
                <pre className="code" tabIndex={0} aria-label="Definition">
                  {found.view_definition}
                </pre>
              )}
            </div>
          ),
        },
        ...(view || (found.data_source_format ?? 'DELTA') !== 'DELTA'
          ? []
          : [
              {
                id: 'history',
                label: 'History',
                show: (
                  <Ask
                    statement={`DESCRIBE HISTORY ${quoted(of)} LIMIT 100`}
                    label="Show history"
                    name="History"
                    only={['version', 'timestamp', 'userName', 'operation', 'operationParameters', 'operationMetrics']}
                    about="Each version of the table, and what made it: the newest 100. Asked of a warehouse."
                  />
                ),
              },
            ]),
        { id: 'permissions', label: 'Permissions', show: <Permissions of={of} /> },
      ]}
    />
  )
}

function kindOf(found: Info): string {
  const type = found.table_type ?? ''
  return {
    MANAGED: 'Managed table',
    EXTERNAL: 'External table',
    VIEW: 'View',
    MATERIALIZED_VIEW: 'Materialized view',
  }[type as string] ?? type.replaceAll('_', ' ').toLowerCase()
}

/** The comment is the table's own, kept in its log: a warehouse writes it there. */
function Comment({ of, comment }: { of: Ref; comment: string | undefined }) {
  const warehouses = useWarehouses()
  const { act } = useStatement()
  const warehouse = (warehouses.data?.warehouses ?? [])[0]?.id
  return (
    warehouse && (
      <EditComment
        of={of}
        comment={comment}
        about="Saved by a statement on a warehouse, which starts for it if need be."
        act={(text) => act.mutateAsync({ statement: `COMMENT ON TABLE ${quoted(of)} IS ${text ? literal(text) : 'NULL'}`, warehouse })}
      />
    )
  )
}

function Columns({ of }: { of: Info }) {
  const [typed, setTyped] = useState('')
  const all = of.columns ?? []
  const shown = all.filter((column) => column.name?.toLowerCase().includes(typed.trim().toLowerCase()))
  const masked = all.some((column) => column.mask)
  const filter = of.row_filter
  return (
    <div className="stack">
      {filter && (
        <p className="note">
          Rows are filtered by <span className="mono">{filter.function_name}</span> on {filter.input_column_names?.join(', ') || 'no column'}.
        </p>
      )}
      <div className="card">
        {all.length > FEW && (
          <div style={{ padding: '0.7rem 0.9rem', borderBottom: '1px solid var(--line)' }}>
            <TextInput
              type="search"
              aria-label="Search columns"
              placeholder={`Search ${all.length} columns`}
              maw={320}
              value={typed}
              onChange={(event) => setTyped(event.currentTarget.value)}
            />
          </div>
        )}
        {all.length === 0 ? (
          <Empty title="No columns are known" />
        ) : (
          <Rows
            label="Columns"
            rows={shown}
            id={(row) => row.name ?? ''}
            columns={[
              { label: 'Name', cell: (row) => <b>{row.name}</b> },
              {
                label: 'Type',
                cell: (row) => (
                  <span className="mono">
                    {row.type_text}
                    {row.nullable === false && ' not null'}
                  </span>
                ),
              },
              { label: 'Comment', cell: (row) => row.comment ?? '' },
              ...(masked
                ? [
                    {
                      label: 'Mask',
                      cell: (row: NonNullable<Info['columns']>[number]) =>
                        row.mask && (
                          <span className="chip" title="What is shown of it is what this function lets through">
                            {row.mask.function_name}
                          </span>
                        ),
                    },
                  ]
                : []),
            ]}
          />
        )}
      </div>
    </div>
  )
}
