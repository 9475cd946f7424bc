// Results as files, written a few rows at a time: what is finished is handed to the browser, which may keep it on disk.
import { strToU8, Zip, ZipDeflate, ZipPassThrough } from 'fflate'
import type { Column, Loaded } from './result'
import type { Rows } from './rows'
import { SHEET } from './sheet'

const STEP = 5000

async function* inSteps(rows: Rows, told: (loaded: Loaded) => void, most = Infinity) {
  const count = Math.min(rows.count(), most)
  for (let from = 0; from < count; from += STEP) {
    // oxlint-disable-next-line no-await-in-loop -- so that only these are in memory
    yield await rows.rows(from, Math.min(from + STEP, count))
    told({ rows: Math.min(from + STEP, count), whole: false })
  }
}

/** RFC 4180 in UTF-8; null is empty, and an empty text is `""`. */
export async function csv(rows: Rows, told: (loaded: Loaded) => void): Promise<Blob> {
  const line = (values: (string | null)[]) => `${values.map(cell).join(',')}\r\n`
  const cell = (value: string | null) => (value === null ? '' : value === '' || /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value)
  const parts: BlobPart[] = [line(rows.columns.map((each) => each.name))]
  for await (const some of inSteps(rows, told)) {
    parts.push(new Blob([some.map(line).join('')]))
  }
  return new Blob(parts, { type: 'text/csv' })
}

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main'
const RELS = 'http://schemas.openxmlformats.org/package/2006/relationships'
const OFFICE = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
const TYPES = 'application/vnd.openxmlformats-officedocument.spreadsheetml'

/** What a workbook of one sheet consists of beside it; style 1 is a date, 2 a time of a day. */
const BOOK: Record<string, string> = {
  '[Content_Types].xml': `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="${TYPES}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${TYPES}.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="${TYPES}.styles+xml"/></Types>`,
  '_rels/.rels': `<Relationships xmlns="${RELS}"><Relationship Id="rId1" Type="${OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>`,
  'xl/workbook.xml': `<workbook xmlns="${MAIN}" xmlns:r="${OFFICE}"><sheets><sheet name="Result" sheetId="1" r:id="rId1"/></sheets></workbook>`,
  'xl/_rels/workbook.xml.rels': `<Relationships xmlns="${RELS}"><Relationship Id="rId1" Type="${OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="${OFFICE}/styles" Target="styles.xml"/></Relationships>`,
  'xl/styles.xml': `<styleSheet xmlns="${MAIN}"><numFmts count="2"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/><numFmt numFmtId="165" formatCode="yyyy\\-mm\\-dd\\ hh:mm:ss"/></numFmts><fonts count="1"><font/></fonts><fills count="1"><fill/></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="3"><xf/><xf numFmtId="164" applyNumberFormat="1"/><xf numFmtId="165" applyNumberFormat="1"/></cellXfs></styleSheet>`,
}

export async function xlsx(rows: Rows, told: (loaded: Loaded) => void): Promise<Blob> {
  const parts: BlobPart[] = []
  let failed: Error | null = null
  const zip = new Zip((problem, bytes) => {
    failed ??= problem
    parts.push(new Blob([bytes as Uint8Array<ArrayBuffer>]))
  })
  for (const [name, text] of Object.entries(BOOK)) {
    const file = new ZipPassThrough(name)
    zip.add(file)
    file.push(strToU8(HEAD + text), true)
  }
  const sheet = new ZipDeflate('xl/worksheets/sheet1.xml', { level: 4 })
  zip.add(sheet)
  sheet.push(strToU8(`${HEAD}<worksheet xmlns="${MAIN}"><sheetData><row>${rows.columns.map((each) => inline(each.name)).join('')}</row>`))
  for await (const some of inSteps(rows, told, SHEET - 1)) {
    sheet.push(strToU8(some.map((row) => `<row>${row.map((value, at) => xmlCell(value, rows.columns[at]!)).join('')}</row>`).join('')))
  }
  sheet.push(strToU8('</sheetData></worksheet>'), true)
  zip.end()
  if (failed) {
    throw failed
  }
  return new Blob(parts, { type: `${TYPES}.sheet` })
}

// Signs that XML has no way to write are left out; a cell holds 32,767 of them.
const inline = (text: string) =>
  `<c t="inlineStr"><is><t xml:space="preserve">${text
    .slice(0, 32_767)
    // oxlint-disable-next-line no-control-regex -- these are what is meant
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')}</t></is></c>`

const DATE = /^(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d):(\d\d(?:\.\d+)?)(Z)?)?$/

/** A number stays one where a spreadsheet's fifteen digits hold it, a time where its calendar does; all else is text. */
export function xmlCell(value: string | null, { kind }: Column): string {
  if (value === null) {
    return '<c/>'
  }
  if (kind === 'number' && /^-?\d+(\.\d+)?([eE][+-]?\d+)?$/.test(value) && value.replace(/[eE].*/, '').replace(/\D/g, '').replace(/^0+/, '').length <= 15) {
    return `<c><v>${value}</v></c>`
  }
  if (kind === 'truth') {
    return `<c t="b"><v>${value === 'true' ? 1 : 0}</v></c>`
  }
  const time = kind === 'time' ? DATE.exec(value) : null
  if (time && value >= '1900-03-01') {
    const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = time.slice(1, 7).map(Number)
    const days = (Date.UTC(year, month - 1, day) - Date.UTC(1899, 11, 30)) / 86_400_000
    const part = time[4] === undefined ? 0 : (hours * 3600 + minutes * 60 + seconds) / 86_400
    return `<c s="${time[4] === undefined ? 1 : 2}"><v>${days + part}</v></c>`
  }
  return inline(value)
}
