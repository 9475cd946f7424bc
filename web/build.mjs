// The console's files as the server serves them, in target/classes: dependencies when the lock changed, Vite when a
// source did, then .br and .gz beside each file. Run by Maven; a build that changes nothing takes a moment.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const OUT = 'target/classes/dev/tarn/web'
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  fail(`the console is built with Node ${process.versions.node} (expected: 20.19 or newer)`)
}

function fail(message) {
  console.error(`[ERROR] ${message}`)
  process.exit(1)
}

function files(path) {
  return readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
}

function hash(paths) {
  const sum = createHash('sha256')
  for (const path of paths) {
    sum.update(path).update('\0').update(readFileSync(path)).update('\0')
  }
  return sum.digest('hex')
}

function run(command, ...args) {
  const done = spawnSync(command, args, { stdio: 'inherit' })
  if (done.status !== 0) {
    fail(`${command} ${args.join(' ')} ended with ${done.status ?? done.error}`)
  }
}

/** Runs `work` unless it was done for the same inputs. */
function once(mark, inputs, work) {
  const wanted = hash(inputs)
  if (existsSync(mark) && readFileSync(mark, 'utf8') === wanted) {
    return
  }
  rmSync(mark, { force: true })
  work()
  writeFileSync(mark, wanted)
}

function compress() {
  for (const file of files(OUT)) {
    const bytes = readFileSync(file)
    if (bytes.length < 512 || file.endsWith('index.html')) {
      continue // the page is written anew for each answer
    }
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }))
    writeFileSync(`${file}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
  }
}

mkdirSync('target', { recursive: true })
once('node_modules/.tarn-lock', ['package-lock.json', '.npmrc'].filter(existsSync), () =>
  run('npm', 'ci', '--no-progress', '--loglevel=error'),
)
const sources = ['index.html', 'vite.config.ts', 'package.json', 'package-lock.json', 'build.mjs', ...files('src')]
if (!existsSync(`${OUT}/index.html`)) {
  rmSync('target/built.sha256', { force: true })
}
once('target/built.sha256', sources, () => {
  run(process.execPath, 'node_modules/vite/bin/vite.js', 'build', '--logLevel', 'warn')
  compress()
})
