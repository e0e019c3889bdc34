import type { Scenario } from '../scenario.js'
import { ENDING } from './ending.js'
import { HALF_CLOSURE } from './half-closure.js'
import { MESSAGES } from './messages.js'

/** The rows of the table. */
export const SCENARIOS: readonly Scenario[] = [...MESSAGES, ...HALF_CLOSURE, ...ENDING]
