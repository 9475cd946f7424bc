import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { call, type Result } from '../../api/client'
import { live } from '../../api/live'
import { useSession } from '../../api/session'
import { Answer, Empty } from '../../ui/Answer'
import { Refused, useAct } from '../../ui/act'
import { CopyText } from '../../ui/Copy'
import { Table } from '../../ui/List'
import { Page } from '../../ui/Page'
import { ShowCode } from '../../ui/ShowCode'
import { Status } from '../../ui/Status'

type Warehouse = NonNullable<Result<'GET /api/2.0/sql/warehouses'>['warehouses']>[number]

export function Home() {
  const { workspaceId } = useParams({ strict: false }) as { workspaceId: string }
  const who = useSession()
  const key = ['warehouses', workspaceId]
  const answer = useQuery(
    live(
      key,
      () => call('GET /api/2.0/sql/warehouses', {}, undefined, workspaceId),
      (data) => !(data.warehouses ?? []).some((each) => /ING$/.test((each.state ?? '').replace('RUNNING', ''))),
    ),
  )
  const change = useAct({
    act: ({ id, to }: { id: string; to: 'start' | 'stop' }) =>
      to === 'start'
        ? call('POST /api/2.0/sql/warehouses/{id}/start', { id }, {}, workspaceId)
        : call('POST /api/2.0/sql/warehouses/{id}/stop', { id }, {}, workspaceId),
    changes: [key],
  })
  const first = answer.data?.warehouses?.[0]
  const snippets = connections(location.origin, workspaceId, first?.id ?? '<warehouse id>')
  return (
    <Page
      title={`Hello, ${(who.display_name || who.user_name || '').split(' ')[0]}`}
      about="Warehouses run SQL. They start with the first statement, and stop when nobody asks."
      actions={
        <ShowCode
          title="Warehouses"
          of={{
            python: `from databricks.sdk import WorkspaceClient\n\nw = WorkspaceClient(host="${location.origin}", workspace_id="${workspaceId}")\nfor each in w.warehouses.list():\n    print(each.id, each.name, each.state)`,
            curl: `curl -sS "${location.origin}/api/2.0/sql/warehouses" \\\n  -H "Authorization: Bearer $DATABRICKS_TOKEN" \\\n  -H "X-Databricks-Workspace-Id: ${workspaceId}"`,
            terraform: 'resource "databricks_sql_endpoint" "this" {\n  name         = "analytics"\n  cluster_size = "2X-Small"\n}',
          }}
        />
      }
    >
      <div className="stack">
        <Refused error={change.error} />
        <section className="card" aria-labelledby="warehouses">
          <h2 id="warehouses" style={{ padding: '0.8rem 0.9rem 0' }}>
            SQL warehouses
          </h2>
          <Answer of={answer} isEmpty={(data) => !data.warehouses?.length} empty={<Empty title="No warehouse that you may use" />}>
            {(data) => (
              <Table
                label="SQL warehouses"
                rows={data.warehouses ?? []}
                id={(row) => row.id ?? ''}
                columns={[
                  { label: 'Name', cell: (row) => <b>{row.name}</b> },
                  { label: 'State', cell: (row) => <Status state={row.state} /> },
                  { label: 'Size', cell: (row) => row.cluster_size, wide: true },
                  { label: 'Stops after', cell: (row) => `${row.auto_stop_mins} min`, wide: true },
                  {
                    label: 'Start or stop',
                    end: true,
                    cell: (row) => <Switching row={row} act={change.mutate} busy={change.isPending} />,
                  },
                ]}
              />
            )}
          </Answer>
        </section>
        <section aria-labelledby="connect">
          <h2 className="section" id="connect">
            Connect
          </h2>
          <div className="tiles">
            {snippets.map((each) => (
              <div key={each.name} className="card pad">
                <h2 style={{ marginBottom: '0.25rem' }}>{each.name}</h2>
                <p className="dim small" style={{ margin: '0 0 0.7rem' }}>
                  {each.about}
                </p>
                <CopyText value={each.text} label={`Copy for ${each.name}`} />
              </div>
            ))}
          </div>
        </section>
      </div>
    </Page>
  )
}

function Switching(props: { row: Warehouse; act: (input: { id: string; to: 'start' | 'stop' }) => void; busy: boolean }) {
  const to = props.row.state === 'STOPPED' ? 'start' : props.row.state === 'RUNNING' ? 'stop' : null
  return (
    to && (
      <Button size="xs" variant="default" disabled={props.busy} onClick={() => props.act({ id: props.row.id ?? '', to })}>
        {to === 'start' ? 'Start' : 'Stop'}
        <span className="unseen"> {props.row.name}</span>
      </Button>
    )
  )
}

/** What to paste where, so that a client reaches this workspace. The token is to be made first. */
export function connections(origin: string, workspaceId: string, warehouseId: string) {
  return [
    {
      name: 'Shell',
      about: 'Environment of the SDKs, curl and Terraform.',
      text: `export DATABRICKS_HOST=${origin}\nexport DATABRICKS_TOKEN=<token>\nexport DATABRICKS_WAREHOUSE_ID=${warehouseId}`,
    },
    {
      name: 'Python SDK',
      about: 'A statement, and its rows.',
      text: `from databricks.sdk import WorkspaceClient\n\nw = WorkspaceClient(host="${origin}", token="<token>")\nanswer = w.statement_execution.execute_statement(\n    warehouse_id="${warehouseId}", statement="SELECT current_user()")\nprint(answer.result.data_array)`,
    },
    {
      name: 'curl',
      about: 'The same over HTTP.',
      text: `curl -sS -X POST "${origin}/api/2.0/sql/statements" \\\n  -H "Authorization: Bearer <token>" \\\n  -H "X-Databricks-Workspace-Id: ${workspaceId}" \\\n  -d '{"warehouse_id": "${warehouseId}", "statement": "SELECT current_user()"}'`,
    },
    {
      name: 'Terraform',
      about: 'The provider, pointed here.',
      text: `provider "databricks" {\n  host  = "${origin}"\n  token = var.token\n}`,
    },
  ]
}
