import type { Scenario } from '../scenario.js'
import { ACCEPTING } from './accepting.js'
import { CLOSE_INSIDE } from './close-inside.js'
import { CONNECTING } from './connecting.js'
import { DEREGISTRATION } from './deregistration.js'
import { ENDING } from './ending.js'
import { HALF_CLOSURE } from './half-closure.js'
import { MESSAGES } from './messages.js'
import { PIPELINE_EDITS } from './pipeline-edits.js'
import { READING } from './reading.js'
import { RE_ENTRANCE } from './re-entrance.js'
import { WRITING } from './writing.js'

/** The rows of the table. */
export const SCENARIOS: readonly Scenario[] = [
  ...CONNECTING,
  ...ACCEPTING,
  ...MESSAGES,
  ...READING,
  ...WRITING,
  ...HALF_CLOSURE,
  ...ENDING,
  ...CLOSE_INSIDE,
  ...RE_ENTRANCE,
  ...DEREGISTRATION,
  ...PIPELINE_EDITS,
]
