import { Menu } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { call } from '../api/client'
import { useSession } from '../api/session'
import { IconChevronDown, IconDatabase, IconHome, IconKey, IconTerminal2 } from '../ui/icons'
import { Frame } from './Frame'

/** A workspace's own pages. Their calls name it in a header; whoever may not enter is told so by the server. */
export function WorkspaceShell() {
  const { workspaceId } = useParams({ strict: false }) as { workspaceId: string }
  const who = useSession()
  const mine = useQuery({ queryKey: ['my-workspaces'], queryFn: () => call('GET /api/2.0/tarn/workspaces', {}) })
  const all = mine.data?.workspaces ?? []
  const here = all.find((each) => String(each.workspace_id) === workspaceId)
  return (
    <Frame
      home={`/w/${workspaceId}`}
      nav={[
        {
          items: [
            { to: `/w/${workspaceId}`, label: 'Home', icon: IconHome, exact: true },
            { to: `/w/${workspaceId}/sql`, label: 'SQL Editor', icon: IconTerminal2 },
            { to: `/w/${workspaceId}/explore`, label: 'Catalog', icon: IconDatabase },
            { to: `/w/${workspaceId}/tokens`, label: 'Access tokens', icon: IconKey },
          ],
        },
      ]}
      where={
        <Menu position="bottom-start" width={260}>
          <Menu.Target>
            <button type="button" className="person" aria-label={`Workspace ${here?.workspace_name ?? workspaceId}, switch`}>
              <b className="who">{here?.workspace_name ?? workspaceId}</b>
              <IconChevronDown size={15} aria-hidden />
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Label>Workspaces</Menu.Label>
            {all.map((each) => (
              <Menu.Item
                key={each.workspace_id}
                component={Link}
                to="/w/$workspaceId"
                params={{ workspaceId: String(each.workspace_id) } as never}
                rightSection={each === here ? '✓' : undefined}
              >
                {each.workspace_name}
              </Menu.Item>
            ))}
            <Menu.Divider />
            <Menu.Item component={Link} to="/workspaces">
              {who.account_admin ? 'Account console' : 'All workspaces'}
            </Menu.Item>
          </Menu.Dropdown>
        </Menu>
      }
    />
  )
}
