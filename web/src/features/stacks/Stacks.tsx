import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client'
import { live } from '../../api/live'
import { Answer, Empty } from '../../ui/Answer'
import { IconPlus } from '../../ui/icons'
import { type Column, Table } from '../../ui/List'
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
  const answer = useQuery(
    live(
      ['stacks'],
      () => call('GET /api/2.0/accounts/{account_id}/stacks', {}),
      (data) => (data.Stacks ?? []).every((row) => settled(row.StackStatus)),
    ),
  )
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
      <div className="card">
        <Answer
          of={answer}
          isEmpty={(data) => (data.Stacks ?? []).length === 0}
          empty={
            <Empty title="No stacks yet">
              <p>The quickstart of a new workspace is one.</p>
            </Empty>
          }
        >
          {(data) => <Table label="Stacks" columns={COLUMNS} rows={data.Stacks ?? []} id={(row) => row.StackId ?? ''} />}
        </Answer>
      </div>
    </Page>
  )
}
