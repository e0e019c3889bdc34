import type { Scenario } from '../scenario.js'
import { MESSAGES } from './messages.js'

/** The rows of the table. */
export const SCENARIOS: readonly Scenario[] = [...MESSAGES]
