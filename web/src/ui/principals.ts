// How a principal is called, whichever of the three it is.
import type { Result } from '../api/client'

export type Principal = NonNullable<Result<'GET /api/2.0/accounts/{account_id}/tarn/groups/{group_id}/members'>['rows']>[number]

export function nameOf(who: Principal | undefined): string {
  return who?.display_name ?? who?.user_name ?? who?.group_name ?? who?.service_principal_name ?? String(who?.principal_id)
}

export function kindOf(who: Principal | undefined): string {
  return who?.user_name ? 'User' : who?.group_name ? 'Group' : 'Service principal'
}

/** Its page. */
export function placeOf(who: Principal): string {
  return `/${who.user_name ? 'users' : who.group_name ? 'groups' : 'service-principals'}/${who.principal_id}`
}
