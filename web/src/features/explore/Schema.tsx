import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { call, type Body } from '../../api/client'
import { Empty } from '../../ui/Answer'
import { useTables } from '../../ui/catalog/lists'
import { catalogRef, everything, fullName, literal, placeOf, quoted, type Ref, schemaRef, tableRef, useWorkspace } from '../../ui/catalog/names'
import { TableIcon } from '../../ui/catalog/Tree'
import { python, terraform } from '../../ui/code'
import { curl } from '../../ui/ShowCode'
import { When } from '../../ui/time'
import { useMine } from './access'
import { ChangeOwner, Delete, EditComment } from './forms'
import { Details, ObjectPage } from './ObjectPage'
import { PageList } from './PageList'
import { Permissions } from './Permissions'
import { CreateVolume, Volumes } from './Volume'

export function Schema() {
  const workspaceId = useWorkspace()
  const { catalog, schema: name } = useParams({ strict: false }) as { catalog: string; schema: string }
  const of = schemaRef(catalog, name)
  const full_name = fullName(of)
  const navigate = useNavigate()
  const mine = useMine(of)
  const answer = useQuery({
    queryKey: [...everything(workspaceId), 'schema', full_name],
    queryFn: () => call('GET /api/2.1/unity-catalog/schemas/{full_name}', { full_name, include_browse: true }, undefined, workspaceId),
  })
  const update = (body: Body<'PATCH /api/2.1/unity-catalog/schemas/{full_name}'>) =>
    call('PATCH /api/2.1/unity-catalog/schemas/{full_name}', { full_name }, body, workspaceId)
  return (
    <ObjectPage
      of={of}
      answer={answer}
      what={() => 'Schema'}
      code={{
        python: python(`for each in w.tables.list(catalog_name="${catalog}", schema_name="${name}"):\n    print(each.full_name, each.table_type.value)`),
        curl: curl(`GET /api/2.1/unity-catalog/schemas/${full_name}`),
        terraform: terraform('databricks_schema', name, { catalog_name: catalog, name, comment: answer.data?.comment, owner: answer.data?.owner }),
        sql: `DESCRIBE SCHEMA EXTENDED ${quoted(of)};\n\nSHOW TABLES IN ${quoted(of)};\n\nCOMMENT ON SCHEMA ${quoted(of)} IS ${literal(answer.data?.comment || 'What it is for')};`,
      }}
      actions={
        <>
          {mine.owns && (
            <>
              <EditComment of={of} comment={answer.data?.comment} act={(comment) => update({ comment })} />
              <Delete
                of={of}
                cascades
                warning="Its managed tables go with their data."
                act={(force) => call('DELETE /api/2.1/unity-catalog/schemas/{full_name}', { full_name, force }, undefined, workspaceId)}
                then={() => void navigate(placeOf(workspaceId, catalogRef(catalog)))}
              />
            </>
          )}
          {mine.may?.includes('CREATE_VOLUME') && <CreateVolume of={of} />}
        </>
      }
      tabs={(found) => [
        { id: 'tables', label: 'Tables and views', show: <Tables of={of} /> },
        { id: 'volumes', label: 'Volumes', show: <Volumes of={of} /> },
        {
          id: 'details',
          label: 'Details',
          show: (
            <Details of={found} id={found.schema_id} owner={mine.owns ? <ChangeOwner of={of} act={(owner) => update({ owner })} /> : null} />
          ),
        },
        { id: 'permissions', label: 'Permissions', show: <Permissions of={of} /> },
      ]}
    />
  )
}

function Tables({ of }: { of: Ref }) {
  const workspaceId = useWorkspace()
  const [catalog = '', schema = ''] = of.names
  return (
    <PageList
      of={useTables(workspaceId, catalog, schema)}
      label="Tables and views"
      id={(row) => row.name ?? ''}
      empty={
        <Empty title="Nothing that you may see">
          <p className="mono">CREATE TABLE {quoted(of)}.first (id BIGINT)</p>
        </Empty>
      }
      columns={[
        {
          label: 'Name',
          cell: (row) => (
            <span className="named">
              <TableIcon type={row.table_type} />
              <Link {...placeOf(workspaceId, tableRef(catalog, schema, row.name ?? ''))}>{row.name}</Link>
            </span>
          ),
        },
        { label: 'Comment', cell: (row) => row.comment ?? '', wide: true },
        { label: 'Owner', cell: (row) => row.owner },
        { label: 'Changed', cell: (row) => <When at={row.updated_at} />, wide: true },
      ]}
    />
  )
}
