import { readFileSync } from 'node:fs'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * The order of the files. A clean clone knows nothing of how long they take, and a long one that begins last leaves the other
 * processors idle: those that ask for more time than others come first, then all others that are end to end.
 */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const rankOf = new Map(sorted.map((file) => [file, rank(file.moduleId)]))
    return sorted.sort((a, b) => (rankOf.get(a) ?? 0) - (rankOf.get(b) ?? 0))
  }
}

const rank = (path: string): number => {
  if (!path.includes('/test/end-to-end/')) return 2
  return /timeout\w*\W+[1-9]\d{2}_000/i.test(readFileSync(path, 'utf8')) ? 0 : 1
}
