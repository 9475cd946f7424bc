import { ActionIcon, Menu, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQueryClient } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { type ComponentType, type ReactNode, useEffect, useRef } from 'react'
import { call } from '../api/client'
import { useSession } from '../api/session'
import mark from '../favicon.svg'
import { IconChevronDown, IconMenu2 } from '../ui/icons'

export interface NavItem {
  to: string
  label: string
  icon: ComponentType<{ size?: number; stroke?: number }>
  exact?: boolean
}

/** Bar, side and page: what account and workspace have in common. */
export function Frame(props: { nav: { title?: string; items: NavItem[] }[]; where: ReactNode; home: string }) {
  const [opened, { toggle, close }] = useDisclosure(false)
  const path = useRouterState({ select: (state) => state.location.pathname })
  const main = useRef<HTMLElement>(null)
  const first = useRef(true)
  // A new page begins at its heading for those who cannot see that it changed.
  useEffect(() => {
    close()
    if (first.current) {
      first.current = false
    } else {
      // But who walks through a tree goes on there.
      if (!document.activeElement?.closest('[role=tree]')) {
        main.current?.focus()
      }
    }
    // oxlint-disable-next-line react/exhaustive-effect-dependencies -- the path is what happened
  }, [path, close])
  return (
    <>
      <a className="skip" href="#main">
        To the content
      </a>
      <div className="shell">
        <header className="bar">
          <ActionIcon
            className="only-narrow"
            variant="subtle"
            color="gray"
            aria-label="Menu"
            aria-expanded={opened}
            onClick={toggle}
          >
            <IconMenu2 size={20} />
          </ActionIcon>
          <Link to={props.home} className="brand">
            <img src={mark} alt="" />
            Tarn
          </Link>
          {props.where}
          <div style={{ marginLeft: 'auto' }}>
            <PersonMenu />
          </div>
        </header>
        <nav className={`side ${opened ? 'open' : ''}`} aria-label="Main">
          {props.nav.map((group) => (
            <div key={group.title ?? ''}>
              {group.title && <h2>{group.title}</h2>}
              {group.items.map((item) => (
                <Link key={item.to} to={item.to} activeOptions={{ exact: item.exact ?? false }} onClick={close}>
                  <item.icon size={17} stroke={1.7} />
                  {item.label}
                </Link>
              ))}
            </div>
          ))}
        </nav>
        <main className="main" id="main" tabIndex={-1} ref={main}>
          <Outlet />
        </main>
      </div>
    </>
  )
}

function PersonMenu() {
  const who = useSession()
  const { colorScheme, setColorScheme } = useMantineColorScheme()
  const client = useQueryClient()
  const navigate = useNavigate()
  const out = async () => {
    await call('DELETE /api/2.0/tarn/session', {})
    client.clear()
    await navigate({ to: '/login' })
  }
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <button type="button" className="mantine-focus-auto person">
          <span className="who">{who.display_name || who.user_name}</span>
          <IconChevronDown size={15} aria-hidden />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{who.user_name}</Menu.Label>
        <Menu.Item component={Link} to="/settings">
          Settings
        </Menu.Item>
        <Menu.Divider />
        <Menu.Label>Appearance</Menu.Label>
        {(['auto', 'light', 'dark'] as const).map((scheme) => (
          <Menu.Item
            key={scheme}
            onClick={() => setColorScheme(scheme)}
            rightSection={scheme === colorScheme ? '✓' : undefined}
          >
            {{ auto: 'As the system', light: 'Light', dark: 'Dark' }[scheme]}
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={() => void out()}>Sign out</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
