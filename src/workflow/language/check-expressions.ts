import { failureOf } from '../../domain/errors.ts'
import type { Checking } from './checking.ts'
import { type Expression, type Place, partsOf } from './expression-tree.ts'
import { bare } from './expressions.ts'
import { filterNames, findFilter } from './filters.ts'
import { functionNames } from './interpret.ts'
import { suggestion } from './nearest.ts'
import { parseExpression } from './parse-expression.ts'
import { predicateNames } from './predicates.ts'
import type { Site } from './sites.ts'
import { parseTemplate } from './templates.ts'
import { type UsedName, usedNames } from './used-names.ts'

/** A name that a site reads, and the expression in which it does. */
export type Use = UsedName & { site: Site; expression: string }

/** Reads every expression of a site, reports what is wrong with it as such, and gives the names that it uses. */
export const checkSite = (site: Site, checking: Checking): Use[] =>
  expressionsOf(site, checking).flatMap((expression) => {
    const tree = treeOf(expression, site, checking)
    if (tree === null) return []
    for (const { message, at } of mistakesIn(tree)) checking.reportInside(site.path, expression, at, message)
    const isCondition = site.kind === 'condition'
    return usedNames(tree, isCondition).map((used) => ({ ...used, site, expression }))
  })

/** As `checkSite`, for a site that has been reported on before. */
export const usesOf = (site: Site, checking: Checking): Use[] => checkSite(site, { ...checking, ...silent })

const silent: Pick<Checking, 'report' | 'reportKey' | 'reportInside'> = {
  report: () => {},
  reportKey: () => {},
  reportInside: () => {},
}

const expressionsOf = (site: Site, checking: Checking): string[] => {
  if (site.kind === 'condition') {
    try {
      return [bare(site.text)]
    } catch (error) {
      checking.report(site.path, failureOf(error).message)
      return []
    }
  }
  return parseTemplate(site.text).flatMap((part) => {
    if (part.kind === 'text') return []
    if (part.kind === 'expression') return [part.expression]
    checking.reportInside(site.path, site.text.slice(part.offset), nowhere, 'This `${` is not closed by `}`.')
    return []
  })
}

const nowhere: Place = { line: 0, column: 0 }

const treeOf = (expression: string, site: Site, checking: Checking): Expression | null => {
  try {
    return parseExpression(expression)
  } catch (error) {
    const { message, detail } = failureOf(error)
    const { line, column } = { line: 1, column: 1, ...detail }
    checking.reportInside(site.path, expression, { line: line - 1, column: column - 1 }, message)
    return null
  }
}

type Mistake = { message: string; at: Place }

/** What an evaluation would refuse whatever the data. */
export const mistakesIn = (tree: Expression): Mistake[] => [...mistakeOf(tree), ...partsOf(tree).flatMap(mistakesIn)]

const mistakeOf = (node: Expression): Mistake[] => {
  if (node.kind === 'filter') return filterMistakes(node)
  if (node.kind === 'is' && !predicateNames().includes(node.test)) {
    return [{ message: `There is no test \`${node.test}\`.${suggestion(node.test, predicateNames())}`, at: node.at }]
  }
  if (node.kind === 'call' && !functionNames.some((name) => name === node.name)) {
    return [{ message: `There is no function \`${node.name}\`; there is only \`range\`.`, at: node.at }]
  }
  return []
}

const filterMistakes = (node: Expression & { kind: 'filter' }): Mistake[] => {
  const filter = findFilter(node.name)
  if (!filter) {
    return [{ message: `There is no filter \`${node.name}\`.${suggestion(node.name, filterNames())}`, at: node.at }]
  }
  const isUnknown = node.named.some(([name]) => !filter.params.includes(name))
  if (node.args.length <= filter.params.length && !isUnknown) return []
  const takes = filter.params.length === 0 ? 'no arguments' : filter.params.join(', ')
  return [{ message: `The filter \`${node.name}\` takes ${takes}.`, at: node.at }]
}
