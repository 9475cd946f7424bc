import { Button, Checkbox, Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useMemo, useState } from 'react'
import { call, type Result } from '../../api/client'
import { live } from '../../api/live'
import { Answer, Empty } from '../../ui/Answer'
import { Confirm } from '../../ui/act'
import { Copyable } from '../../ui/Copy'
import { type Column, Table } from '../../ui/List'
import { LinkButton, Page } from '../../ui/Page'
import { curl, ShowCode } from '../../ui/ShowCode'
import { Status } from '../../ui/Status'
import { clock, lasted, When } from '../../ui/time'
import { Drift } from './Drift'
import { ResourceName } from './ResourceName'
import { settled, type StackRow, terraform } from './words'

const Graph = lazy(() => import('./Graph').then((module) => ({ default: module.Graph })))

type Event = NonNullable<Result<'GET /api/2.0/accounts/{account_id}/stacks/{name}/events'>['StackEvents']>[number]

/** What a resource was, and what it is: only its last event can be going on still. */
function columns(events: Event[]): Column<Event>[] {
  const last = new Map(events.map((each) => [each.LogicalResourceId, each.EventId]))
  return [
    { label: 'Time', wide: true, cell: (row) => <span className="mono nowrap">{clock(row.Timestamp ?? '')}</span> },
    {
      label: 'Resource',
      cell: (row) => <ResourceName of={row} />,
    },
    {
      label: 'State',
      cell: (row) =>
        last.get(row.LogicalResourceId) === row.EventId || !/IN_PROGRESS/.test(row.ResourceStatus ?? '') ? (
          <Status state={row.ResourceStatus} />
        ) : (
          <Status state={row.ResourceStatus} as="idle" />
        ),
    },
    { label: 'Reason', cell: (row) => <span className="small">{row.ResourceStatusReason ?? ''}</span>, wide: true },
  ]
}

export function Stack() {
  const { name } = useParams({ strict: false }) as { name: string }
  const navigate = useNavigate()
  const [empty, setEmpty] = useState(false)
  const stack = useQuery(
    live(
      ['stack', name],
      () => call('GET /api/2.0/accounts/{account_id}/stacks/{name}', { name }),
      (found) => settled(found.StackStatus),
    ),
  )
  const found = stack.data
  const at = found?.StackStatus ?? ''
  const done = found !== undefined && settled(at)
  // Asked once more when the stack has come to rest: its last events are then there.
  const events = useQuery(
    live(['stack', name, 'events', done], () => call('GET /api/2.0/accounts/{account_id}/stacks/{name}/events', { name }), () => done),
  )
  const resources = useQuery(
    live(['stack', name, 'resources', done], () => call('GET /api/2.0/accounts/{account_id}/stacks/{name}/resources', { name }), () => done),
  )
  const template = useQuery({
    queryKey: ['stack-template', name],
    queryFn: () => call('GET /api/2.0/accounts/{account_id}/stacks/{name}/template', { name }),
    staleTime: Infinity,
  })
  const states = useMemo(
    () => Object.fromEntries((resources.data?.StackResources ?? []).map((each) => [each.LogicalResourceId, each.ResourceStatus])),
    [resources.data],
  )
  const workspaceId = found?.Outputs?.find((each) => each.OutputKey === 'WorkspaceId')?.OutputValue
  const running = /^(CREATE|UPDATE|UPDATE_ROLLBACK)_COMPLETE$/.test(at) && workspaceId
  const shown = Object.fromEntries(
    (found?.Parameters ?? []).filter((each) => each.ParameterValue !== '****').map((each) => [each.ParameterKey ?? '', each.ParameterValue ?? '']),
  )
  return (
    <Page
      title={name}
      crumb={{ to: '/stacks', label: 'Stacks' }}
      badge={found && <Status state={at} />}
      actions={
        found && (
          <>
            <ShowCode
              title={name}
              of={{
                python: `import os, requests\n\nhost, account = os.environ["DATABRICKS_HOST"], os.environ["DATABRICKS_ACCOUNT_ID"]\nauth = {"Authorization": "Bearer " + os.environ["DATABRICKS_TOKEN"]}\nfor event in requests.get(f"{host}/api/2.0/accounts/{account}/stacks/${name}/events", headers=auth).json()["StackEvents"]:\n    print(event["LogicalResourceId"], event["ResourceStatus"], event.get("ResourceStatusReason", ""))\n\n# or: ./tarn stack events ${name}`,
                curl: curl(`GET /api/2.0/accounts/{account_id}/stacks/${name}/events`),
                terraform: terraform(shown),
              }}
            />
            {/^(CREATE|UPDATE|UPDATE_ROLLBACK)_COMPLETE$/.test(at) && (
              <Button component={Link} to={`/stacks/${name}/update`} variant="default">
                Update
              </Button>
            )}
            {at !== 'DELETE_COMPLETE' && at !== 'DELETE_IN_PROGRESS' && (
              <Confirm
                label="Delete stack"
                title={`Delete ${name}?`}
                submit="Delete stack"
                reset={() => setEmpty(false)}
                act={() => call('DELETE /api/2.0/accounts/{account_id}/stacks/{name}', { name, ...(empty ? { EmptyBuckets: true } : {}) })}
                changes={[['stacks'], ['stack', name], ['workspaces']]}
                then={() => void navigate({ to: '/stacks/$name', params: { name: found.StackId ?? name } })}
              >
                The workspace and everything the stack made are deleted, newest first. You can watch it. A bucket with files of
                yours stops it, unless:
                <Checkbox
                  mt="sm"
                  label="Delete the files in its buckets too"
                  checked={empty}
                  onChange={(event) => setEmpty(event.currentTarget.checked)}
                />
              </Confirm>
            )}
            {running && <LinkButton to={`/w/${workspaceId}`}>Open workspace</LinkButton>}
          </>
        )
      }
    >
      <Answer of={stack}>
        {(data) => (
          <div className="stack">
            {/FAILED|ROLLBACK/.test(at) && <Reason stack={data} events={events.data?.StackEvents ?? []} />}
            <Tabs defaultValue="events" keepMounted={false}>
              <Tabs.List mb="md">
                <Tabs.Tab value="events">Events</Tabs.Tab>
                <Tabs.Tab value="resources">Resources</Tabs.Tab>
                <Tabs.Tab value="outputs">Outputs</Tabs.Tab>
                <Tabs.Tab value="parameters">Parameters</Tabs.Tab>
                <Tabs.Tab value="drift">Drift</Tabs.Tab>
              </Tabs.List>
              <Tabs.Panel value="events">
                <p className="dim small" role="status" aria-live="polite" style={{ marginTop: 0 }}>
                  {progress(events.data?.StackEvents ?? [], template.data?.Resources ?? [], states, data)}
                </p>
                <div className="card scroll" tabIndex={0} role="region" aria-label="Events, newest first">
                  <Answer of={events}>
                    {(all) => (
                      <Table
                        label="Events"
                        columns={columns(all.StackEvents ?? [])}
                        rows={[...(all.StackEvents ?? [])].reverse()}
                        id={(row) => row.EventId ?? ''}
                      />
                    )}
                  </Answer>
                </div>
              </Tabs.Panel>
              <Tabs.Panel value="resources">
                <Answer of={template}>
                  {(all) => (
                    <Suspense fallback={<div className="card graph" />}>
                      <Graph nodes={all.Resources ?? []} states={states as Record<string, string>} />
                    </Suspense>
                  )}
                </Answer>
                <div className="card scroll" style={{ marginTop: '1rem' }}>
                  <Answer of={resources} isEmpty={(all) => !all.StackResources?.length} empty={<Empty title="Nothing made yet" />}>
                    {(all) => (
                      <Table
                        label="Resources"
                        rows={all.StackResources ?? []}
                        id={(row) => row.LogicalResourceId ?? ''}
                        columns={[
                          { label: 'Resource', cell: (row) => <b>{row.LogicalResourceId}</b> },
                          { label: 'State', cell: (row) => <Status state={row.ResourceStatus} /> },
                          { label: 'Id', cell: (row) => <span className="mono">{row.PhysicalResourceId}</span> },
                          { label: 'Uses', cell: (row) => (row.Uses ?? []).map((use) => use.LogicalResourceId).join(', ') || '–', wide: true },
                        ]}
                      />
                    )}
                  </Answer>
                </div>
              </Tabs.Panel>
              <Tabs.Panel value="outputs">
                <div className="card">
                  {data.Outputs?.length ? (
                    <Table
                      label="Outputs"
                      rows={data.Outputs}
                      id={(row) => row.OutputKey ?? ''}
                      columns={[
                        { label: 'Output', cell: (row) => <b>{row.OutputKey}</b> },
                        { label: 'Value', cell: (row) => <Copyable value={row.OutputValue ?? ''} label={row.OutputKey ?? ''} /> },
                      ]}
                    />
                  ) : (
                    <Empty title="No outputs yet">
                      <p>They are there when the stack is complete.</p>
                    </Empty>
                  )}
                </div>
              </Tabs.Panel>
              <Tabs.Panel value="parameters">
                <div className="card">
                  <Table
                    label="Parameters"
                    rows={data.Parameters ?? []}
                    id={(row) => row.ParameterKey ?? ''}
                    columns={[
                      { label: 'Parameter', cell: (row) => <b>{row.ParameterKey}</b> },
                      { label: 'Value', cell: (row) => <span className="mono">{row.ParameterValue || '–'}</span> },
                    ]}
                  />
                </div>
              </Tabs.Panel>
              <Tabs.Panel value="drift">
                <Drift name={name} />
              </Tabs.Panel>
            </Tabs>
            <Protection stack={data} />
            <p className="dim small">
              Created <When at={data.CreationTime} /> · <span className="mono">{data.StackId}</span>
            </p>
          </div>
        )}
      </Answer>
    </Page>
  )
}

/** Whether it can be deleted at all. */
function Protection({ stack }: { stack: StackRow }) {
  const { StackName: name = '', EnableTerminationProtection: on = false } = stack
  return (
    <div className="card pad head" style={{ margin: 0 }}>
      <span>
        <b>Termination protection is {on ? 'on' : 'off'}.</b>{' '}
        <span className="dim">{on ? 'The stack cannot be deleted.' : 'Who may delete stacks may delete this one.'}</span>
      </span>
      <Confirm
        label={on ? 'Turn off' : 'Turn on'}
        danger={on}
        size="xs"
        title={`Turn termination protection of ${name} ${on ? 'off' : 'on'}?`}
        submit={on ? 'Turn off' : 'Turn on'}
        act={() =>
          call('PUT /api/2.0/accounts/{account_id}/stacks/{name}/termination-protection', { name }, { EnableTerminationProtection: !on })
        }
        changes={[['stacks'], ['stack', name]]}
      >
        {on ? 'After that it can be deleted.' : 'A deletion is refused until it is turned off again.'}
      </Confirm>
    </div>
  )
}

/** The first failure is why; what came after it is the roll-back. */
function Reason({ stack, events }: { stack: StackRow; events: Event[] }) {
  const why = events.find((each) => /FAILED/.test(each.ResourceStatus ?? ''))
  return (
    <div className="card pad" role="alert" style={{ borderColor: 'var(--bad)' }}>
      <b>{/ROLLBACK/.test(stack.StackStatus ?? '') ? 'Rolled back' : 'Failed'}</b>
      {why && (
        <span>
          : <b>{why.LogicalResourceId}</b> said “{why.ResourceStatusReason}”
        </span>
      )}
      {!why && stack.StackStatusReason && <span>: {stack.StackStatusReason}</span>}
    </div>
  )
}

function progress(
  events: Event[],
  resources: { Included?: boolean; LogicalResourceId?: string }[],
  states: Record<string, string | undefined>,
  stack: StackRow,
): string {
  const wanted = resources.filter((each) => each.Included).length
  const made = Object.values(states).filter((state) => state === 'CREATE_COMPLETE').length
  const last = events.at(-1)?.Timestamp ?? stack.CreationTime
  const took = last && stack.CreationTime ? Date.parse(last) - Date.parse(stack.CreationTime) : 0
  if (/^UPDATE/.test(stack.StackStatus ?? '')) {
    return last ? `The last event was at ${clock(last)}.` : ''
  }
  if (stack.StackStatus === 'CREATE_COMPLETE') {
    return `All ${wanted} resources are there, after ${lasted(took)}.`
  }
  return `${made} of ${wanted} resources are there.`
}
