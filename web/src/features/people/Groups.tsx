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

type Row = NonNullable<Result<'GET /api/2.0/accounts/{account_id}/scim/v2/Groups'>['Resources']>[number]

const COLUMNS: Column<Row>[] = [
  {
    label: 'Name',
    cell: (row) => (
      <Link to="/groups/$id" params={{ id: row.id ?? '' }}>
        {row.displayName}
      </Link>
    ),
  },
  { label: 'Id', cell: (row) => <span className="mono">{row.id}</span>, wide: true },
]

export function Groups() {
  const [name, setName] = useState('')
  const navigate = useNavigate()
  return (
    <Page
      title="Groups"
      about="Groups hold users, service principals and other groups. What a group is given, all below it have."
      actions={
        <>
          <ShowCode
            title="Groups"
            of={{
              python: python('g = a.groups_v2.create(display_name="data-team")'),
              curl: curl('POST /api/2.0/accounts/{account_id}/scim/v2/Groups', { displayName: 'data-team' }),
              terraform: 'resource "databricks_group" "data_team" {\n  display_name = "data-team"\n}',
            }}
          />
          <FormButton
            label="Create group"
            submit="Create"
            icon={<IconPlus size={16} aria-hidden />}
            reset={() => setName('')}
            act={() => call('POST /api/2.0/accounts/{account_id}/scim/v2/Groups', {}, { displayName: name })}
            changes={[['groups']]}
            then={(made) => void navigate({ to: '/groups/$id', params: { id: made.id ?? '' } })}
          >
            <TextInput label="Name" required data-autofocus value={name} onChange={(event) => setName(event.currentTarget.value)} />
          </FormButton>
        </>
      }
    >
      <PagedList
        label="groups"
        queryKey={['groups']}
        id={(row) => row.id ?? ''}
        columns={COLUMNS}
        empty={
          <Empty title="No groups yet">
            <p>Give workspaces and roles to groups rather than to persons: who joins has them, who leaves does not.</p>
          </Empty>
        }
        ask={async ({ filter, ...page }) => {
          const found = await call('GET /api/2.0/accounts/{account_id}/scim/v2/Groups', {
            ...page,
            attributes: 'id,displayName',
            filter: contains(filter, 'displayName'),
            sortBy: 'displayName',
          })
          return { rows: found.Resources ?? [], total: found.totalResults ?? 0 }
        }}
      />
    </Page>
  )
}
