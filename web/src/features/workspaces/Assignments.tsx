import { SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call, type Result } from '../../api/client'
import { Answer, Empty } from '../../ui/Answer'
import { Confirm, FormButton } from '../../ui/act'
import { IconPlus } from '../../ui/icons'
import { type Column, Table } from '../../ui/List'
import { PrincipalPicker } from '../../ui/PrincipalPicker'

type Row = NonNullable<
  Result<'GET /api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments'>['permission_assignments']
>[number]

const UPDATE = 'PUT /api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments/principals/{principal_id}'
const DELETE = 'DELETE /api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments/principals/{principal_id}'

/** Who may enter the workspace, as what. */
export function Assignments({ workspaceId }: { workspaceId: string }) {
  const key = ['assignments', workspaceId]
  const answer = useQuery({
    queryKey: key,
    queryFn: () =>
      call('GET /api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments', { workspace_id: workspaceId }),
  })
  const [principal, setPrincipal] = useState<string | null>(null)
  const [as, setAs] = useState<'USER' | 'ADMIN'>('USER')
  const columns: Column<Row>[] = [
    { label: 'Who', cell: (row) => name(row) },
    { label: 'Kind', cell: (row) => kind(row), wide: true },
    { label: 'As', cell: (row) => (row.permissions?.includes('ADMIN') ? 'Administrator' : 'User') },
    {
      label: 'Remove',
      end: true,
      cell: (row) => (
        <Confirm
          label="Remove"
          size="xs"
          variant="subtle"
          title={`Remove ${name(row)} from the workspace?`}
          submit="Remove"
          act={() => call(DELETE, { workspace_id: workspaceId, principal_id: row.principal?.principal_id ?? 0 })}
          changes={[key]}
          done={`${name(row)} was removed.`}
        >
          Sessions in the workspace and statements that run there end at once.
        </Confirm>
      ),
    },
  ]
  return (
    <section className="card" aria-labelledby="who">
      <div className="head" style={{ padding: '0.8rem 1rem 0', margin: 0 }}>
        <h2 id="who" className="section" style={{ margin: 0 }}>
          Who may enter
        </h2>
        <FormButton
          label="Add"
          title="Add to the workspace"
          submit="Add"
          size="xs"
          icon={<IconPlus size={14} aria-hidden />}
          reset={() => {
            setPrincipal(null)
            setAs('USER')
          }}
          act={() => call(UPDATE, { workspace_id: workspaceId, principal_id: principal ?? '' }, { permissions: [as] })}
          changes={[key]}
          done="Added to the workspace."
        >
          <div className="stack">
            <PrincipalPicker label="Who" kinds={['group', 'user', 'service principal']} value={principal} onChange={setPrincipal} />
            <SegmentedControl
              aria-label="As"
              value={as}
              onChange={(value) => setAs(value as 'USER' | 'ADMIN')}
              data={[
                { value: 'USER', label: 'User' },
                { value: 'ADMIN', label: 'Administrator' },
              ]}
            />
          </div>
        </FormButton>
      </div>
      <Answer
        of={answer}
        isEmpty={(data) => (data.permission_assignments ?? []).length === 0}
        empty={<Empty title="Nobody yet" />}
      >
        {(data) => (
          <Table
            label="Who may enter"
            columns={columns}
            rows={data.permission_assignments ?? []}
            id={(row) => String(row.principal?.principal_id)}
          />
        )}
      </Answer>
    </section>
  )
}

function name(row: Row): string {
  const who = row.principal
  return who?.user_name ?? who?.group_name ?? who?.display_name ?? who?.service_principal_name ?? String(who?.principal_id)
}

function kind(row: Row): string {
  return row.principal?.user_name ? 'User' : row.principal?.group_name ? 'Group' : 'Service principal'
}
