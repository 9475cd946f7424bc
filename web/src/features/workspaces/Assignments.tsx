import { SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import { call, partOf, type Result, rowsOf } from '../../api/client'
import { Empty } from '../../ui/Answer'
import { Confirm, FormButton } from '../../ui/act'
import { IconPlus } from '../../ui/icons'
import { type Column, PagedList } from '../../ui/List'
import { kindOf, nameOf } from '../../ui/principals'
import { PrincipalPicker } from '../../ui/PrincipalPicker'

type Row = NonNullable<Result<'GET /api/2.0/accounts/{account_id}/tarn/workspaces/{workspace_id}/assignments'>['rows']>[number]

const UPDATE = 'PUT /api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments/principals/{principal_id}'
const DELETE = 'DELETE /api/2.0/accounts/{account_id}/workspaces/{workspace_id}/permissionassignments/principals/{principal_id}'

/** Who may enter the workspace, as what. */
export function Assignments({ workspaceId }: { workspaceId: string }) {
  const key = ['assignments', workspaceId]
  const [principal, setPrincipal] = useState<string | null>(null)
  const [as, setAs] = useState<'USER' | 'ADMIN'>('USER')
  const columns: Column<Row>[] = [
    { label: 'Who', cell: (row) => nameOf(row.principal) },
    { label: 'Kind', cell: (row) => kindOf(row.principal), wide: true },
    { label: 'As', cell: (row) => (row.permissions?.includes('ADMIN') ? 'Administrator' : 'User') },
    {
      label: 'Remove',
      end: true,
      cell: (row) => (
        <Confirm
          label="Remove"
          size="xs"
          variant="subtle"
          title={`Remove ${nameOf(row.principal)} from the workspace?`}
          submit="Remove"
          act={() => call(DELETE, { workspace_id: workspaceId, principal_id: row.principal?.principal_id ?? 0 })}
          changes={[key]}
          done={`${nameOf(row.principal)} was removed.`}
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
      <PagedList
        bare
        label="people and groups"
        title="Who may enter"
        queryKey={key}
        id={(row) => String(row.principal?.principal_id)}
        columns={columns}
        empty={<Empty title="Nobody yet" />}
        ask={async (part) =>
          rowsOf(
            await call('GET /api/2.0/accounts/{account_id}/tarn/workspaces/{workspace_id}/assignments', {
              workspace_id: workspaceId,
              ...partOf(part),
            }),
          )
        }
      />
    </section>
  )
}
