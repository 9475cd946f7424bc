import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call, partOf, Problem, rowsOf } from '../../api/client'
import { Answer, Empty } from '../../ui/Answer'
import { Confirm, FormButton } from '../../ui/act'
import { IconPlus } from '../../ui/icons'
import { type Column, PagedList } from '../../ui/List'
import { Page } from '../../ui/Page'
import { kindOf, nameOf, placeOf, type Principal } from '../../ui/principals'
import { PrincipalPicker } from '../../ui/PrincipalPicker'
import { curl, python, ShowCode } from '../../ui/ShowCode'
import { Access } from './Access'
import { PATCH } from './User'

export function Group() {
  const { id } = useParams({ strict: false }) as { id: string }
  const navigate = useNavigate()
  const key = ['group', id]
  // Without its members: they come page by page.
  const answer = useQuery({
    queryKey: key,
    queryFn: async () => {
      const found = await call('GET /api/2.0/accounts/{account_id}/scim/v2/Groups', {
        filter: `id eq ${JSON.stringify(id)}`,
        attributes: 'id,displayName',
      })
      const [group] = found.Resources ?? []
      if (!group) {
        throw new Problem(404, 'NOT_FOUND', `There is no group ${id}.`)
      }
      return group
    },
  })
  const group = answer.data
  const [member, setMember] = useState<string | null>(null)
  const patch = (operation: { op: 'add' | 'remove'; path: string; value?: unknown }) =>
    call('PATCH /api/2.0/accounts/{account_id}/scim/v2/Groups/{id}', { id }, { schemas: PATCH, Operations: [operation] })
  const columns: Column<Principal>[] = [
    { label: 'Member', cell: (row) => <Link to={placeOf(row)}>{nameOf(row)}</Link> },
    { label: 'Kind', cell: (row) => kindOf(row) },
    {
      label: 'Remove',
      end: true,
      cell: (row) => (
        <Confirm
          label="Remove"
          size="xs"
          variant="subtle"
          title={`Remove ${nameOf(row)}?`}
          submit="Remove"
          act={() => patch({ op: 'remove', path: `members[value eq "${row.principal_id}"]` })}
          changes={[key]}
        >
          They lose what they have only through this group.
        </Confirm>
      ),
    },
  ]
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
        <Answer of={answer}>
          {() => (
            <PagedList
              label="members"
              title="Members"
              queryKey={key}
              id={(row) => String(row.principal_id)}
              columns={columns}
              empty={
                <Empty title="Nobody is in it">
                  <p>Add users, service principals, or whole groups.</p>
                </Empty>
              }
              ask={async (part) =>
                rowsOf(
                  await call('GET /api/2.0/accounts/{account_id}/tarn/groups/{group_id}/members', { group_id: id, ...partOf(part) }),
                )
              }
            />
          )}
        </Answer>
        <h2 className="section" style={{ margin: '0.5rem 0 0' }}>
          What its members can do, and why
        </h2>
        <Access principalId={id} />
      </div>
    </Page>
  )
}
