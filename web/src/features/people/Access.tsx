import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useId } from 'react'
import { call } from '../../api/client'
import { Answer, Empty } from '../../ui/Answer'
import { type Column, Table } from '../../ui/List'
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
          <Card
            title="Workspaces"
            rows={data.workspaces}
            none="No workspace"
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
          <Card
            title="Roles"
            rows={data.roles}
            none="No roles"
            id={(row) => `${row.role} ${row.resource} ${row.because?.map((each) => each.principal_id).join('>')}`}
            columns={[
              { label: 'Role', cell: (row) => <b>{row.role?.replace('roles/', '')}</b> },
              { label: 'On', cell: (row) => row.resource },
              { label: 'Because', cell: (row) => <Because steps={row.because ?? []} end="given" /> },
            ]}
          />
          <Card
            title="Groups"
            rows={data.groups}
            none="In no group"
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
        </div>
      )}
    </Answer>
  )
}

/** What there is of one kind, or that there is none. */
function Card<T>(props: { title: string; rows: T[] | undefined; none: string; id: (row: T) => string; columns: Column<T>[] }) {
  const heading = useId()
  return (
    <section className="card" aria-labelledby={heading}>
      <h2 id={heading} className="section" style={{ padding: '0.8rem 0.9rem 0' }}>
        {props.title}
      </h2>
      {props.rows?.length ? (
        <Table label={props.title} rows={props.rows} id={props.id} columns={props.columns} />
      ) : (
        <Empty title={props.none} />
      )}
    </section>
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
