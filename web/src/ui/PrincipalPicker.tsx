import { Select } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../api/client'
import { contains } from './List'

export type Kind = 'user' | 'group' | 'service principal'

const COUNT = 12

async function found(typed: string, kinds: Kind[]) {
  const page = { startIndex: 1, count: COUNT }
  const [users, groups, services] = await Promise.all([
    kinds.includes('user')
      ? call('GET /api/2.0/accounts/{account_id}/scim/v2/Users', { ...page, filter: contains(typed, 'userName', 'displayName') })
      : { Resources: [] },
    kinds.includes('group')
      ? call('GET /api/2.0/accounts/{account_id}/scim/v2/Groups', { ...page, filter: contains(typed, 'displayName') })
      : { Resources: [] },
    kinds.includes('service principal')
      ? call('GET /api/2.0/accounts/{account_id}/scim/v2/ServicePrincipals', { ...page, filter: contains(typed, 'displayName') })
      : { Resources: [] },
  ])
  return [
    { group: 'Groups', items: (groups.Resources ?? []).map((each) => ({ value: each.id ?? '', label: each.displayName ?? '' })) },
    { group: 'Users', items: (users.Resources ?? []).map((each) => ({ value: each.id ?? '', label: each.userName ?? '' })) },
    {
      group: 'Service principals',
      items: (services.Resources ?? []).map((each) => ({ value: each.id ?? '', label: each.displayName ?? each.applicationId ?? '' })),
    },
  ].filter((each) => each.items.length > 0)
}

/** Somebody of the account, found while typing. */
export function PrincipalPicker(props: {
  label: string
  kinds: Kind[]
  value: string | null
  onChange: (id: string | null) => void
}) {
  const [typed, setTyped] = useState('')
  const [search] = useDebouncedValue(typed, 200)
  const answer = useQuery({
    queryKey: ['picker', search, props.kinds],
    queryFn: () => found(search, props.kinds),
    placeholderData: keepPreviousData,
  })
  return (
    <Select
      label={props.label}
      placeholder={`Name of a ${props.kinds.join(', a ')}`}
      required
      searchable
      data={answer.data ?? []}
      filter={({ options }) => options} // the server has filtered
      searchValue={typed}
      onSearchChange={setTyped}
      value={props.value}
      onChange={props.onChange}
      nothingFoundMessage={answer.isFetching ? 'Looking…' : 'Nobody'}
    />
  )
}
