// The text itself: CodeMirror, put together from its parts. A chunk of its own.
import { acceptCompletion, autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { sql } from '@codemirror/lang-sql'
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { lintKeymap, setDiagnostics } from '@codemirror/lint'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { EditorState, type Extension, StateEffect, StateField } from '@codemirror/state'
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
  placeholder,
  tooltips,
} from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { type Ref, useEffect, useImperativeHandle, useRef } from 'react'
import { completing, type Names } from './complete'
import { spark } from './spark'
import type { Span } from './statements'

/** What the page does with the text. */
export interface Writing {
  text(): string
  selection(): Span
  insert(text: string): void
  replace(text: string, span: Span): void
  focus(): void
  /** Remembers a place through what is typed from now on. */
  mark(id: string, at: number): void
  /** Where it is now; null when what was there is gone. */
  find(id: string): number | null
  problem(span: Span | null, message?: string): void
}

const addMark = StateEffect.define<{ id: string; at: number }>()

const marks = StateField.define<ReadonlyMap<string, number>>({
  create: () => new Map(),
  update(before, { changes, effects }) {
    const moved = changes.empty ? before : new Map([...before].map(([id, at]) => [id, changes.mapPos(at, 1)]))
    const added = effects.filter((each) => each.is(addMark)).map((each) => each.value as { id: string; at: number })
    return added.length === 0 ? moved : new Map([...moved, ...added.map(({ id, at }) => [id, at] as const)])
  },
})

/** Who types over coloured text gets its colour from Chromium, as a style attribute, which the page's policy refuses. */
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { main } = view.state.selection
    const { data } = event
    if (event.inputType !== 'insertText' || !data || main.empty || view.composing) {
      return false
    }
    const insert = () => view.state.update(view.state.replaceSelection(data), { userEvent: 'input.type' })
    if (!view.state.facet(EditorView.inputHandler).some((handler) => handler(view, main.from, main.to, data, insert))) {
      view.dispatch(insert())
    }
    return true
  },
})

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--sql-keyword)', fontWeight: '600' },
  { tag: [tags.typeName, tags.standard(tags.name)], color: 'var(--sql-name)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--sql-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--sql-number)' },
  { tag: tags.special(tags.name), color: 'var(--sql-parameter)', fontWeight: '600' },
  { tag: tags.comment, color: 'var(--sql-comment)', fontStyle: 'italic' },
])

const PAUSE = 150

export interface EditorProps {
  /** Which text this is: each has its own way back. */
  id: string
  text: string
  onText: (id: string, text: string) => void
  names: Names
  label: string
  nonce: string
  ref: Ref<Writing>
}

export default function Editor(props: EditorProps) {
  const { id, text, onText, names, label, nonce } = props
  const place = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const states = useRef(new Map<string, EditorState>())
  const shown = useRef(id)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  const extensions = useRef<Extension[]>([])
  const latest = useRef({ onText, names })
  useEffect(() => {
    latest.current = { onText, names }
  })

  const tell = useRef(() => {
    clearTimeout(timer.current)
    if (timer.current !== undefined && view.current) {
      timer.current = undefined
      latest.current.onText(shown.current, view.current.state.doc.toString())
    }
  })

  useEffect(() => {
    extensions.current = [
      lineNumbers(),
      highlightActiveLineGutter(),
      highlightActiveLine(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      highlightSelectionMatches(),
      search({ top: true }),
      marks,
      typedOver,
      EditorState.allowMultipleSelections.of(true),
      EditorView.cspNonce.of(nonce),
      placeholder('SELECT …'),
      tooltips({ position: 'fixed' }),
      sql({ dialect: spark, upperCaseKeywords: true }),
      syntaxHighlighting(colours),
      autocompletion({
        override: [completing({
          current: () => latest.current.names.current(),
          catalogs: () => latest.current.names.catalogs(),
          schemas: (catalog) => latest.current.names.schemas(catalog),
          tables: (...of) => latest.current.names.tables(...of),
          functions: (...of) => latest.current.names.functions(...of),
          columns: (...of) => latest.current.names.columns(...of),
        })],
        activateOnTyping: true,
        maxRenderedOptions: 60,
      }),
      // Tab leaves the field, as everywhere; but it takes what is offered.
      keymap.of([{ key: 'Tab', run: acceptCompletion }, ...closeBracketsKeymap, ...RUN_IS_OURS, ...searchKeymap, ...historyKeymap, ...completionKeymap, ...lintKeymap]),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) {
          clearTimeout(timer.current)
          timer.current = setTimeout(() => tell.current(), PAUSE)
        }
      }),
    ]
    const made = new EditorView({
      state: EditorState.create({ doc: text, extensions: extensions.current }),
      parent: place.current!,
    })
    view.current = made
    const flush = () => tell.current()
    window.addEventListener('pagehide', flush, { capture: true })
    return () => {
      flush()
      window.removeEventListener('pagehide', flush, { capture: true })
      view.current = null
      made.destroy()
    }
    // oxlint-disable-next-line react-hooks/exhaustive-deps -- once: what changes later is below
  }, [])

  useEffect(() => {
    const at = view.current!
    if (shown.current !== id) {
      tell.current()
      states.current.set(shown.current, at.state)
      shown.current = id
      at.setState(states.current.get(id) ?? EditorState.create({ doc: text, extensions: extensions.current }))
    }
    // What was typed and is not told yet is newer than what was told.
    if (timer.current === undefined && at.state.doc.toString() !== text) {
      at.dispatch({ changes: { from: 0, to: at.state.doc.length, insert: text } })
      clearTimeout(timer.current)
      timer.current = undefined
    }
  }, [id, text])

  useEffect(() => view.current?.contentDOM.setAttribute('aria-label', label), [label])

  useImperativeHandle(props.ref, () => ({
    text: () => {
      tell.current()
      return view.current!.state.doc.toString()
    },
    selection: () => {
      const { from, to } = view.current!.state.selection.main
      return { from, to }
    },
    insert(inserted) {
      const at = view.current!
      const { from } = at.state.selection.main
      const before = at.state.sliceDoc(from - 1, from)
      at.dispatch(at.state.replaceSelection((/[\w`]/.test(before) ? ' ' : '') + inserted))
      at.focus()
    },
    replace(inserted, { from, to }) {
      view.current!.dispatch({ changes: { from, to, insert: inserted }, selection: { anchor: from } })
    },
    focus: () => view.current?.focus(),
    mark: (mark, at) => view.current!.dispatch({ effects: addMark.of({ id: mark, at }) }),
    find: (mark) => view.current?.state.field(marks).get(mark) ?? null,
    problem(span, message = '') {
      const at = view.current
      if (!at) {
        return
      }
      const { length } = at.state.doc
      const found = span ? [{ from: Math.min(span.from, length), to: Math.min(span.to, length), severity: 'error' as const, message }] : []
      at.dispatch(setDiagnostics(at.state, found))
      if (found[0]) {
        at.dispatch({ selection: { anchor: found[0].from }, effects: EditorView.scrollIntoView(found[0].from, { y: 'center' }) })
      }
    },
  }))

  return <div className="text" ref={place} />
}

/** The page runs statements; CodeMirror would begin a line. */
const RUN_IS_OURS = defaultKeymap.filter((each) => each.key !== 'Mod-Enter')
