import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'

export interface Crumb {
  to: string
  label: string
}

/** Heading, what the page is for, and what can be done on it. The title of the tab follows. */
export function Page(props: {
  title: string
  about?: ReactNode
  crumb?: Crumb
  badge?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  useEffect(() => {
    document.title = `${props.title} · Tarn`
  }, [props.title])
  return (
    <>
      <div className="head">
        <div>
          {props.crumb && (
            <nav className="crumbs" aria-label="Breadcrumb">
              <Link to={props.crumb.to}>{props.crumb.label}</Link> <span aria-hidden>›</span>
            </nav>
          )}
          <div style={{ display: 'flex', gap: '0.75rem', alignItems: 'center', flexWrap: 'wrap' }}>
            <h1>{props.title}</h1>
            {props.badge}
          </div>
          {props.about && <p>{props.about}</p>}
        </div>
        <div style={{ display: 'flex', gap: '0.5rem', flexWrap: 'wrap' }}>{props.actions}</div>
      </div>
      {props.children}
    </>
  )
}

/** A link that looks like a button. */
export function LinkButton({ to, children, icon }: { to: string; children: ReactNode; icon?: ReactNode }) {
  return (
    <Button component={Link} to={to} leftSection={icon}>
      {children}
    </Button>
  )
}
