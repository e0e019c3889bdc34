// What is calculated and printed the same way everywhere.
export { median, ratioSpread, spread, type Spread } from '../../../packages/bench/dist/statistics.js'
export { formatTable } from '../../../packages/bench/dist/format-table.js'
export { formatFigure, formatNumber, formatRange } from '../../../packages/bench/dist/format-results.js'
