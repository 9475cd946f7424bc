import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { call } from '../../api/client'
import { live } from '../../api/live'
import { Answer } from '../../ui/Answer'
import { Confirm } from '../../ui/act'
import { Copyable } from '../../ui/Copy'
import { LinkButton, Page } from '../../ui/Page'
import { curl, python, ShowCode } from '../../ui/ShowCode'
import { Status } from '../../ui/Status'
import { lasted, When } from '../../ui/time'
import { Assignments } from './Assignments'

interface Step {
  name: string
  state: string
  message: string
  started_at?: number
  finished_at?: number
}

const SETTLED = /RUNNING|FAILED|BANNED|NOT_PROVISIONED/

export function Workspace() {
  const { id } = useParams({ strict: false }) as { id: string }
  const navigate = useNavigate()
  const answer = useQuery(
    live(
      ['workspace', id],
      () => call('GET /api/2.0/accounts/{account_id}/workspaces/{workspace_id}', { workspace_id: id }),
      (found) => SETTLED.test(found.workspace_status ?? ''),
    ),
  )
  const found = answer.data
  const settled = SETTLED.test(found?.workspace_status ?? '')
  const steps = useQuery({
    ...live(
      ['steps', id, settled],
      () =>
        call('GET /api/2.0/accounts/{account_id}/workspaces/{workspace_id}/tarn/steps', { workspace_id: id }) as Promise<{
          steps: Step[]
        }>,
      () => settled,
    ),
  })
  const running = found?.workspace_status === 'RUNNING'
  return (
    <Page
      title={found?.workspace_name ?? 'Workspace'}
      crumb={{ to: '/workspaces', label: 'Workspaces' }}
      badge={found && <Status state={found.workspace_status} />}
      actions={
        found && (
          <>
            <ShowCode
              title={found.workspace_name ?? ''}
              of={{
                python: python(`w = a.workspaces.get(workspace_id=${id})\nprint(w.workspace_status, w.workspace_status_message)`),
                curl: curl(`GET /api/2.0/accounts/{account_id}/workspaces/${id}`),
                terraform: `resource "databricks_mws_workspaces" "this" {\n  account_id               = var.account_id\n  workspace_name           = ${JSON.stringify(found.workspace_name)}\n  aws_region               = ${JSON.stringify(found.aws_region)}\n  credentials_id           = ${JSON.stringify(found.credentials_id)}\n  storage_configuration_id = ${JSON.stringify(found.storage_configuration_id)}\n}`,
              }}
            />
            <Confirm
              label="Delete"
              title={`Delete ${found.workspace_name}?`}
              submit="Delete workspace"
              act={() => call('DELETE /api/2.0/accounts/{account_id}/workspaces/{workspace_id}', { workspace_id: id })}
              changes={[['workspaces'], ['workspace', id]]}
              done="The workspace is being deleted."
              then={() => void navigate({ to: '/workspaces' })}
            >
              Its warehouses stop, its catalog and its assignments go. Its bucket stays. A workspace that a stack made is better
              deleted with its stack, which removes roles and configurations too.
            </Confirm>
            {running && <LinkButton to={`/w/${id}`}>Open workspace</LinkButton>}
          </>
        )
      }
    >
      <Answer of={answer}>
        {(workspace) => (
          <div className="stack">
            <div className="split">
              <section className="card pad" aria-labelledby="facts">
                <h2 id="facts">About</h2>
                <dl className="facts">
                  <dt>URL</dt>
                  <dd>{workspaceUrl(workspace.deployment_name, workspace) }</dd>
                  <dt>Workspace id</dt>
                  <dd>
                    <Copyable value={String(workspace.workspace_id)} label="workspace id" />
                  </dd>
                  <dt>Region</dt>
                  <dd>{workspace.aws_region}</dd>
                  <dt>Pricing tier</dt>
                  <dd>{workspace.pricing_tier ?? '–'}</dd>
                  <dt>Credentials</dt>
                  <dd className="mono">{workspace.credentials_id}</dd>
                  <dt>Storage</dt>
                  <dd className="mono">{workspace.storage_configuration_id}</dd>
                  {workspace.network_id && (
                    <>
                      <dt>Network</dt>
                      <dd className="mono">{workspace.network_id}</dd>
                    </>
                  )}
                  <dt>Created</dt>
                  <dd>
                    <When at={workspace.creation_time} />
                  </dd>
                </dl>
                {workspace.workspace_status_message && <p className="dim small">{workspace.workspace_status_message}</p>}
              </section>
              <section className="card pad" aria-labelledby="steps">
                <h2 id="steps">Provisioning</h2>
                <Answer of={steps}>
                  {(data) => (
                    <ol className="steps" aria-live="polite">
                      {data.steps.map((step) => (
                        <li key={step.name}>
                          <b>{step.name.replaceAll('-', ' ')}</b>
                          <span className="dim small">
                            {step.message}
                            {step.finished_at && step.started_at && step.finished_at - step.started_at >= 500 ? ` ${lasted(step.finished_at - step.started_at)}` : ''}
                          </span>
                          <Status state={step.state} />
                        </li>
                      ))}
                    </ol>
                  )}
                </Answer>
              </section>
            </div>
            {running && <Assignments workspaceId={id} />}
          </div>
        )}
      </Answer>
    </Page>
  )
}

/** The server adds the address to what the SDK's type has. */
function workspaceUrl(deployment: string | undefined, workspace: object) {
  const url = (workspace as { workspace_url?: string }).workspace_url ?? deployment ?? ''
  return <Copyable value={url} label="URL" />
}
