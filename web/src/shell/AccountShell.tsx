import { useSession } from '../api/session'
import { IconCloud, IconRobot, IconServer, IconSettings, IconStack2, IconUsers, IconUsersGroup } from '../ui/icons'
import { Frame, type NavItem } from './Frame'

const WORKSPACES: NavItem = { to: '/workspaces', label: 'Workspaces', icon: IconServer }
const SETTINGS: NavItem = { to: '/settings', label: 'Your settings', icon: IconSettings }

/** Who is no administrator sees the workspaces that are theirs, and their own settings. */
export function AccountShell() {
  const who = useSession()
  const nav = who.account_admin
    ? [
        { items: [WORKSPACES, { to: '/stacks', label: 'Stacks', icon: IconStack2 }, { to: '/cloud-resources', label: 'Cloud resources', icon: IconCloud }] },
        {
          title: 'People and access',
          items: [
            { to: '/users', label: 'Users', icon: IconUsers },
            { to: '/groups', label: 'Groups', icon: IconUsersGroup },
            { to: '/service-principals', label: 'Service principals', icon: IconRobot },
          ],
        },
        { title: 'You', items: [SETTINGS] },
      ]
    : [{ items: [WORKSPACES, SETTINGS] }]
  return <Frame nav={nav} home="/" where={<span className="where">{who.account_name}</span>} />
}
