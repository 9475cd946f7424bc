import { Button } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { call } from '../../api/client'
import { Answer } from '../../ui/Answer'
import { Table } from '../../ui/List'
import { Status } from '../../ui/Status'
import { ResourceName } from './ResourceName'

/** What was changed behind the stack's back: asked of what is really there, when the tab is opened. */
export function Drift({ name }: { name: string }) {
  const answer = useQuery({
    queryKey: ['stack', name, 'drift'],
    queryFn: () => call('GET /api/2.0/accounts/{account_id}/stacks/{name}/drift', { name }),
    gcTime: 0,
  })
  return (
    <Answer of={answer}>
      {(data) => (
        <div className="stack">
          <div className="head" style={{ margin: 0 }}>
            <p className="dim small" role="status" style={{ margin: 0 }}>
              {data.StackDriftStatus === 'IN_SYNC' ? 'Everything is as the template says.' : 'Something is not as the template says.'}
            </p>
            <Button variant="default" size="xs" loading={answer.isFetching} onClick={() => void answer.refetch()}>
              Look again
            </Button>
          </div>
          <div className="card scroll">
            <Table
              label="Drift"
              rows={data.StackResourceDrifts ?? []}
              id={(row) => row.LogicalResourceId ?? ''}
              columns={[
                {
                  label: 'Resource',
                  cell: (row) => <ResourceName of={row} />,
                },
                { label: 'State', cell: (row) => <Status state={row.StackResourceDriftStatus} /> },
                {
                  label: 'Differences',
                  cell: (row) =>
                    (row.PropertyDifferences ?? []).map((each) => (
                      <div key={each.PropertyPath} className="small">
                        <b>{each.PropertyPath}</b>: <span className="mono">{each.ActualValue ?? 'not there'}</span> (expected:{' '}
                        <span className="mono">{each.ExpectedValue ?? 'not there'}</span>)
                      </div>
                    )),
                },
              ]}
            />
          </div>
        </div>
      )}
    </Answer>
  )
}
