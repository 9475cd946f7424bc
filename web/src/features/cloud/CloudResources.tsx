import { NativeSelect, Textarea, TextInput } from '@mantine/core'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { Empty } from '../../ui/Answer'
import { Confirm, FormButton } from '../../ui/act'
import { Copyable } from '../../ui/Copy'
import { IconPlus } from '../../ui/icons'
import { type Column, PagedList } from '../../ui/List'
import { Page } from '../../ui/Page'
import { curl, ShowCode } from '../../ui/ShowCode'
import { Status } from '../../ui/Status'
import { When } from '../../ui/time'
import { type Kind, KINDS, type Resource, type Values } from './kinds'

export function CloudResources() {
  const { kind: name } = useParams({ strict: false }) as { kind: string }
  const kind = KINDS[name]
  return (
    <Page title="Cloud resources" about="What workspaces stand on. What is in use cannot be deleted.">
      <nav className="tabs" aria-label="Kinds of cloud resources">
        {Object.entries(KINDS).map(([key, each]) => (
          <Link key={key} to="/cloud-resources/$kind" params={{ kind: key }}>
            {each.title}
          </Link>
        ))}
      </nav>
      {kind ? <List key={name} kind={kind} name={name} /> : <Empty title="There is no such kind" />}
    </Page>
  )
}

function List({ kind, name }: { kind: Kind; name: string }) {
  const key = ['cloud', name]
  const [values, setValues] = useState<Values>({})
  const initial = Object.fromEntries(kind.fields.flatMap((field) => (field.options ? [[field.name, field.options[0] ?? '']] : [])))
  const columns: Column<Resource>[] = [
    {
      label: 'Name',
      cell: (row) => (
        <>
          <b>{row.name}</b>
          {row.facts.map((fact) => (
            <div key={fact} className="dim small">
              {fact}
            </div>
          ))}
        </>
      ),
    },
    ...(kind.fields.some((field) => field.name === 'vpc_id' || field.name === 'aws_vpc_endpoint_id')
      ? [{ label: 'State', cell: (row: Resource) => <Status state={row.state} /> }]
      : []),
    { label: 'Id', wide: true, cell: (row) => <Copyable value={row.id} label={`id of ${row.name}`} /> },
    { label: 'Created', wide: true, cell: (row) => <When at={row.created} /> },
    {
      label: 'Delete',
      end: true,
      cell: (row) => (
        <Confirm
          label="Delete"
          size="xs"
          variant="subtle"
          title={`Delete ${row.name}?`}
          submit="Delete"
          act={() => kind.remove(row.id)}
          changes={[key]}
          done={`${row.name} was deleted.`}
        >
          Nothing in the cloud is touched; the account forgets it.
        </Confirm>
      ),
    },
  ]
  const create = (
    <FormButton
      label={`Add ${kind.one}`}
      submit="Add"
      icon={<IconPlus size={16} aria-hidden />}
      reset={() => setValues(initial)}
      act={() => kind.create(values)}
      changes={[key]}
      done={`${kind.title}: added.`}
    >
      <div className="stack">
        {kind.fields.map((field) => {
          const shared = {
            label: field.label,
            description: field.hint,
            required: !field.optional,
            value: values[field.name] ?? '',
            onChange: (event: { currentTarget: { value: string } }) => {
              const { value } = event.currentTarget
              setValues((before) => ({ ...before, [field.name]: value }))
            },
          }
          return field.options ? (
            <NativeSelect key={field.name} {...shared} data={field.options} />
          ) : field.many ? (
            <Textarea key={field.name} {...shared} autosize minRows={2} placeholder="One a line" />
          ) : (
            <TextInput key={field.name} {...shared} />
          )
        })}
      </div>
    </FormButton>
  )
  const example = Object.fromEntries(kind.fields.map((field) => [field.name, values[field.name] || field.options?.[0] || `<${field.label}>`]))
  return (
    <>
      <div className="head">
        <p className="dim" style={{ margin: 0 }}>
          {kind.about}
        </p>
        <div style={{ display: 'flex', gap: '0.5rem', flexWrap: 'wrap' }}>
          <ShowCode
            title={kind.title}
            of={{
              python: `from databricks.sdk import AccountClient\n\na = AccountClient()\nfor each in a.${PYTHON[name]}.list():\n    print(each.as_dict())`,
              curl: curl(`POST /api/2.0/accounts/{account_id}/${kind.path}`, kind.body(example)),
              terraform: `resource "${kind.terraform}" "this" {\n  account_id = var.account_id\n${Object.entries(flat(kind.body(example)))
                .map(([field, value]) => `  ${field} = ${JSON.stringify(value)}\n`)
                .join('')}}`,
            }}
          />
          {create}
        </div>
      </div>
      <PagedList
        label={kind.title.toLowerCase()}
        title={kind.title}
        queryKey={key}
        id={(row) => row.id}
        columns={columns}
        ask={kind.list}
        empty={
          <Empty title={`No ${kind.title.toLowerCase()} yet`}>
            <p>A quickstart makes what it needs. Add your own for workspaces that you create manually.</p>
          </Empty>
        }
      />
    </>
  )
}

const PYTHON: Record<string, string> = {
  credentials: 'credentials',
  storage: 'storage',
  networks: 'networks',
  'vpc-endpoints': 'vpc_endpoints',
  'private-access': 'private_access',
  keys: 'encryption_keys',
}

/** The provider's resources take what is nested one by one. */
function flat(body: unknown): Record<string, unknown> {
  const found: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(body as object)) {
    if (value !== null && typeof value === 'object' && !Array.isArray(value) && name !== 'aws_key_info' && name !== 'vpc_endpoints') {
      Object.assign(found, flat(value))
    } else {
      found[name] = value
    }
  }
  return found
}
