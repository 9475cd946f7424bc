import { Button, Group, Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client'
import { Refused, useAct } from '../../ui/act'
import { Answer } from '../../ui/Answer'
import { Page } from '../../ui/Page'
import { curl, ShowCode } from '../../ui/ShowCode'

/** What a workspace can stand on, as the account knows it. */
async function parts() {
  const [credentials, storage, networks, keys, privateAccess] = await Promise.all([
    call('GET /api/2.0/accounts/{account_id}/credentials', {}),
    call('GET /api/2.0/accounts/{account_id}/storage-configurations', {}),
    call('GET /api/2.0/accounts/{account_id}/networks', {}),
    call('GET /api/2.0/accounts/{account_id}/customer-managed-keys', {}),
    call('GET /api/2.0/accounts/{account_id}/private-access-settings', {}),
  ])
  const choice = (value: string | undefined, label: string | undefined) => ({ value: value ?? '', label: label ?? value ?? '' })
  return {
    credentials: credentials.map((each) => choice(each.credentials_id, each.credentials_name)),
    storage: storage.map((each) => choice(each.storage_configuration_id, each.storage_configuration_name)),
    networks: networks.map((each) => choice(each.network_id, each.network_name)),
    managedKeys: keys
      .filter((each) => each.use_cases?.includes('MANAGED_SERVICES'))
      .map((each) => choice(each.customer_managed_key_id, each.aws_key_info?.key_alias ?? each.aws_key_info?.key_arn)),
    storageKeys: keys
      .filter((each) => each.use_cases?.includes('STORAGE'))
      .map((each) => choice(each.customer_managed_key_id, each.aws_key_info?.key_alias ?? each.aws_key_info?.key_arn)),
    privateAccess: privateAccess.map((each) => choice(each.private_access_settings_id, each.private_access_settings_name)),
  }
}

const EMPTY = {
  workspace_name: '',
  aws_region: 'us-east-1',
  deployment_name: '',
  credentials_id: '',
  storage_configuration_id: '',
  network_id: '',
  private_access_settings_id: '',
  managed_services_customer_managed_key_id: '',
  storage_customer_managed_key_id: '',
}

export function Manual() {
  const [form, setForm] = useState(EMPTY)
  const navigate = useNavigate()
  const answer = useQuery({ queryKey: ['workspace-parts'], queryFn: parts })
  const body = Object.fromEntries(Object.entries(form).filter(([, value]) => value !== ''))
  const create = useAct({
    act: () => call('POST /api/2.0/accounts/{account_id}/workspaces', {}, body),
    changes: [['workspaces']],
    then: (made) => void navigate({ to: '/workspaces/$id', params: { id: String(made.workspace_id) } }),
  })
  const set = (field: keyof typeof form) => (value: string | null) =>
    setForm((before) => ({ ...before, [field]: value ?? '' }))
  return (
    <Page
      title="Manual"
      crumb={{ to: '/workspaces/new', label: 'Create workspace' }}
      about="A workspace on resources that are registered already."
      actions={
        <ShowCode
          title="Create workspace"
          of={{
            python: `from databricks.sdk import AccountClient\n\na = AccountClient()\nw = a.workspaces.create_and_wait(${Object.entries(body)
              .map(([key, value]) => `\n    ${key}=${JSON.stringify(value)},`)
              .join('')}\n)`,
            curl: curl('POST /api/2.0/accounts/{account_id}/workspaces', body),
            terraform: `resource "databricks_mws_workspaces" "this" {\n  account_id = var.account_id\n${Object.entries(body)
              .map(([key, value]) => `  ${key} = ${JSON.stringify(value)}\n`)
              .join('')}}`,
          }}
        />
      }
    >
      <div className="card pad" style={{ maxWidth: '40rem' }}>
        <Answer of={answer}>
          {(data) => (
            <form
              onSubmit={(event) => {
                event.preventDefault()
                create.mutate(undefined)
              }}
            >
              <div className="stack">
                <Refused error={create.error} />
                <TextInput label="Workspace name" required maxLength={64} value={form.workspace_name} onChange={(e) => set('workspace_name')(e.currentTarget.value)} />
                <Group grow align="start">
                  <TextInput label="Region" required value={form.aws_region} onChange={(e) => set('aws_region')(e.currentTarget.value)} />
                  <TextInput label="Deployment name" placeholder="Chosen for you" value={form.deployment_name} onChange={(e) => set('deployment_name')(e.currentTarget.value)} />
                </Group>
                <Select label="Credentials" required data={data.credentials} value={form.credentials_id || null} onChange={set('credentials_id')} nothingFoundMessage="None" />
                <Select label="Storage configuration" required data={data.storage} value={form.storage_configuration_id || null} onChange={set('storage_configuration_id')} />
                <Select label="Network" placeholder="Managed for you" clearable data={data.networks} value={form.network_id || null} onChange={set('network_id')} />
                <Select label="Private access settings" placeholder="None" clearable data={data.privateAccess} value={form.private_access_settings_id || null} onChange={set('private_access_settings_id')} />
                <Select label="Key for managed services" placeholder="None" clearable data={data.managedKeys} value={form.managed_services_customer_managed_key_id || null} onChange={set('managed_services_customer_managed_key_id')} />
                <Select label="Key for storage" placeholder="None" clearable data={data.storageKeys} value={form.storage_customer_managed_key_id || null} onChange={set('storage_customer_managed_key_id')} />
                {data.credentials.length === 0 && (
                  <p className="dim small" style={{ margin: 0 }}>
                    There are no credentials yet.{' '}
                    <Link className="plain-link" to="/cloud-resources/$kind" params={{ kind: 'credentials' }}>
                      Register some
                    </Link>{' '}
                    first, or take the quickstart.
                  </p>
                )}
                <Group justify="flex-end">
                  <Button type="submit" loading={create.isPending}>
                    Create workspace
                  </Button>
                </Group>
              </div>
            </form>
          )}
        </Answer>
      </div>
    </Page>
  )
}
