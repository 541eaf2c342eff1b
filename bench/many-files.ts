/** A repository of so many files of a usual length, in fifty folders. */
export const manyFiles = (count: number): Record<string, string> =>
  Object.fromEntries(
    Array.from({ length: count }, (_, index) => [
      `src/part-${index % 50}/file-${index}.ts`,
      `export const value${index} = ${index}\n`.repeat(40 + (index % 80)),
    ]),
  )
