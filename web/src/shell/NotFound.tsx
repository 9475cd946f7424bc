import { Link } from '@tanstack/react-router'
import { Empty } from '../ui/Answer'

export function NotFound() {
  return (
    <main>
      <Empty title="No page has this address">
        <Link to="/" className="plain-link">
          To the start
        </Link>
      </Empty>
    </main>
  )
}
