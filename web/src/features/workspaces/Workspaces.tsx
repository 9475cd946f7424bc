import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call, page, type Result } from '../../api/client'
import { useSession } from '../../api/session'
import { Answer, Empty } from '../../ui/Answer'
import { IconPlus, IconServer } from '../../ui/icons'
import { type Column, PagedList } from '../../ui/List'
import { LinkButton, Page } from '../../ui/Page'
import { curl, python, ShowCode } from '../../ui/ShowCode'
import { Status } from '../../ui/Status'
import { When } from '../../ui/time'

type Row = Result<'GET /api/2.0/accounts/{account_id}/workspaces'>[number]

const MOVES = /PROVISIONING|CANCELLING/

/** The workspaces of the account for its administrators; for others, those that are theirs. */
export function Workspaces() {
  return useSession().account_admin ? <All /> : <Mine />
}

const COLUMNS: Column<Row>[] = [
  {
    label: 'Name',
    cell: (row) => (
      <Link to="/workspaces/$id" params={{ id: String(row.workspace_id) }}>
        {row.workspace_name}
      </Link>
    ),
  },
  { label: 'State', cell: (row) => <Status state={row.workspace_status} /> },
  { label: 'Region', cell: (row) => row.aws_region, wide: true },
  { label: 'Workspace id', cell: (row) => <span className="mono">{row.workspace_id}</span>, wide: true },
  { label: 'Created', cell: (row) => <When at={row.creation_time} />, wide: true },
  {
    label: 'Open',
    end: true,
    cell: (row) =>
      row.workspace_status === 'RUNNING' && (
        <Link to="/w/$workspaceId" params={{ workspaceId: String(row.workspace_id) }}>
          Open<span className="unseen"> {row.workspace_name}</span>
        </Link>
      ),
  },
]

function All() {
  const create = (
    <LinkButton to="/workspaces/new" icon={<IconPlus size={16} aria-hidden />}>
      Create workspace
    </LinkButton>
  )
  return (
    <Page
      title="Workspaces"
      about="Each is a place of its own for a team or a stage: with its bucket, its catalog, its warehouses and its people."
      actions={
        <>
          <ShowCode
            title="Workspaces"
            of={{
              python: python('for w in a.workspaces.list():\n    print(w.workspace_id, w.workspace_name, w.workspace_status)'),
              curl: curl('GET /api/2.0/accounts/{account_id}/workspaces'),
              terraform: 'data "databricks_mws_workspaces" "all" {}\n\noutput "workspaces" {\n  value = data.databricks_mws_workspaces.all.ids\n}',
            }}
          />
          {create}
        </>
      }
    >
      <PagedList
        label="workspaces"
        queryKey={['workspaces']}
        id={(row) => String(row.workspace_id)}
        columns={COLUMNS}
        settled={(row) => !MOVES.test(row.workspace_status ?? '')}
        ask={(part) => page('GET /api/2.0/accounts/{account_id}/workspaces', part)}
        empty={
          <Empty title="No workspaces yet">
            <p>The quickstart makes one in a minute: roles, a bucket, a catalog and a warehouse, by a stack you can watch.</p>
            {create}
          </Empty>
        }
      />
    </Page>
  )
}

function Mine() {
  const answer = useQuery({
    queryKey: ['my-workspaces'],
    queryFn: () => call('GET /api/2.0/tarn/workspaces', {}),
  })
  return (
    <Page title="Workspaces" about="Those that you may enter.">
      <Answer
        of={answer}
        isEmpty={(data) => (data.workspaces ?? []).length === 0}
        empty={
          <div className="card">
            <Empty title="No workspace is yours yet">
              <p>An administrator of the account gives you one, or puts you into a group that has one.</p>
            </Empty>
          </div>
        }
      >
        {(data) => (
          <div className="tiles">
            {(data.workspaces ?? []).map((row) => (
              <Link
                key={row.workspace_id}
                to="/w/$workspaceId"
                params={{ workspaceId: String(row.workspace_id) }}
                className="card choice"
              >
                <IconServer size={22} stroke={1.6} aria-hidden />
                <h2>{row.workspace_name}</h2>
                <p>
                  {row.region} · {row.admin ? 'administrator' : 'user'}
                </p>
              </Link>
            ))}
          </div>
        )}
      </Answer>
    </Page>
  )
}
