import { Button, Switch } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { call } from '../../api/client'
import { useSession } from '../../api/session'
import { Answer } from '../../ui/Answer'
import { Confirm, Refused, useAct } from '../../ui/act'
import { Copyable } from '../../ui/Copy'
import { Page } from '../../ui/Page'
import { curl, python, ShowCode } from '../../ui/ShowCode'
import { Status } from '../../ui/Status'
import { Access } from './Access'

export const ADMIN = 'account_admin'
export const PATCH = ['urn:ietf:params:scim:api:messages:2.0:PatchOp'] as 'urn:ietf:params:scim:api:messages:2.0:PatchOp'[]

export function User() {
  const { id } = useParams({ strict: false }) as { id: string }
  const me = useSession().principal_id === id
  const navigate = useNavigate()
  const key = ['user', id]
  const changes = [['users'], key, ['access', id]]
  const answer = useQuery({ queryKey: key, queryFn: () => call('GET /api/2.0/accounts/{account_id}/scim/v2/Users/{id}', { id }) })
  const user = answer.data
  const admin = user?.roles?.some((role) => role.value === ADMIN) ?? false
  const patch = (operation: { op: 'add' | 'remove' | 'replace'; path: string; value?: unknown }) =>
    call('PATCH /api/2.0/accounts/{account_id}/scim/v2/Users/{id}', { id }, { schemas: PATCH, Operations: [operation] })
  const setAdmin = useAct({
    act: (wanted: boolean) =>
      wanted
        ? patch({ op: 'add', path: 'roles', value: [{ value: ADMIN }] })
        : patch({ op: 'remove', path: `roles[value eq "${ADMIN}"]` }),
    changes,
  })
  const enable = useAct({ act: () => patch({ op: 'replace', path: 'active', value: true }), changes })
  return (
    <Page
      title={user?.displayName || user?.userName || 'User'}
      crumb={{ to: '/users', label: 'Users' }}
      badge={user && <Status state={user.active === false ? 'Disabled' : 'Active'} />}
      actions={
        user && (
          <>
            <ShowCode
              title={user.userName ?? ''}
              of={{
                python: python(`u = a.users_v2.get("${id}")\nprint(u.user_name, u.active, u.roles)`),
                curl: curl(`GET /api/2.0/accounts/{account_id}/scim/v2/Users/${id}`),
                terraform: `resource "databricks_user" "this" {\n  user_name    = ${JSON.stringify(user.userName)}\n  display_name = ${JSON.stringify(user.displayName)}\n}`,
              }}
            />
            {!me &&
              (user.active === false ? (
                <Button variant="default" loading={enable.isPending} onClick={() => enable.mutate(undefined)}>
                  Enable
                </Button>
              ) : (
                <Confirm
                  label="Disable"
                  title={`Disable ${user.userName}?`}
                  submit="Disable"
                  act={() => patch({ op: 'replace', path: 'active', value: false })}
                  changes={changes}
                >
                  Sessions, tokens and running statements end at once. What they own stays, and they can be enabled again.
                </Confirm>
              ))}
            {!me && (
              <Confirm
                label="Delete"
                title={`Delete ${user.userName}?`}
                submit="Delete"
                act={() => call('DELETE /api/2.0/accounts/{account_id}/scim/v2/Users/{id}', { id })}
                changes={[['users']]}
                done={`${user.userName} was deleted.`}
                then={() => void navigate({ to: '/users' })}
              >
                Everything they are signed in with ends at once. What they own stays.
              </Confirm>
            )}
          </>
        )
      }
    >
      <Answer of={answer}>
        {(data) => (
          <div className="stack">
            <section className="card pad">
              <Refused error={setAdmin.error ?? enable.error} />
              <dl className="facts">
                <dt>E-mail</dt>
                <dd>{data.userName}</dd>
                <dt>Id</dt>
                <dd>
                  <Copyable value={id} label="id" />
                </dd>
                <dt>Account administrator</dt>
                <dd>
                  <Switch
                    aria-label="Account administrator"
                    checked={admin}
                    disabled={me || setAdmin.isPending}
                    onChange={(event) => setAdmin.mutate(event.currentTarget.checked)}
                  />
                </dd>
              </dl>
            </section>
            <h2 className="section" style={{ margin: '0.5rem 0 0' }}>
              What this person can do, and why
            </h2>
            <Access principalId={id} />
          </div>
        )}
      </Answer>
    </Page>
  )
}
