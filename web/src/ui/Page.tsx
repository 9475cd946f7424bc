import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { type ReactNode, useEffect } from 'react'

export interface Crumb {
  to: string
  params?: Record<string, string>
  label: string
}

/** Heading, what the page is for, and what can be done on it. The title of the tab follows. */
export function Page(props: {
  title: string
  about?: ReactNode
  crumb?: Crumb
  /** Those above, when there are several. */
  crumbs?: Crumb[]
  badge?: ReactNode
  actions?: ReactNode
  children: ReactNode
}) {
  const crumbs = props.crumbs ?? (props.crumb ? [props.crumb] : [])
  useEffect(() => {
    document.title = `${props.title} · Tarn`
  }, [props.title])
  return (
    <>
      <div className="head">
        <div>
          {crumbs.length > 0 && (
            <nav className="crumbs" aria-label="Breadcrumb">
              {crumbs.map((crumb) => (
                <span key={crumb.label}>
                  <Link to={crumb.to} params={crumb.params as never}>
                    {crumb.label}
                  </Link>{' '}
                  <span aria-hidden>›</span>{' '}
                </span>
              ))}
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
