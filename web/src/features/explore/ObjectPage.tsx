import { Tabs } from '@mantine/core'
import type { UseQueryResult } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { Answer } from '../../ui/Answer'
import { above, fullName, placeOf, type Ref, shortName, useWorkspace } from '../../ui/catalog/names'
import { Copyable } from '../../ui/Copy'
import { Page } from '../../ui/Page'
import { type Snippets, ShowCode } from '../../ui/ShowCode'
import { When } from '../../ui/time'

export interface Tab {
  id: string
  label: string
  show: ReactNode
}

/** One thing of the catalog: what it is called and for, what can be done with it, and its tabs, each with an address. */
export function ObjectPage<T extends { comment?: string; browse_only?: boolean }>(props: {
  of: Ref
  answer: UseQueryResult<T>
  /** Such as “Managed table”. */
  what: (found: T) => string
  code: Snippets
  actions?: ReactNode
  tabs: (found: T) => Tab[]
}) {
  const workspaceId = useWorkspace()
  const navigate = useNavigate()
  const { tab } = useSearch({ strict: false }) as { tab?: string }
  const found = props.answer.data
  return (
    <Page
      title={shortName(props.of)}
      about={found?.comment}
      crumbs={[
        { to: '/w/$workspaceId/explore', params: { workspaceId }, label: 'Catalogs' },
        ...above(props.of).map((each) => ({ ...placeOf(workspaceId, each), label: shortName(each) })),
      ]}
      badge={found && <span className="kind">{props.what(found)}</span>}
      actions={
        found && (
          <>
            <ShowCode title={fullName(props.of)} of={props.code} workspace />
            {props.actions}
          </>
        )
      }
    >
      <Answer of={props.answer}>
        {(data) => {
          const tabs = props.tabs(data)
          const chosen = tabs.find((each) => each.id === tab) ?? tabs[0]
          return (
            <>
              {data.browse_only && (
                <p className="note" role="status">
                  You see that this is there, and how it is described. What is in it is not open to you.
                </p>
              )}
              <Tabs
                value={chosen?.id ?? null}
                onChange={(to) => void navigate({ to: '.', search: to === tabs[0]?.id ? {} : ({ tab: to } as never), replace: true })}
                keepMounted={false}
              >
                <Tabs.List mb="md">
                  {tabs.map((each) => (
                    <Tabs.Tab key={each.id} value={each.id}>
                      {each.label}
                    </Tabs.Tab>
                  ))}
                </Tabs.List>
                {tabs.map((each) => (
                  <Tabs.Panel key={each.id} value={each.id}>
                    {each.show}
                  </Tabs.Panel>
                ))}
              </Tabs>
            </>
          )
        }}
      </Answer>
    </Page>
  )
}

interface Described {
  owner?: string
  created_at?: number
  created_by?: string
  updated_at?: number
  updated_by?: string
  storage_location?: string
  properties?: Record<string, string>
}

export interface Fact {
  label: string
  value: ReactNode
}

/** Who, when, where; `owner` is what can be done about who owns it. */
export function Details({ of, id, owner, more }: { of: Described; id: string | undefined; owner: ReactNode; more?: Fact[] }) {
  const facts: Fact[] = [
    { label: 'Owner', value: of.owner && <Owned by={of.owner}>{owner}</Owned> },
    ...(more ?? []),
    { label: 'Created', value: of.created_at && <Done at={of.created_at} by={of.created_by} /> },
    { label: 'Changed', value: of.updated_at && <Done at={of.updated_at} by={of.updated_by} /> },
    { label: 'Location', value: of.storage_location && <Copyable value={of.storage_location} label="location" /> },
    { label: 'Id', value: id && <Copyable value={id} label="id" /> },
    ...Object.entries(of.properties ?? {}).map(([label, text]) => ({ label, value: <span className="mono">{text}</span> })),
  ]
  return (
    <div className="card pad">
      <dl className="facts">
        {facts
          .filter(({ value }) => value !== undefined && value !== '')
          .map(({ label, value }) => (
            <div key={label} style={{ display: 'contents' }}>
              <dt>{label}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </div>
  )
}

function Owned({ by, children }: { by: string; children: ReactNode }) {
  return (
    <span className="named">
      {by} {children}
    </span>
  )
}

function Done({ at, by }: { at: number; by: string | undefined }) {
  return (
    <>
      <When at={at} />
      {by && ` by ${by}`}
    </>
  )
}
