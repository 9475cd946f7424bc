import { Link } from '@tanstack/react-router'
import { IconAdjustments, IconBolt } from '../../ui/icons'
import { Page } from '../../ui/Page'

export function CreateWorkspace() {
  return (
    <Page
      title="Create workspace"
      crumb={{ to: '/workspaces', label: 'Workspaces' }}
      about="How much of what it stands on is there already?"
    >
      <div className="tiles" style={{ maxWidth: '44rem' }}>
        <Link to="/workspaces/new/quickstart" className="card choice">
          <IconBolt size={24} stroke={1.6} aria-hidden />
          <h2>Quickstart</h2>
          <p>A CloudFormation stack makes everything: IAM roles, the bucket, credentials, storage configuration, the workspace. About a minute.</p>
        </Link>
        <Link to="/workspaces/new/manual" className="card choice">
          <IconAdjustments size={24} stroke={1.6} aria-hidden />
          <h2>Manual</h2>
          <p>Put a workspace on credentials, storage, network and keys that you have registered under cloud resources.</p>
        </Link>
      </div>
    </Page>
  )
}
