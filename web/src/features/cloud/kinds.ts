// The kinds of cloud resources: one list page and one form serve them all, each kind says what is its own.
import { call, page, type Part } from '../../api/client'

export interface Field {
  name: string
  label: string
  hint?: string
  /** Several, one a line or with commas between. */
  many?: boolean
  options?: string[]
  optional?: boolean
}

export interface Resource {
  id: string
  name: string
  facts: string[]
  state?: string | undefined
  created?: number | undefined
}

export type Values = Record<string, string>

export interface Kind {
  title: string
  one: string
  about: string
  fields: Field[]
  list: (asked: Part) => Promise<{ rows: Resource[]; total: number }>
  create: (values: Values) => Promise<unknown>
  body: (values: Values) => unknown
  remove: (id: string) => Promise<unknown>
  path: string
  terraform: string
}

const text = (values: Values, name: string) => values[name]?.trim() || undefined
const list = (values: Values, name: string) => {
  const all = (values[name] ?? '').split(/[\s,]+/).filter(Boolean)
  return all.length > 0 ? all : undefined
}
const facts = (...all: (string | undefined | null)[]) => all.filter((each): each is string => Boolean(each))

const credentials = (values: Values) => ({
  credentials_name: text(values, 'name') ?? '',
  aws_credentials: { sts_role: { role_arn: text(values, 'role_arn') ?? '' } },
})
const storage = (values: Values) => ({
  storage_configuration_name: text(values, 'name') ?? '',
  root_bucket_info: { bucket_name: text(values, 'bucket_name') ?? '' },
  ...(text(values, 'role_arn') ? { role_arn: text(values, 'role_arn')! } : {}),
})
const network = (values: Values) => ({
  network_name: text(values, 'name') ?? '',
  vpc_id: text(values, 'vpc_id') ?? '',
  subnet_ids: list(values, 'subnet_ids') ?? [],
  security_group_ids: list(values, 'security_group_ids') ?? [],
  ...(list(values, 'rest_api') || list(values, 'dataplane_relay')
    ? { vpc_endpoints: { rest_api: list(values, 'rest_api') ?? [], dataplane_relay: list(values, 'dataplane_relay') ?? [] } }
    : {}),
})
const endpoint = (values: Values) => ({
  vpc_endpoint_name: text(values, 'name') ?? '',
  aws_vpc_endpoint_id: text(values, 'aws_vpc_endpoint_id') ?? '',
  region: text(values, 'region') ?? '',
})
const privateAccess = (values: Values) => ({
  private_access_settings_name: text(values, 'name') ?? '',
  region: text(values, 'region') ?? '',
  public_access_enabled: values['public_access_enabled'] !== 'no',
  private_access_level: (text(values, 'private_access_level') ?? 'ACCOUNT') as 'ACCOUNT' | 'ENDPOINT',
  ...(list(values, 'allowed_vpc_endpoint_ids') ? { allowed_vpc_endpoint_ids: list(values, 'allowed_vpc_endpoint_ids')! } : {}),
})
const key = (values: Values) => ({
  use_cases: (values['use_case'] === 'both' ? ['MANAGED_SERVICES', 'STORAGE'] : [values['use_case'] || 'MANAGED_SERVICES']) as (
    | 'MANAGED_SERVICES'
    | 'STORAGE'
  )[],
  aws_key_info: {
    key_arn: text(values, 'key_arn') ?? '',
    ...(text(values, 'key_alias') ? { key_alias: text(values, 'key_alias')! } : {}),
  },
})

const NAME: Field = { name: 'name', label: 'Name' }
const REGION: Field = { name: 'region', label: 'Region', hint: 'Such as us-east-1.' }

export const KINDS: Record<string, Kind> = {
  credentials: {
    title: 'Credentials',
    one: 'credentials',
    about: 'The IAM role that the control plane takes on to run the machines of a workspace.',
    fields: [NAME, { name: 'role_arn', label: 'ARN of the role', hint: 'arn:aws:iam::123456789012:role/name' }],
    list: async (asked) => {
      const found = await page('GET /api/2.0/accounts/{account_id}/credentials', asked)
      const rows = found.rows.map((each) => ({
        id: each.credentials_id ?? '',
        name: each.credentials_name ?? '',
        facts: facts(each.aws_credentials?.sts_role?.role_arn),
        created: each.creation_time,
      }))
      return { rows, total: found.total }
    },
    body: credentials,
    create: (values) => call('POST /api/2.0/accounts/{account_id}/credentials', {}, credentials(values)),
    remove: (id) => call('DELETE /api/2.0/accounts/{account_id}/credentials/{credentials_id}', { credentials_id: id }),
    path: 'credentials',
    terraform: 'databricks_mws_credentials',
  },
  storage: {
    title: 'Storage configurations',
    one: 'storage configuration',
    about: 'The bucket that a workspace keeps its files, results and catalog in.',
    fields: [
      NAME,
      { name: 'bucket_name', label: 'Bucket' },
      { name: 'role_arn', label: 'ARN of the catalog’s role', optional: true, hint: 'With it the workspace gets a catalog of its own.' },
    ],
    list: async (asked) => {
      const found = await page('GET /api/2.0/accounts/{account_id}/storage-configurations', asked)
      const rows = found.rows.map((each) => ({
        id: each.storage_configuration_id ?? '',
        name: each.storage_configuration_name ?? '',
        facts: facts(each.root_bucket_info?.bucket_name, each.role_arn),
        created: each.creation_time,
      }))
      return { rows, total: found.total }
    },
    body: storage,
    create: (values) => call('POST /api/2.0/accounts/{account_id}/storage-configurations', {}, storage(values)),
    remove: (id) =>
      call('DELETE /api/2.0/accounts/{account_id}/storage-configurations/{storage_configuration_id}', {
        storage_configuration_id: id,
      }),
    path: 'storage-configurations',
    terraform: 'databricks_mws_storage_configurations',
  },
  networks: {
    title: 'Networks',
    one: 'network',
    about: 'A VPC of yours with its subnets and security groups. One workspace uses it.',
    fields: [
      NAME,
      { name: 'vpc_id', label: 'VPC', hint: 'vpc-…' },
      { name: 'subnet_ids', label: 'Subnets', hint: 'Two or more.', many: true },
      { name: 'security_group_ids', label: 'Security groups', hint: 'One to five.', many: true },
      { name: 'rest_api', label: 'VPC endpoint for the REST API', optional: true },
      { name: 'dataplane_relay', label: 'VPC endpoint for the relay', optional: true },
    ],
    list: async (asked) => {
      const found = await page('GET /api/2.0/accounts/{account_id}/networks', asked)
      const rows = found.rows.map((each) => ({
        id: each.network_id ?? '',
        name: each.network_name ?? '',
        facts: facts(each.vpc_id, each.workspace_id ? `workspace ${each.workspace_id}` : null, ...(each.error_messages ?? []).map((e) => e.error_message), ...(each.warning_messages ?? []).map((w) => w.warning_message)),
        state: each.vpc_status,
        created: each.creation_time,
      }))
      return { rows, total: found.total }
    },
    body: network,
    create: (values) => call('POST /api/2.0/accounts/{account_id}/networks', {}, network(values)),
    remove: (id) => call('DELETE /api/2.0/accounts/{account_id}/networks/{network_id}', { network_id: id }),
    path: 'networks',
    terraform: 'databricks_mws_networks',
  },
  'vpc-endpoints': {
    title: 'VPC endpoints',
    one: 'VPC endpoint',
    about: 'Registered ends of PrivateLink.',
    fields: [NAME, { name: 'aws_vpc_endpoint_id', label: 'AWS VPC endpoint', hint: 'vpce-…' }, REGION],
    list: async (asked) => {
      const found = await page('GET /api/2.0/accounts/{account_id}/vpc-endpoints', asked)
      const rows = found.rows.map((each) => ({
        id: each.vpc_endpoint_id ?? '',
        name: each.vpc_endpoint_name ?? '',
        facts: facts(each.aws_vpc_endpoint_id, each.region, each.use_case),
        state: each.state,
      }))
      return { rows, total: found.total }
    },
    body: endpoint,
    create: (values) => call('POST /api/2.0/accounts/{account_id}/vpc-endpoints', {}, endpoint(values)),
    remove: (id) => call('DELETE /api/2.0/accounts/{account_id}/vpc-endpoints/{vpc_endpoint_id}', { vpc_endpoint_id: id }),
    path: 'vpc-endpoints',
    terraform: 'databricks_mws_vpc_endpoint',
  },
  'private-access': {
    title: 'Private access settings',
    one: 'private access settings',
    about: 'From where workspaces may be reached: through PrivateLink, from public networks, or both.',
    fields: [
      NAME,
      REGION,
      { name: 'public_access_enabled', label: 'From public networks too', options: ['yes', 'no'] },
      { name: 'private_access_level', label: 'Which VPC endpoints', options: ['ACCOUNT', 'ENDPOINT'] },
      { name: 'allowed_vpc_endpoint_ids', label: 'Allowed VPC endpoints', many: true, optional: true },
    ],
    list: async (asked) => {
      const found = await page('GET /api/2.0/accounts/{account_id}/private-access-settings', asked)
      const rows = found.rows.map((each) => ({
        id: each.private_access_settings_id ?? '',
        name: each.private_access_settings_name ?? '',
        facts: facts(each.region, each.public_access_enabled ? 'public too' : 'PrivateLink only', each.private_access_level),
      }))
      return { rows, total: found.total }
    },
    body: privateAccess,
    create: (values) => call('POST /api/2.0/accounts/{account_id}/private-access-settings', {}, privateAccess(values)),
    remove: (id) =>
      call('DELETE /api/2.0/accounts/{account_id}/private-access-settings/{private_access_settings_id}', {
        private_access_settings_id: id,
      }),
    path: 'private-access-settings',
    terraform: 'databricks_mws_private_access_settings',
  },
  keys: {
    title: 'Customer-managed keys',
    one: 'key',
    about: 'Keys of yours for what managed services and workspace storage encrypt.',
    fields: [
      { name: 'key_arn', label: 'ARN of the key', hint: 'arn:aws:kms:us-east-1:123456789012:key/…' },
      { name: 'key_alias', label: 'Alias', hint: 'alias/…', optional: true },
      { name: 'use_case', label: 'For', options: ['MANAGED_SERVICES', 'STORAGE', 'both'] },
    ],
    list: async (asked) => {
      const found = await page('GET /api/2.0/accounts/{account_id}/customer-managed-keys', asked)
      const rows = found.rows.map((each) => ({
        id: each.customer_managed_key_id ?? '',
        name: each.aws_key_info?.key_alias ?? each.aws_key_info?.key_arn ?? '',
        facts: facts(each.aws_key_info?.key_arn, each.use_cases?.join(', ')),
        created: each.creation_time,
      }))
      return { rows, total: found.total }
    },
    body: key,
    create: (values) => call('POST /api/2.0/accounts/{account_id}/customer-managed-keys', {}, key(values)),
    remove: (id) =>
      call('DELETE /api/2.0/accounts/{account_id}/customer-managed-keys/{customer_managed_key_id}', { customer_managed_key_id: id }),
    path: 'customer-managed-keys',
    terraform: 'databricks_mws_customer_managed_keys',
  },
}
