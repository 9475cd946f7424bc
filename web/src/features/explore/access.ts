import { useQuery } from '@tanstack/react-query'
import { call, type Result } from '../../api/client'
import { everything, fullName, type Ref, useWorkspace } from '../../ui/catalog/names'

export type Explained = Result<'GET /api/2.1/unity-catalog/tarn/effective-access/{securable_type}/{full_name}'>

/** About anything that has grants; the console shows fewer kinds. */
export function explain(workspaceId: string, of: { kind: string; names: string[] }, principal = '') {
  return {
    queryKey: [...everything(workspaceId), 'why', of.kind, fullName(of), principal],
    queryFn: () =>
      call(
        'GET /api/2.1/unity-catalog/tarn/effective-access/{securable_type}/{full_name}',
        { securable_type: of.kind, full_name: fullName(of), principal },
        undefined,
        workspaceId,
      ),
  }
}

/** What the one who looks may do with it, by the server's own decision; nothing until it has answered. */
export function useMine(of: Ref): Explained {
  return useQuery(explain(useWorkspace(), of)).data ?? {}
}
