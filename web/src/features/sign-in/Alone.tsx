import { type ReactNode, useEffect } from 'react'
import mark from '../../favicon.svg'

/** A card in the middle: pages for people who are not signed in yet. */
export function Alone({ title, children }: { title: string; children: ReactNode }) {
  useEffect(() => {
    document.title = `${title} · Tarn`
  }, [title])
  return (
    <main className="alone">
      <div className="card">
        <span className="brand">
          <img src={mark} alt="" />
          Tarn
        </span>
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  )
}
