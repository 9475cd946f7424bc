// What the whole has to hold: folders, size and origin of what is loaded.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'

const BUILT = 'target/classes/dev/tarn/web'

interface Chunk {
  file: string
  imports?: string[]
  css?: string[]
}

const manifest = JSON.parse(readFileSync(`${BUILT}/.vite/manifest.json`, 'utf8')) as Record<string, Chunk>

/** A chunk and all that it needs before it runs. */
function closure(name: string, found = new Set<string>()): Set<string> {
  if (!found.has(name)) {
    found.add(name)
    manifest[name]?.imports?.forEach((each) => closure(each, found))
  }
  return found
}

function gzipped(names: Iterable<string>): number {
  let bytes = 0
  for (const name of names) {
    const file = `${BUILT}/${manifest[name]?.file}`
    bytes += readFileSync(readFileSync(file).length < 512 ? file : `${file}.gz`).length
  }
  return bytes
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
}

describe('the console', () => {
  it.each(['src/features/sign-in/Login.tsx', 'src/features/sign-in/Redeem.tsx', 'src/features/workspaces/Workspaces.tsx'])(
    'loads at most 200 KB of gzipped JavaScript before %s is there',
    (page) => {
      const size = gzipped(new Set([...closure('index.html'), ...closure(page)]))
      console.log(`${page}: ${(size / 1000).toFixed(1)} KB`)
      expect(size).toBeGreaterThan(50_000)
      expect(size).toBeLessThanOrEqual(200_000)
    },
  )

  it.each([
    ['the text of the editor', 'src/features/editor/Editor.tsx', 160_000],
    ['charts', 'src/features/editor/draw.ts', 190_000],
    ['the page of the editor, with its grid', 'src/features/editor/SqlEditor.tsx', 85_000],
    ['the formatter', 'src/features/editor/format.ts', 30_000],
  ])('loads %s when it is wanted, and not much', (_, chunk, most) => {
    const before = closure('index.html')
    if (!chunk.endsWith('SqlEditor.tsx')) {
      closure('src/features/editor/SqlEditor.tsx').forEach((each) => before.add(each))
    }
    const size = gzipped([...closure(chunk)].filter((each) => !before.has(each)))
    console.log(`${chunk}: ${(size / 1000).toFixed(1)} KB`)
    expect(size).toBeGreaterThan(5_000)
    expect(size).toBeLessThanOrEqual(most)
  })

  it('has nothing to load from elsewhere', () => {
    const page = readFileSync(`${BUILT}/index.html`, 'utf8')
    expect([...page.matchAll(/(?:src|href)="([^"]*)"/g)].map((each) => each[1])).toSatisfy((all: string[]) =>
      all.every((each) => each.startsWith('/assets/')),
    )
    for (const file of readdirSync(`${BUILT}/assets`).filter((name) => name.endsWith('.css'))) {
      expect(readFileSync(`${BUILT}/assets/${file}`, 'utf8')).not.toMatch(/url\(["']?(?:https?:|\/\/|data:)|@import/)
    }
    const urls = new Set<string>()
    for (const file of readdirSync(`${BUILT}/assets`).filter((name) => name.endsWith('.js'))) {
      for (const url of readFileSync(`${BUILT}/assets/${file}`, 'utf8').match(/https?:\/\/[\w.-]+/g) ?? []) {
        urls.add(url)
      }
    }
    // Names of XML vocabularies, and what libraries say where to read on.
    expect([...urls].filter((url) => !KNOWN.includes(url))).toEqual([])
  })

  it('lets no feature import another', () => {
    const wrong = sources('src/features').flatMap((file) =>
      [...readFileSync(file, 'utf8').matchAll(/from '([^']+)'/g)]
        .map((each) => each[1] ?? '')
        .filter((path) => path.startsWith('..') && !/^\.\.\/\.\.\/(api|ui|test|favicon)/.test(path))
        .map((path) => `${file}: ${path}`),
    )
    expect(wrong).toEqual([])
  })
})

const KNOWN = ['http://www.w3.org', 'http://schemas.openxmlformats.org', 'https://react.dev', 'https://reactflow.dev', 'https://mantine.dev', 'http://localhost']
