import { TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { call, type Result } from '../../api/client'
import { Empty } from '../../ui/Answer'
import { Confirm, FormButton } from '../../ui/act'
import { Copyable } from '../../ui/Copy'
import { IconPlus } from '../../ui/icons'
import { type Column, contains, PagedList, Table } from '../../ui/List'
import { Page } from '../../ui/Page'
import { curl, python, ShowCode } from '../../ui/ShowCode'
import { Status } from '../../ui/Status'
import { When } from '../../ui/time'

type Row = NonNullable<Result<'GET /api/2.0/accounts/{account_id}/scim/v2/Users'>['Resources']>[number]

const COLUMNS: Column<Row>[] = [
  {
    label: 'Name',
    cell: (row) => (
      <Link to="/users/$id" params={{ id: row.id ?? '' }}>
        {row.displayName || row.userName}
      </Link>
    ),
  },
  { label: 'E-mail', cell: (row) => row.userName, wide: true },
  { label: 'State', cell: (row) => <Status state={row.active === false ? 'Disabled' : 'Active'} /> },
]

export function Users() {
  const [invited, setInvited] = useState<Result<'POST /api/2.0/accounts/{account_id}/tarn/invitations'> | null>(null)
  const [form, setForm] = useState({ user_name: '', display_name: '' })
  return (
    <Page
      title="Users"
      about="People of the account. Whoever is invited gets a link that works once."
      actions={
        <>
          <ShowCode
            title="Users"
            of={{
              python: python('for u in a.users_v2.list():\n    print(u.id, u.user_name, u.active)'),
              curl: curl('GET /api/2.0/accounts/{account_id}/scim/v2/Users?startIndex=1&count=25'),
              terraform: 'resource "databricks_user" "colleague" {\n  user_name    = "colleague@example.com"\n  display_name = "A Colleague"\n}',
            }}
          />
          <FormButton
            label="Invite"
            title="Invite a colleague"
            submit="Invite"
            icon={<IconPlus size={16} aria-hidden />}
            reset={() => setForm({ user_name: '', display_name: '' })}
            act={() => call('POST /api/2.0/accounts/{account_id}/tarn/invitations', {}, form)}
            changes={[['users'], ['invitations']]}
            then={setInvited}
          >
            <div className="stack">
              <TextInput label="E-mail" type="email" required data-autofocus value={form.user_name} onChange={(e) => setForm({ ...form, user_name: e.currentTarget.value })} />
              <TextInput label="Name" value={form.display_name} onChange={(e) => setForm({ ...form, display_name: e.currentTarget.value })} />
            </div>
          </FormButton>
        </>
      }
    >
      {invited && (
        <div className="once" role="status">
          {invited.sent ? (
            <>The invitation was sent to {invited.user_name}.</>
          ) : (
            <>
              <b>Give this link to {invited.user_name}.</b> It is shown only now and works once.
              <div style={{ marginTop: '0.4rem' }}>
                <Copyable value={invited.link ?? ''} label="link" />
              </div>
            </>
          )}
        </div>
      )}
      <div className="stack">
        <PagedList
          label="users"
          queryKey={['users']}
          id={(row) => row.id ?? ''}
          columns={COLUMNS}
          empty={<Empty title="No users yet" />}
          ask={async ({ filter, ...page }) => {
            const found = await call('GET /api/2.0/accounts/{account_id}/scim/v2/Users', {
              ...page,
              filter: contains(filter, 'userName', 'displayName'),
              sortBy: 'userName',
            })
            return { rows: found.Resources ?? [], total: found.totalResults ?? 0 }
          }}
        />
        <Invitations />
      </div>
    </Page>
  )
}

/** Links that nobody has used yet. */
function Invitations() {
  const answer = useQuery({
    queryKey: ['invitations'],
    queryFn: () => call('GET /api/2.0/accounts/{account_id}/tarn/invitations', {}),
  })
  const rows = answer.data?.invitations ?? []
  return rows.length === 0 ? null : (
    <section className="card" aria-labelledby="open">
      <h2 id="open" style={{ padding: '0.8rem 0.9rem 0' }}>
        Open invitations
      </h2>
      <Table
        label="Open invitations"
        rows={rows}
        id={(row) => row.invitation_id ?? ''}
        columns={[
          { label: 'For', cell: (row) => row.user_name },
          { label: 'Valid until', cell: (row) => <When at={row.expires_at} /> },
          {
            label: 'Revoke',
            end: true,
            cell: (row) => (
              <Confirm
                label="Revoke"
                size="xs"
                variant="subtle"
                title={`Revoke the invitation of ${row.user_name}?`}
                submit="Revoke"
                act={() =>
                  call('DELETE /api/2.0/accounts/{account_id}/tarn/invitations/{invitation_id}', { invitation_id: row.invitation_id ?? '' })
                }
                changes={[['invitations']]}
              >
                The link stops working.
              </Confirm>
            ),
          },
        ]}
      />
    </section>
  )
}
