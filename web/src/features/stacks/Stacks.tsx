import { Link } from '@tanstack/react-router'
import { call, partOf } from '../../api/client'
import { Empty } from '../../ui/Answer'
import { IconPlus } from '../../ui/icons'
import { type Column, PagedList } from '../../ui/List'
import { LinkButton, Page } from '../../ui/Page'
import { curl, ShowCode } from '../../ui/ShowCode'
import { Status } from '../../ui/Status'
import { When } from '../../ui/time'
import { parameter, settled, type StackRow } from './words'

const COLUMNS: Column<StackRow>[] = [
  {
    label: 'Stack',
    cell: (row) => (
      <Link to="/stacks/$name" params={{ name: row.StackName ?? '' }}>
        {row.StackName}
      </Link>
    ),
  },
  { label: 'State', cell: (row) => <Status state={row.StackStatus} /> },
  { label: 'Workspace', cell: (row) => parameter(row, 'WorkspaceName') ?? '–' },
  { label: 'Created', cell: (row) => <When at={row.CreationTime} />, wide: true },
]

export function Stacks() {
  return (
    <Page
      title="Stacks"
      about="CloudFormation stacks of the quickstart template. Each made a workspace and what it stands on, and takes all of it away again."
      actions={
        <>
          <ShowCode
            title="Stacks"
            of={{ python: 'import os, requests\n\nhost, account = os.environ["DATABRICKS_HOST"], os.environ["DATABRICKS_ACCOUNT_ID"]\nauth = {"Authorization": "Bearer " + os.environ["DATABRICKS_TOKEN"]}\nfor stack in requests.get(f"{host}/api/2.0/accounts/{account}/stacks", headers=auth).json()["Stacks"]:\n    print(stack["StackName"], stack["StackStatus"])', curl: curl('GET /api/2.0/accounts/{account_id}/stacks') }}
          />
          <LinkButton to="/workspaces/new/quickstart" icon={<IconPlus size={16} aria-hidden />}>
            New stack
          </LinkButton>
        </>
      }
    >
      <PagedList
        label="stacks"
        queryKey={['stacks']}
        id={(row) => row.StackId ?? ''}
        columns={COLUMNS}
        settled={(row) => settled(row.StackStatus)}
        ask={async (part) => {
          const found = await call('GET /api/2.0/accounts/{account_id}/stacks', partOf(part))
          return { rows: found.Stacks ?? [], total: found.Total ?? 0 }
        }}
        empty={
          <Empty title="No stacks yet">
            <p>The quickstart of a new workspace is one.</p>
          </Empty>
        }
      />
    </Page>
  )
}
