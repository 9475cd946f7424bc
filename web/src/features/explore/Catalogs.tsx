import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { call } from '../../api/client'
import { Empty } from '../../ui/Answer'
import { useCatalogs } from '../../ui/catalog/lists'
import { catalogRef, placeOf, useWorkspace } from '../../ui/catalog/names'
import { python, terraform } from '../../ui/code'
import { Page } from '../../ui/Page'
import { curl, ShowCode } from '../../ui/ShowCode'
import { explain } from './access'
import { Create } from './forms'
import { PageList } from './PageList'

export function Catalogs() {
  const workspaceId = useWorkspace()
  const navigate = useNavigate()
  const catalogs = useCatalogs(workspaceId)
  const metastore = useQuery({
    queryKey: ['metastore', workspaceId],
    queryFn: () => call('GET /api/2.1/unity-catalog/metastore_summary', {}, undefined, workspaceId),
  })
  const id = metastore.data?.metastore_id ?? ''
  const mine = useQuery({ ...explain(workspaceId, { kind: 'metastore', names: [id] }), enabled: id !== '' })
  return (
    <Page
      title="Catalogs"
      about="Catalogs hold schemas, and those hold tables, views and files. You see what was granted to you or your groups."
      actions={
        <>
          <ShowCode
            title="Catalogs"
            workspace
            of={{
              python: python('w.catalogs.create(name="sales", comment="What was sold")\nfor each in w.catalogs.list():\n    print(each.name, each.owner)'),
              curl: curl('POST /api/2.1/unity-catalog/catalogs', { name: 'sales', comment: 'What was sold' }),
              terraform: terraform('databricks_catalog', 'sales', { name: 'sales', comment: 'What was sold' }),
              sql: "CREATE CATALOG sales COMMENT 'What was sold';\n\nSHOW CATALOGS;",
            }}
          />
          {mine.data?.may?.includes('CREATE_CATALOG') && (
            <Create
              label="Create catalog"
              storage="Where its managed tables are kept; an external location must cover it. Empty: the metastore’s."
              act={(made) => call('POST /api/2.1/unity-catalog/catalogs', {}, made, workspaceId)}
              then={(name) => void navigate(placeOf(workspaceId, catalogRef(name)))}
            />
          )}
        </>
      }
    >
      <PageList
        of={catalogs}
        label="Catalogs"
        id={(row) => row.name ?? ''}
        empty={
          <Empty title="No catalog that you may see">
            <p>Ask who owns one to grant you USE CATALOG on it.</p>
          </Empty>
        }
        columns={[
          { label: 'Name', cell: (row) => <Link {...placeOf(workspaceId, catalogRef(row.name ?? ''))}>{row.name}</Link> },
          { label: 'Comment', cell: (row) => row.comment ?? '', wide: true },
          { label: 'Owner', cell: (row) => row.owner },
        ]}
      />
    </Page>
  )
}
