import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { call, type Body } from '../../api/client'
import { Empty } from '../../ui/Answer'
import { useSchemas } from '../../ui/catalog/lists'
import { catalogRef, everything, literal, placeOf, quoted, type Ref, schemaRef, useWorkspace } from '../../ui/catalog/names'
import { python, terraform } from '../../ui/code'
import { curl } from '../../ui/ShowCode'
import { When } from '../../ui/time'
import { useMine } from './access'
import { ChangeOwner, Create, Delete, EditComment } from './forms'
import { Details, ObjectPage } from './ObjectPage'
import { PageList } from './PageList'
import { Permissions } from './Permissions'

export function Catalog() {
  const workspaceId = useWorkspace()
  const { catalog: name } = useParams({ strict: false }) as { catalog: string }
  const of = catalogRef(name)
  const navigate = useNavigate()
  const mine = useMine(of)
  const answer = useQuery({
    queryKey: [...everything(workspaceId), 'catalog', name],
    queryFn: () => call('GET /api/2.1/unity-catalog/catalogs/{name}', { name, include_browse: true }, undefined, workspaceId),
  })
  const update = (body: Body<'PATCH /api/2.1/unity-catalog/catalogs/{name}'>) =>
    call('PATCH /api/2.1/unity-catalog/catalogs/{name}', { name }, body, workspaceId)
  return (
    <ObjectPage
      of={of}
      answer={answer}
      what={(found) => (found.isolation_mode === 'ISOLATED' ? 'Catalog, for chosen workspaces' : 'Catalog')}
      code={{
        python: python(`c = w.catalogs.get("${name}")\nprint(c.as_dict())\nfor each in w.schemas.list(catalog_name="${name}"):\n    print(each.full_name, each.owner)`),
        curl: curl(`GET /api/2.1/unity-catalog/catalogs/${name}`),
        terraform: terraform('databricks_catalog', name, { name, comment: answer.data?.comment, owner: answer.data?.owner }),
        sql: `DESCRIBE CATALOG ${quoted(of)};\n\nCOMMENT ON CATALOG ${quoted(of)} IS ${literal(answer.data?.comment || 'What it is for')};`,
      }}
      actions={
        <>
          {mine.owns && (
            <>
              <EditComment of={of} comment={answer.data?.comment} act={(comment) => update({ comment })} />
              <Delete
                of={of}
                cascades
                warning="Its managed tables go with their data. Nobody has it any more, in no workspace."
                act={(force) => call('DELETE /api/2.1/unity-catalog/catalogs/{name}', { name, force }, undefined, workspaceId)}
                then={() => void navigate({ to: '/w/$workspaceId/explore', params: { workspaceId } as never })}
              />
            </>
          )}
          {mine.may?.includes('CREATE_SCHEMA') && (
            <Create
              label="Create schema"
              storage="Where its managed tables are kept; an external location must cover it. Empty: the catalog’s."
              act={(made) => call('POST /api/2.1/unity-catalog/schemas', {}, { ...made, catalog_name: name }, workspaceId)}
              then={(made) => void navigate(placeOf(workspaceId, schemaRef(name, made)))}
            />
          )}
        </>
      }
      tabs={(found) => [
        { id: 'schemas', label: 'Schemas', show: <Schemas of={of} /> },
        {
          id: 'details',
          label: 'Details',
          show: (
            <Details
              of={found}
              id={undefined}
              owner={mine.owns ? <ChangeOwner of={of} act={(owner) => update({ owner })} /> : null}
              more={[
                { label: 'Workspaces', value: found.isolation_mode === 'ISOLATED' ? 'those it is bound to' : 'all of the metastore' },
                { label: 'Storage root', value: found.storage_root },
              ]}
            />
          ),
        },
        { id: 'permissions', label: 'Permissions', show: <Permissions of={of} /> },
      ]}
    />
  )
}

function Schemas({ of }: { of: Ref }) {
  const workspaceId = useWorkspace()
  const [catalog = ''] = of.names
  return (
    <PageList
      of={useSchemas(workspaceId, catalog)}
      label="Schemas"
      id={(row) => row.name ?? ''}
      empty={<Empty title="No schema that you may see" />}
      columns={[
        { label: 'Name', cell: (row) => <Link {...placeOf(workspaceId, schemaRef(catalog, row.name ?? ''))}>{row.name}</Link> },
        { label: 'Comment', cell: (row) => row.comment ?? '', wide: true },
        { label: 'Owner', cell: (row) => row.owner },
        { label: 'Created', cell: (row) => <When at={row.created_at} />, wide: true },
      ]}
    />
  )
}
