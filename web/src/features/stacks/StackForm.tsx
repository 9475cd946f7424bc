import { Accordion, Button, Checkbox, Group, PasswordInput, Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { lazy, Suspense, useState } from 'react'
import { call, type Result } from '../../api/client'
import { Answer } from '../../ui/Answer'
import { Refused, useAct } from '../../ui/act'
import { Page } from '../../ui/Page'
import { curl, ShowCode } from '../../ui/ShowCode'
import { terraform } from './words'

const Graph = lazy(() => import('./Graph').then((module) => ({ default: module.Graph })))

type Template = Result<'GET /api/2.0/accounts/{account_id}/stacks/templates/quickstart'>
type Parameter = NonNullable<Template['Parameters']>[number]

const NOTHING = {}

/** Opened at once, because everybody fills them in. */
const SHOWN = 2

export function StackForm() {
  const template = useQuery({
    queryKey: ['template'],
    queryFn: () => call('GET /api/2.0/accounts/{account_id}/stacks/templates/quickstart', {}),
    staleTime: Infinity,
    gcTime: 0, // each form has a name of its own
  })
  return (
    <Page
      title="Quickstart"
      crumb={{ to: '/workspaces/new', label: 'Create workspace' }}
      about={template.data?.Description}
    >
      <Answer of={template} rows={8}>
        {(data) => <Form template={data} />}
      </Answer>
    </Page>
  )
}

/** The same form with what the stack was given; what is changed is carried out, and undone when it fails. */
export function UpdateForm() {
  const { name } = useParams({ strict: false }) as { name: string }
  const template = useQuery({
    queryKey: ['stack', name, 'template'],
    queryFn: () => call('GET /api/2.0/accounts/{account_id}/stacks/{name}/template', { name }),
  })
  return (
    <Page
      title={`Update ${name}`}
      crumb={{ to: `/stacks/${name}`, label: name }}
      about="What you change is carried out in place where it can be, by a replacement where not, and taken back if it fails."
    >
      <Answer of={template} rows={8}>
        {(data) => <Form template={data} updated={name} />}
      </Answer>
    </Page>
  )
}

function Form({ template, updated }: { template: Template; updated?: string }) {
  const navigate = useNavigate()
  const [name, setName] = useState(template.StackName ?? '')
  const [values, setValues] = useState<Record<string, string>>({})
  const [agreed, setAgreed] = useState(false)
  const parameters = new Map((template.Parameters ?? []).map((each) => [each.ParameterKey ?? '', each]))
  const wrong = [...parameters.values()].filter((each) => !each.SuppliedByServer && problem(each, values) !== null)
  const given = Object.fromEntries(Object.entries(values).filter(([key, value]) => value !== (parameters.get(key)?.DefaultValue ?? '')))
  const create = useAct({
    act: () =>
      updated
        ? call('PATCH /api/2.0/accounts/{account_id}/stacks/{name}', { name: updated }, { Parameters: given })
        : call('POST /api/2.0/accounts/{account_id}/stacks', {}, { StackName: name, Parameters: given }),
    changes: [['stacks'], ['stack', name], ['workspaces']],
    then: () => void navigate({ to: '/stacks/$name', params: { name } }),
  })
  const groups = template.ParameterGroups ?? []
  const field = (key: string) => {
    const each = parameters.get(key)
    return (
      each && (
        <Field
          key={key}
          parameter={each}
          value={values[key] ?? each.DefaultValue ?? ''}
          problem={key in values ? problem(each, values) : null}
          set={(value) => setValues((before) => ({ ...before, [key]: value }))}
        />
      )
    )
  }
  return (
    <div className="split">
      <form
        className="card pad"
        onSubmit={(event) => {
          event.preventDefault()
          if (wrong.length === 0 && agreed) {
            create.mutate(undefined)
          } else {
            // Says what is missing beside each field.
            setValues((before) => ({ ...Object.fromEntries(wrong.map((each) => [each.ParameterKey ?? '', before[each.ParameterKey ?? ''] ?? each.DefaultValue ?? ''])), ...before }))
          }
        }}
      >
        <div className="stack">
          <Refused error={create.error} />
          <TextInput
            label="Stack name"
            description={updated ? undefined : 'Letters, digits and hyphens. It is made up; change it if you like.'}
            readOnly={updated !== undefined}
            required
            pattern="[A-Za-z][A-Za-z0-9\-]{0,127}"
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {groups.slice(0, SHOWN).map((group) => (
            <fieldset key={group.Label} className="group">
              <legend>{group.Label}</legend>
              <div className="stack">{group.Parameters?.map(field)}</div>
            </fieldset>
          ))}
          {groups.length > SHOWN && (
            <Accordion variant="contained" multiple chevronPosition="left">
              {groups.slice(SHOWN).map((group) => (
                <Accordion.Item key={group.Label} value={group.Label ?? ''}>
                  <Accordion.Control>{group.Label}</Accordion.Control>
                  <Accordion.Panel>
                    <div className="stack">{group.Parameters?.map(field)}</div>
                  </Accordion.Panel>
                </Accordion.Item>
              ))}
            </Accordion>
          )}
          <Checkbox
            label="I acknowledge that the stack makes IAM roles with names of their own."
            required
            checked={agreed}
            onChange={(event) => setAgreed(event.currentTarget.checked)}
          />
          <Group justify="flex-end">
            <ShowCode
              title="Quickstart"
              of={{
                python: `import os, requests\n\nhost, account = os.environ["DATABRICKS_HOST"], os.environ["DATABRICKS_ACCOUNT_ID"]\nrequests.${updated ? 'patch' : 'post'}(\n    f"{host}/api/2.0/accounts/{account}/stacks${updated ? `/${updated}` : ''}",\n    headers={"Authorization": "Bearer " + os.environ["DATABRICKS_TOKEN"]},\n    json={${updated ? '' : `"StackName": ${JSON.stringify(name)}, `}"Parameters": ${JSON.stringify(masked(given, parameters))}},\n).raise_for_status()\n\n# or: ./tarn stack create --workspace-name ${JSON.stringify(values['WorkspaceName'] ?? 'dev')} --wait`,
                curl: updated
                  ? curl(`PATCH /api/2.0/accounts/{account_id}/stacks/${updated}`, { Parameters: masked(given, parameters) })
                  : curl('POST /api/2.0/accounts/{account_id}/stacks', { StackName: name, Parameters: masked(given, parameters) }),
                terraform: terraform(masked(given, parameters)),
              }}
            />
            <Button type="submit" loading={create.isPending}>
              {updated ? 'Update stack' : 'Create stack'}
            </Button>
          </Group>
        </div>
      </form>
      <section aria-labelledby="will-be">
        <h2 className="section" id="will-be">
          {updated ? 'What it consists of' : 'What it will make'}
        </h2>
        <Suspense fallback={<div className="card graph tall" />}>
          <Graph nodes={template.Resources ?? []} states={NOTHING} down />
        </Suspense>
        <p className="dim small">
          {(template.Resources ?? []).filter((each) => each.Included).length} resources in {template.Region}. What
          a resource needs stands above it.
        </p>
      </section>
    </div>
  )
}

function masked(given: Record<string, string>, parameters: Map<string, Parameter>): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([key, value]) => [key, parameters.get(key)?.NoEcho ? '…' : value]))
}

/** What the server will object to, as far as it can be known here; null when nothing. */
export function problem(parameter: Parameter, values: Record<string, string>): string | null {
  const value = values[parameter.ParameterKey ?? ''] ?? parameter.DefaultValue ?? ''
  const rule = parameter.ParameterConstraints ?? {}
  const expected = rule.ConstraintDescription ?? `${rule.MinLength ?? 0} to ${rule.MaxLength ?? 4096} characters`
  if (value.length < (rule.MinLength ?? 0) || value.length > (rule.MaxLength ?? Infinity)) {
    return `Expected: ${expected}`
  }
  try {
    return rule.AllowedPattern && !new RegExp(`^(?:${rule.AllowedPattern})$`, 'u').test(value) ? `Expected: ${expected}` : null
  } catch {
    return null // a pattern of Java's that JavaScript cannot read: the server checks
  }
}

function Field(props: { parameter: Parameter; value: string; problem: string | null; set: (value: string) => void }) {
  const { parameter, value } = props
  const rule = parameter.ParameterConstraints ?? {}
  const shared = {
    label: parameter.ParameterLabel,
    description: parameter.Description,
    error: props.problem,
    required: (rule.MinLength ?? 0) > 0 && !parameter.SuppliedByServer,
  }
  if (parameter.SuppliedByServer && parameter.NoEcho) {
    return <TextInput {...shared} readOnly value="made for you when the stack begins" />
  }
  if (rule.AllowedValues) {
    return <Select {...shared} data={rule.AllowedValues} allowDeselect={false} value={value} onChange={(chosen) => props.set(chosen ?? value)} />
  }
  const Input = parameter.NoEcho ? PasswordInput : TextInput
  return (
    <Input
      {...shared}
      readOnly={parameter.SuppliedByServer ?? false}
      value={value}
      onChange={(event) => props.set(event.currentTarget.value)}
    />
  )
}
