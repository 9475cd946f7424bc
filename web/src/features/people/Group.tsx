import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call, type Result } from '../../api/client'
import { Answer, Empty } from '../../ui/Answer'
import { Confirm, FormButton } from '../../ui/act'
import { IconPlus } from '../../ui/icons'
import { type Column, Table } from '../../ui/List'
import { Page } from '../../ui/Page'
import { PrincipalPicker } from '../../ui/PrincipalPicker'
import { curl, python, ShowCode } from '../../ui/ShowCode'
import { Access } from './Access'
import { PATCH } from './User'

type Group = Result<'GET /api/2.0/accounts/{account_id}/scim/v2/Groups/{id}'>
type Member = NonNullable<Group['members']>[number]

/** How many are drawn; a group may have thousands. */
const SHOWN = 200

export function Group() {
  const { id } = useParams({ strict: false }) as { id: string }
  const navigate = useNavigate()
  const key = ['group', id]
  const answer = useQuery({ queryKey: key, queryFn: () => call('GET /api/2.0/accounts/{account_id}/scim/v2/Groups/{id}', { id }) })
  const group = answer.data
  const [member, setMember] = useState<string | null>(null)
  const patch = (operation: { op: 'add' | 'remove'; path: string; value?: unknown }) =>
    call('PATCH /api/2.0/accounts/{account_id}/scim/v2/Groups/{id}', { id }, { schemas: PATCH, Operations: [operation] })
  const columns: Column<Member>[] = [
    { label: 'Member', cell: (row) => <Link to={where(row)}>{row.display ?? row.value}</Link> },
    { label: 'Kind', cell: (row) => (where(row).split('/')[1] ?? '').replace('-', ' ').replace(/s$/, '') },
    {
      label: 'Remove',
      end: true,
      cell: (row) => (
        <Confirm
          label="Remove"
          size="xs"
          variant="subtle"
          title={`Remove ${row.display ?? row.value}?`}
          submit="Remove"
          act={() => patch({ op: 'remove', path: `members[value eq "${row.value}"]` })}
          changes={[key]}
        >
          They lose what they have only through this group.
        </Confirm>
      ),
    },
  ]
  const members = group?.members ?? []
  return (
    <Page
      title={group?.displayName ?? 'Group'}
      crumb={{ to: '/groups', label: 'Groups' }}
      actions={
        group && (
          <>
            <ShowCode
              title={group.displayName ?? ''}
              of={{
                python: python(
                  `from databricks.sdk.service import iam\n\na.groups_v2.patch(\n    "${id}",\n    operations=[iam.Patch(op=iam.PatchOp.ADD, path="members", value=[{"value": "<principal id>"}])],\n    schemas=[iam.PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP],\n)`,
                ),
                curl: curl(`PATCH /api/2.0/accounts/{account_id}/scim/v2/Groups/${id}`, {
                  schemas: PATCH,
                  Operations: [{ op: 'add', path: 'members', value: [{ value: '<principal id>' }] }],
                }),
                terraform: `resource "databricks_group_member" "this" {\n  group_id  = "${id}"\n  member_id = databricks_user.colleague.id\n}`,
              }}
            />
            <Confirm
              label="Delete"
              title={`Delete ${group.displayName}?`}
              submit="Delete"
              act={() => call('DELETE /api/2.0/accounts/{account_id}/scim/v2/Groups/{id}', { id })}
              changes={[['groups']]}
              done={`${group.displayName} was deleted.`}
              then={() => void navigate({ to: '/groups' })}
            >
              Its members stay, and lose what they have through it.
            </Confirm>
            <FormButton
              label="Add member"
              submit="Add"
              icon={<IconPlus size={16} aria-hidden />}
              reset={() => setMember(null)}
              act={() => patch({ op: 'add', path: 'members', value: [{ value: member }] })}
              changes={[key]}
              done="Added to the group."
            >
              <PrincipalPicker label="Who" kinds={['user', 'group', 'service principal']} value={member} onChange={setMember} />
            </FormButton>
          </>
        )
      }
    >
      <div className="stack">
        <div className="card">
          <Answer
            of={answer}
            isEmpty={(data) => (data.members ?? []).length === 0}
            empty={
              <Empty title="Nobody is in it">
                <p>Add users, service principals, or whole groups.</p>
              </Empty>
            }
          >
            {() => <Table label="Members" columns={columns} rows={members.slice(0, SHOWN)} id={(row) => row.value ?? ''} />}
          </Answer>
          {members.length > SHOWN && (
            <p className="state dim">
              And {members.length - SHOWN} more.
            </p>
          )}
        </div>
        <h2 className="section" style={{ margin: '0.5rem 0 0' }}>
          What its members can do, and why
        </h2>
        <Access principalId={id} />
      </div>
    </Page>
  )
}

/** A member says what it is by where it is. */
function where(member: Member): string {
  const reference = member.$ref ?? ''
  const folder = reference.startsWith('Groups') ? 'groups' : reference.startsWith('ServicePrincipals') ? 'service-principals' : 'users'
  return `/${folder}/${member.value}`
}
