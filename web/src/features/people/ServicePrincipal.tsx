import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call, type Result } from '../../api/client'
import { Answer, Empty } from '../../ui/Answer'
import { Confirm, FormButton } from '../../ui/act'
import { Copyable } from '../../ui/Copy'
import { IconKey } from '../../ui/icons'
import { Table } from '../../ui/List'
import { Page } from '../../ui/Page'
import { curl, python, ShowCode } from '../../ui/ShowCode'
import { Status } from '../../ui/Status'
import { When } from '../../ui/time'
import { Access } from './Access'

export function ServicePrincipal() {
  const { id } = useParams({ strict: false }) as { id: string }
  const navigate = useNavigate()
  const [made, setMade] = useState<Result<'POST /api/2.0/accounts/{account_id}/servicePrincipals/{service_principal_id}/credentials/secrets'> | null>(
    null,
  )
  const answer = useQuery({
    queryKey: ['service-principal', id],
    queryFn: () => call('GET /api/2.0/accounts/{account_id}/scim/v2/ServicePrincipals/{id}', { id }),
  })
  const secretsKey = ['secrets', id]
  const secrets = useQuery({
    queryKey: secretsKey,
    queryFn: () =>
      call('GET /api/2.0/accounts/{account_id}/servicePrincipals/{service_principal_id}/credentials/secrets', { service_principal_id: id }),
  })
  const found = answer.data
  return (
    <Page
      title={found?.displayName || found?.applicationId || 'Service principal'}
      crumb={{ to: '/service-principals', label: 'Service principals' }}
      badge={found && <Status state={found.active === false ? 'Disabled' : 'Active'} />}
      actions={
        found && (
          <>
            <ShowCode
              title={found.displayName ?? ''}
              of={{
                python: python(`s = a.service_principal_secrets.create(service_principal_id=${id})\nprint(s.secret)  # shown once`),
                curl: curl(`POST /api/2.0/accounts/{account_id}/servicePrincipals/${id}/credentials/secrets`, {}),
                terraform: `resource "databricks_service_principal_secret" "this" {\n  service_principal_id = ${id}\n}`,
              }}
            />
            <Confirm
              label="Delete"
              title={`Delete ${found.displayName}?`}
              submit="Delete"
              act={() => call('DELETE /api/2.0/accounts/{account_id}/scim/v2/ServicePrincipals/{id}', { id })}
              changes={[['service-principals']]}
              then={() => void navigate({ to: '/service-principals' })}
            >
              Its secrets and tokens stop working at once. What it owns stays.
            </Confirm>
          </>
        )
      }
    >
      <Answer of={answer}>
        {(data) => (
          <div className="stack">
            <section className="card pad">
              <dl className="facts">
                <dt>Application id</dt>
                <dd>
                  <Copyable value={data.applicationId ?? ''} label="application id" />
                </dd>
                <dt>Id</dt>
                <dd>
                  <Copyable value={id} label="id" />
                </dd>
              </dl>
            </section>
            <section className="card" aria-labelledby="secrets">
              <div className="head" style={{ padding: '0.8rem 0.9rem 0', margin: 0 }}>
                <h2 className="section" id="secrets" style={{ margin: 0 }}>
                  OAuth secrets
                </h2>
                <FormButton
                  label="Generate secret"
                  submit="Generate"
                  size="xs"
                  icon={<IconKey size={14} aria-hidden />}
                  act={() =>
                    call(
                      'POST /api/2.0/accounts/{account_id}/servicePrincipals/{service_principal_id}/credentials/secrets',
                      { service_principal_id: id },
                      {},
                    )
                  }
                  changes={[secretsKey]}
                  then={setMade}
                >
                  <p style={{ margin: 0 }}>It is valid for two years, and shown only once.</p>
                </FormButton>
              </div>
              {made?.secret && (
                <div className="once" role="status" style={{ margin: '0.75rem 0.9rem' }}>
                  <b>Copy the secret now.</b> It is not shown again.
                  <div>
                    <Copyable value={made.secret} label="secret" />
                  </div>
                </div>
              )}
              <Answer of={secrets} isEmpty={(all) => !all.secrets?.length} empty={<Empty title="No secrets" />}>
                {(all) => (
                  <Table
                    label="OAuth secrets"
                    rows={all.secrets ?? []}
                    id={(row) => row.id ?? ''}
                    columns={[
                      { label: 'Id', cell: (row) => <span className="mono">{row.id}</span> },
                      { label: 'State', cell: (row) => <Status state={row.status} />, wide: true },
                      { label: 'Created', cell: (row) => <When at={row.create_time} />, wide: true },
                      { label: 'Valid until', cell: (row) => <When at={row.expire_time} />, wide: true },
                      {
                        label: 'Delete',
                        end: true,
                        cell: (row) => (
                          <Confirm
                            label="Delete"
                            size="xs"
                            variant="subtle"
                            title="Delete this secret?"
                            submit="Delete"
                            act={() =>
                              call(
                                'DELETE /api/2.0/accounts/{account_id}/servicePrincipals/{service_principal_id}/credentials/secrets/{secret_id}',
                                { service_principal_id: id, secret_id: row.id ?? '' },
                              )
                            }
                            changes={[secretsKey]}
                          >
                            Programs that use it can get no new tokens.
                          </Confirm>
                        ),
                      },
                    ]}
                  />
                )}
              </Answer>
            </section>
            <h2 className="section" style={{ margin: '0.5rem 0 0' }}>
              What it can do, and why
            </h2>
            <Access principalId={id} />
          </div>
        )}
      </Answer>
    </Page>
  )
}
