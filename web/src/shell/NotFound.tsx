import { Link } from '@tanstack/react-router'

export function NotFound() {
  return (
    <main className="state">
      <h1>No page has this address</h1>
      <Link to="/" className="plain-link">
        To the start
      </Link>
    </main>
  )
}
