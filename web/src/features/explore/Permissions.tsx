import { Button, Checkbox, Group, SegmentedControl } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useId, useState } from 'react'
import { call, type Body } from '../../api/client'
import { FormButton } from '../../ui/act'
import { Answer, Empty } from '../../ui/Answer'
import { usePages } from '../../ui/catalog/lists'
import {
  above, everything, fullName, GRANTABLE, grantee, type Kind, placeOf, PRESETS, quoted, type Ref, refOf, SECTIONS, useWorkspace, words,
} from '../../ui/catalog/names'
import { python, terraform } from '../../ui/code'
import { IconPlus } from '../../ui/icons'
import type { Column } from '../../ui/List'
import { curl, ShowCode } from '../../ui/ShowCode'
import { explain, useMine } from './access'
import { Grantee } from './Grantee'
import { PageList } from './PageList'

type Change = NonNullable<Body<'PATCH /api/2.1/unity-catalog/permissions/{securable_type}/{full_name}'>['changes']>[number]

function change(workspaceId: string, of: Ref, wanted: { principal: string; add?: string[]; remove?: string[] }) {
  return call(
    'PATCH /api/2.1/unity-catalog/permissions/{securable_type}/{full_name}',
    { securable_type: of.kind, full_name: fullName(of) },
    { changes: [wanted as Change] },
    workspaceId,
  )
}

/** What somebody was granted, here or on something above. */
interface Granted {
  principal: string
  /** Null: here. */
  from: Ref | null
  privileges: string[]
}

type Assigned = { principal?: string; privileges?: { privilege?: string; inherited_from_type?: string; inherited_from_name?: string }[] }

/** One row for each principal and each place that it has something from; what was granted here first. */
export function byPlace(assignments: Assigned[]): Granted[] {
  const rows = new Map<string, Granted>()
  for (const { principal = '', privileges = [] } of assignments) {
    for (const each of privileges) {
      const name = each.inherited_from_name
      const key = `${principal}\n${name ?? ''}`
      const row = rows.get(key) ?? {
        principal,
        from: name ? refOf((each.inherited_from_type ?? '').toLowerCase() as Kind, name) : null,
        privileges: [],
      }
      row.privileges.push(each.privilege ?? '')
      rows.set(key, row)
    }
  }
  return [...rows.values()]
}

function useGrants(of: Ref, inherited: boolean) {
  const workspaceId = useWorkspace()
  const at = { securable_type: of.kind, full_name: fullName(of), max_results: 100 }
  return usePages([...everything(workspaceId), 'grants', of.kind, fullName(of), inherited], async (page_token) => {
    if (inherited) {
      const found = await call(
        'GET /api/2.1/unity-catalog/effective-permissions/{securable_type}/{full_name}',
        { ...at, page_token },
        undefined,
        workspaceId,
      )
      return { rows: byPlace(found.privilege_assignments ?? []), next: found.next_page_token }
    }
    const found = await call('GET /api/2.1/unity-catalog/permissions/{securable_type}/{full_name}', { ...at, page_token }, undefined, workspaceId)
    return {
      rows: (found.privilege_assignments ?? []).map(
        (each): Granted => ({ principal: each.principal ?? '', from: null, privileges: each.privileges ?? [] }),
      ),
      next: found.next_page_token,
    }
  })
}

const EXAMPLE: Record<Kind, string> = { catalog: 'USE_CATALOG', schema: 'USE_SCHEMA', table: 'SELECT', volume: 'READ_VOLUME' }

export function Permissions({ of }: { of: Ref }) {
  const [inherited, setInherited] = useState(true)
  const grants = useGrants(of, inherited)
  const mine = useMine(of)
  const columns: Column<Granted>[] = [
    {
      label: 'Principal',
      cell: (row) => (
        <>
          <b>{row.principal}</b>
          {inherited && (
            <div className="small only-narrow">
              <Place of={row.from} />
            </div>
          )}
        </>
      ),
    },
    { label: 'Privileges', cell: (row) => <Privileges of={row.privileges} /> },
    ...(inherited ? [{ label: 'Granted on', cell: (row: Granted) => <Place of={row.from} />, wide: true }] : []),
    ...(mine.manages
      ? [{ label: 'Revoke', end: true, cell: (row: Granted) => row.from === null && <Revoke of={of} row={row} /> }]
      : []),
  ]
  const example = { principal: 'data-team', add: [EXAMPLE[of.kind]] }
  return (
    <div className="stack">
      <div className="bar-of">
        <SegmentedControl
          size="xs"
          aria-label="Which grants"
          value={inherited ? 'effective' : 'here'}
          onChange={(value) => setInherited(value === 'effective')}
          data={[
            { value: 'effective', label: 'With what is inherited' },
            { value: 'here', label: 'Granted here' },
          ]}
        />
        <Group gap="xs">
          <ShowCode
            title={`Grants on ${fullName(of)}`}
            workspace
            of={{
              python: python(
                `w.grants.update(\n    "${of.kind}", "${fullName(of)}",\n    changes=[catalog.PermissionsChange(principal="${example.principal}", add=[catalog.Privilege.${example.add[0]}])],\n)\nfor each in w.grants.get_effective("${of.kind}", "${fullName(of)}").privilege_assignments:\n    print(each.as_dict())`,
                'from databricks.sdk.service import catalog\n',
              ),
              curl: curl(`PATCH /api/2.1/unity-catalog/permissions/${of.kind}/${fullName(of)}`, { changes: [example] }),
              terraform: terraform('databricks_grant', 'this', {
                [of.kind]: fullName(of),
                principal: example.principal,
                privileges: example.add,
              }),
              sql: `GRANT ${words(example.add[0] ?? '')} ON ${of.kind.toUpperCase()} ${quoted(of)} TO ${grantee(example.principal)};\n\nSHOW GRANTS ON ${of.kind.toUpperCase()} ${quoted(of)};`,
            }}
          />
          {mine.manages && <Grant of={of} />}
        </Group>
      </div>
      {mine.manages === false && <p className="dim small flat">Your own grants and those of your groups. Who manages it sees all.</p>}
      <PageList
        of={grants}
        label="Grants"
        columns={columns}
        id={(row) => `${row.principal} ${row.from ? fullName(row.from) : ''}`}
        empty={
          <Empty title={inherited ? 'Nothing was granted, here or above' : 'Nothing was granted here'}>
            <p>Who owns it, or something above it, manages it without a grant.</p>
          </Empty>
        }
      />
      {mine.manages && <Why of={of} />}
    </div>
  )
}

function Privileges({ of }: { of: string[] }) {
  return (
    <span className="badges">
      {of.map((each) => (
        <span key={each} className="chip">
          {words(each)}
        </span>
      ))}
    </span>
  )
}

function Place({ of }: { of: Ref | null }) {
  const workspaceId = useWorkspace()
  return of ? (
    <span>
      <span className="dim">{of.kind} </span>
      <Link {...placeOf(workspaceId, of)} search={{ tab: 'permissions' } as never}>
        {fullName(of)}
      </Link>
    </span>
  ) : (
    <span className="dim">here</span>
  )
}

function Revoke({ of, row }: { of: Ref; row: Granted }) {
  const workspaceId = useWorkspace()
  const [ticked, setTicked] = useState(row.privileges)
  return (
    <FormButton
      label="Revoke"
      title={`Revoke from ${row.principal}`}
      submit="Revoke"
      size="xs"
      variant="subtle"
      danger
      reset={() => setTicked(row.privileges)}
      act={() => change(workspaceId, of, { principal: row.principal, remove: ticked })}
      changes={[everything(workspaceId)]}
      done={`Revoked from ${row.principal}.`}
    >
      <p className="flat small">What they have through a group, or on something above, stays.</p>
      <Checkbox.Group label="Privileges" value={ticked} onChange={setTicked} mt="sm">
        <div className="ticks">
          {row.privileges.map((each) => (
            <Checkbox key={each} value={each} label={words(each)} />
          ))}
        </div>
      </Checkbox.Group>
    </FormButton>
  )
}

/** What one needs above to get at it. */
export function wayTo(of: Ref): { on: Ref; privilege: string }[] {
  return above(of).map((on) => ({ on, privilege: on.kind === 'catalog' ? 'USE_CATALOG' : 'USE_SCHEMA' }))
}

function Grant({ of }: { of: Ref }) {
  const workspaceId = useWorkspace()
  const [principal, setPrincipal] = useState('')
  const [ticked, setTicked] = useState<string[]>([])
  const [lead, setLead] = useState(false)
  const way = wayTo(of)
  const grantable = GRANTABLE[of.kind]
  const act = async () => {
    // From the top down: whoever may not grant there is told before anything is granted below.
    for (const { on, privilege } of lead ? way : []) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other is meant
      await change(workspaceId, on, { principal: principal.trim(), add: [privilege] })
    }
    return change(workspaceId, of, { principal: principal.trim(), add: ticked })
  }
  return (
    <FormButton
      label="Grant"
      title={`Grant on ${fullName(of)}`}
      submit="Grant"
      icon={<IconPlus size={16} aria-hidden />}
      reset={() => {
        setPrincipal('')
        setTicked([])
        setLead(false)
      }}
      act={act}
      changes={[everything(workspaceId)]}
      done={`Granted to ${principal}.`}
    >
      <div className="stack">
        <Grantee label="To whom" value={principal} onChange={setPrincipal} focus />
        <Group gap="xs">
          <span className="small dim">Tick for a</span>
          {PRESETS.map(([name, all]) => (
            <Button key={name} size="compact-xs" variant="default" onClick={() => setTicked(all.filter((each) => grantable.includes(each)))}>
              {name}
            </Button>
          ))}
          <Button size="compact-xs" variant="subtle" color="gray" onClick={() => setTicked([])}>
            Nothing
          </Button>
        </Group>
        <Checkbox.Group label="Privileges" value={ticked} onChange={setTicked}>
          {SECTIONS.map(([title, all]) => [title, all.filter((each) => grantable.includes(each))] as const)
            .filter(([, some]) => some.length > 0)
            .map(([title, some]) => (
              <fieldset key={title} className="group ticks">
                <legend className="small dim">{title}</legend>
                {some.map((each) => (
                  <Checkbox key={each} value={each} label={words(each)} />
                ))}
              </fieldset>
            ))}
        </Checkbox.Group>
        {way.length > 0 && (
          <Checkbox
            checked={lead}
            onChange={(event) => setLead(event.currentTarget.checked)}
            label="Let them get there"
            description={`Grants ${way.map(({ on, privilege }) => `${words(privilege)} on ${fullName(on)}`).join(' and ')} too, without which the rest has no effect.`}
          />
        )}
      </div>
    </FormButton>
  )
}

/** The server's decision about somebody, and the rows it rests on. */
function Why({ of }: { of: Ref }) {
  const workspaceId = useWorkspace()
  const heading = useId()
  const [typed, setTyped] = useState('')
  const [asked, setAsked] = useState('')
  const answer = useQuery({ ...explain(workspaceId, of, asked), enabled: asked !== '' })
  return (
    <section className="card pad" aria-labelledby={heading}>
      <h2 id={heading}>Why can somebody see this?</h2>
      <form
        className="asking"
        onSubmit={(event) => {
          event.preventDefault()
          setAsked(typed.trim())
        }}
      >
        <Grantee label="Who" value={typed} onChange={setTyped} />
        <Button type="submit" variant="default">
          Explain
        </Button>
      </form>
      {asked !== '' && (
        <Answer of={answer} rows={2}>
          {(found) => (
            <div role="status" className="stack why">
              <p className="flat">
                <b>{asked}</b>{' '}
                {found.sees === 'METADATA'
                  ? found.wanting
                    ? 'sees that this is there and how it is made, and cannot use it.'
                    : 'sees this, and can use it.'
                  : found.sees === 'BROWSE'
                    ? 'sees that this is there, and not what is in it.'
                    : 'does not see this.'}
                {found.manages && ' Manages it: may grant on it and change its owner.'}
                {!found.enters && ' Is not assigned to this workspace.'}
              </p>
              {found.wanting && <p className="flat dim">{found.wanting}</p>}
              {(found.may ?? []).length > 0 && (
                <div>
                  <span className="small dim">May </span>
                  <Privileges of={found.may ?? []} />
                </div>
              )}
              {found.because?.length ? (
                <ul className="because" aria-label="Because">
                  {found.because.map((reason) => (
                    <li key={`${reason.privilege} ${reason.full_name} ${reason.through?.join()}`}>
                      <b>{reason.privilege === 'OWNER' ? 'Owner' : words(reason.privilege ?? '')}</b>
                      {reason.privilege === 'OWNER' ? ' of ' : ' on '}
                      {reason.securable_type?.toLowerCase()}{' '}
                      {reason.securable_type === 'METASTORE' ? (
                        reason.full_name
                      ) : (
                        <Link
                          className="plain-link"
                          {...placeOf(workspaceId, refOf(reason.securable_type?.toLowerCase() as Kind, reason.full_name ?? ''))}
                          search={{ tab: 'permissions' } as never}
                        >
                          {reason.full_name}
                        </Link>
                      )}
                      <span className="dim"> — {through(reason.through ?? [])}</span>
                    </li>
                  ))}
                </ul>
              ) : (
                <p className="flat dim">Nothing was granted to them or to a group of theirs, here or above.</p>
              )}
            </div>
          )}
        </Answer>
      )}
    </section>
  )
}

/** From somebody to the group that has it. */
export function through(names: string[]): string {
  return names.length <= 1 ? 'directly' : `as a member of ${names.slice(1).join(', which is in ')}`
}
