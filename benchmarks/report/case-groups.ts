import { type ComparedCase, groupCases } from './compared-case.js'
import { escape } from './escape.js'

/** A row a case: its name and what `draw` makes of it, the cases with a common heading below that heading. */
export function caseGroups(cases: readonly ComparedCase[], draw: (compared: ComparedCase) => string): string {
  const groups = groupCases(cases).map(({ heading, cases: grouped }) => {
    const rows = grouped.map(
      ({ label, compared }) => `<div class="bar"><span class="name">${escape(label)}</span><div>${draw(compared)}</div></div>`,
    )
    return `${heading === '' ? '' : `<h4>${escape(heading)}</h4>`}<div class="bars">${rows.join('\n')}</div>`
  })
  return groups.join('\n')
}
