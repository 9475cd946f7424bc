import { TextInput } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call, type Result } from '../../api/client'
import { Empty } from '../../ui/Answer'
import { FormButton } from '../../ui/act'
import { IconPlus } from '../../ui/icons'
import { type Column, contains, PagedList } from '../../ui/List'
import { Page } from '../../ui/Page'
import { curl, python, ShowCode } from '../../ui/ShowCode'
import { Status } from '../../ui/Status'

type Row = NonNullable<Result<'GET /api/2.0/accounts/{account_id}/scim/v2/ServicePrincipals'>['Resources']>[number]

const COLUMNS: Column<Row>[] = [
  {
    label: 'Name',
    cell: (row) => (
      <Link to="/service-principals/$id" params={{ id: row.id ?? '' }}>
        {row.displayName || row.applicationId}
      </Link>
    ),
  },
  { label: 'Application id', cell: (row) => <span className="mono">{row.applicationId}</span>, wide: true },
  { label: 'State', cell: (row) => <Status state={row.active === false ? 'Disabled' : 'Active'} /> },
]

export function ServicePrincipals() {
  const [name, setName] = useState('')
  const navigate = useNavigate()
  return (
    <Page
      title="Service principals"
      about="Identities for programs: jobs, pipelines, Terraform. They outlive the people who made them."
      actions={
        <>
          <ShowCode
            title="Service principals"
            of={{
              python: python('sp = a.service_principals_v2.create(display_name="ci")\nsecret = a.service_principal_secrets.create(service_principal_id=sp.id)'),
              curl: curl('POST /api/2.0/accounts/{account_id}/scim/v2/ServicePrincipals', { displayName: 'ci' }),
              terraform: 'resource "databricks_service_principal" "ci" {\n  display_name = "ci"\n}\n\nresource "databricks_service_principal_secret" "ci" {\n  service_principal_id = databricks_service_principal.ci.id\n}',
            }}
          />
          <FormButton
            label="Create service principal"
            submit="Create"
            icon={<IconPlus size={16} aria-hidden />}
            reset={() => setName('')}
            act={() => call('POST /api/2.0/accounts/{account_id}/scim/v2/ServicePrincipals', {}, { displayName: name })}
            changes={[['service-principals']]}
            then={(made) => void navigate({ to: '/service-principals/$id', params: { id: made.id ?? '' } })}
          >
            <TextInput label="Name" required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
          </FormButton>
        </>
      }
    >
      <PagedList
        label="service principals"
        queryKey={['service-principals']}
        id={(row) => row.id ?? ''}
        columns={COLUMNS}
        empty={<Empty title="No service principals yet" />}
        ask={async ({ filter, ...page }) => {
          const found = await call('GET /api/2.0/accounts/{account_id}/scim/v2/ServicePrincipals', {
            ...page,
            filter: contains(filter, 'displayName'),
            sortBy: 'displayName',
          })
          return { rows: found.Resources ?? [], total: found.totalResults ?? 0 }
        }}
      />
    </Page>
  )
}
