import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client'
import { Answer, Empty } from '../../ui/Answer'
import { Table } from '../../ui/List'
import { Status } from '../../ui/Status'

/** What somebody can do, and by way of which group. */
export function Access({ principalId }: { principalId: string }) {
  const answer = useQuery({
    queryKey: ['access', principalId],
    queryFn: () =>
      call('GET /api/2.0/accounts/{account_id}/tarn/effective-access/{principal_id}', { principal_id: principalId }),
  })
  return (
    <Answer of={answer}>
      {(data) => (
        <div className="stack">
          {data.active === false && (
            <div className="card pad" role="status">
              <Status state="Disabled" /> <span className="small">None of this holds while the principal is disabled.</span>
            </div>
          )}
          <section className="card" aria-labelledby="access-workspaces">
            <h2 id="access-workspaces" className="section" style={{ padding: '0.8rem 0.9rem 0' }}>
              Workspaces
            </h2>
            {data.workspaces?.length ? (
              <Table
                label="Workspaces"
                rows={data.workspaces}
                id={(row) => `${row.workspace_id} ${row.permission} ${row.because?.map((each) => each.principal_id).join('>')}`}
                columns={[
                  {
                    label: 'Workspace',
                    cell: (row) => (
                      <Link to="/workspaces/$id" params={{ id: String(row.workspace_id) }}>
                        {row.workspace_name}
                      </Link>
                    ),
                  },
                  { label: 'As', cell: (row) => (row.permission === 'ADMIN' ? 'Administrator' : 'User') },
                  { label: 'Because', cell: (row) => <Because steps={row.because ?? []} end="assigned" /> },
                ]}
              />
            ) : (
              <Empty title="No workspace" />
            )}
          </section>
          <section className="card" aria-labelledby="access-roles">
            <h2 id="access-roles" className="section" style={{ padding: '0.8rem 0.9rem 0' }}>
              Roles
            </h2>
            {data.roles?.length ? (
              <Table
                label="Roles"
                rows={data.roles}
                id={(row) => `${row.role} ${row.resource} ${row.because?.map((each) => each.principal_id).join('>')}`}
                columns={[
                  { label: 'Role', cell: (row) => <b>{row.role?.replace('roles/', '')}</b> },
                  { label: 'On', cell: (row) => row.resource },
                  { label: 'Because', cell: (row) => <Because steps={row.because ?? []} end="given" /> },
                ]}
              />
            ) : (
              <Empty title="No roles" />
            )}
          </section>
          <section className="card" aria-labelledby="access-groups">
            <h2 id="access-groups" className="section" style={{ padding: '0.8rem 0.9rem 0' }}>
              Groups
            </h2>
            {data.groups?.length ? (
              <Table
                label="Groups"
                rows={data.groups}
                id={(row) => row.group_id ?? ''}
                columns={[
                  {
                    label: 'Group',
                    cell: (row) => (
                      <Link to="/groups/$id" params={{ id: row.group_id ?? '' }}>
                        {row.display_name}
                      </Link>
                    ),
                  },
                  { label: 'Because', cell: (row) => <Because steps={row.because ?? []} end="member" /> },
                ]}
              />
            ) : (
              <Empty title="In no group" />
            )}
          </section>
        </div>
      )}
    </Answer>
  )
}

/** From the principal through its groups to the one that has it; the first is the principal itself. */
function Because({ steps, end }: { steps: { display_name?: string; principal_id?: string }[]; end: string }) {
  return (
    <span className="path">
      {steps.length <= 1
        ? `directly ${end}`
        : steps.slice(1).map((step, at) => (
            <span key={step.principal_id}>
              {at === 0 ? 'in ' : ' in '}
              <b>{step.display_name}</b>
            </span>
          ))}
    </span>
  )
}
