import { Autocomplete } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { call } from '../../api/client'
import { useWorkspace } from '../../ui/catalog/names'
import { contains } from '../../ui/List'

const EVERYBODY = 'account users'
const COUNT = 8

async function named(workspaceId: string, typed: string) {
  const page = { startIndex: 1, count: COUNT }
  const [users, groups, services] = await Promise.all([
    call('GET /api/2.0/preview/scim/v2/Users', { ...page, filter: contains(typed, 'userName', 'displayName') }, undefined, workspaceId),
    call('GET /api/2.0/preview/scim/v2/Groups', { ...page, filter: contains(typed, 'displayName') }, undefined, workspaceId),
    call('GET /api/2.0/preview/scim/v2/ServicePrincipals', { ...page, filter: contains(typed, 'displayName') }, undefined, workspaceId),
  ])
  const seen = new Set<string>()
  const fresh = (names: (string | undefined)[]) =>
    names.filter((name): name is string => Boolean(name) && !seen.has(name!) && Boolean(seen.add(name!)))
  return [
    { group: 'Groups', items: fresh([...(EVERYBODY.includes(typed.toLowerCase()) ? [EVERYBODY] : []), ...(groups.Resources ?? []).map((each) => each.displayName)]) },
    { group: 'Users', items: fresh((users.Resources ?? []).map((each) => each.userName)) },
    { group: 'Service principals', items: fresh((services.Resources ?? []).map((each) => each.applicationId)) },
  ].filter((each) => each.items.length > 0)
}

/** A name as grants have it, found among those of the workspace or typed out: grants may name anybody of the account. */
export function Grantee(props: { label: string; value: string; onChange: (name: string) => void; focus?: boolean }) {
  const workspaceId = useWorkspace()
  const [search] = useDebouncedValue(props.value, 200)
  const answer = useQuery({
    queryKey: ['grantees', workspaceId, search],
    queryFn: () => named(workspaceId, search),
    placeholderData: keepPreviousData,
  })
  return (
    <Autocomplete
      label={props.label}
      placeholder="E-mail, group, or a service principal’s application id"
      required
      data-autofocus={props.focus}
      data={answer.data ?? []}
      filter={({ options }) => options} // the server has filtered
      value={props.value}
      onChange={props.onChange}
    />
  )
}
