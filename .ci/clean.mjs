// Removes every dist folder of the workspace, also the compiled files whose sources are gone (tsc -b --clean leaves those).
import { existsSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'

const root = path.dirname(import.meta.dirname)
const projects = [...readdirSync(path.join(root, 'packages')).map((name) => path.join('packages', name)), 'test', 'benchmarks']
for (const project of projects) {
  const dist = path.join(root, project, 'dist')
  if (existsSync(dist)) rmSync(dist, { recursive: true })
}
