import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Life, Said } from './chat-crowd.js'
import { audit } from './chat-ledger.js'

function life(user: string, session: number, said: Said[] = [], heard: Life['heard'] = []): Life {
  return { user, session, loggedInAt: 1, groups: { tea: 2 }, stayed: true, said, heard }
}

function said(id: number, to: Partial<Said>): Said {
  return { id, user: undefined, group: undefined, at: 3, status: 'ok', busy: [], ...to }
}

const toBob = [said(1, { user: 'bob' }), said(2, { user: 'bob' })]

/** The problems when ann said this and bob heard that. */
function problems(spoken: Said[], heard: Life['heard'], change: Partial<Life> = {}): string[] {
  return audit([life('ann', 1, spoken), { ...life('bob', 2, [], heard), ...change }]).problems
}

describe('the ledger that the chat test audits', () => {
  test('is content when each message was heard once, in order', () => {
    assert.deepEqual(problems(toBob, [[1, 1, ''], [1, 2, '']]), [])
    assert.deepEqual(problems([said(1, { group: 'tea' })], [[1, 1, 'tea']]), [])
    assert.equal(audit([life('ann', 1, toBob), life('bob', 2, [], [[1, 1, ''], [1, 2, '']])]).promised, 2)
  })

  test('notices a message that was lost, unless the session left, or came later, or was named as busy', () => {
    assert.match(problems(toBob, [[1, 2, '']]).join(), /lost: 1:1 to bob/)
    assert.match(problems([said(1, { group: 'tea' })], []).join(), /lost: 1:1 to tea/)
    assert.deepEqual(problems(toBob, [], { stayed: false }), [])
    assert.deepEqual(problems(toBob, [], { loggedInAt: 4 }), [])
    assert.deepEqual(problems([said(1, { user: 'bob', status: 'partly', busy: ['bob'] })], []), [])
  })

  test('notices a message that was heard twice, or out of order', () => {
    assert.match(problems(toBob, [[1, 1, ''], [1, 1, ''], [1, 2, '']]).join(), /heard 1:1 behind 1:1/)
    assert.match(problems(toBob, [[1, 2, ''], [1, 1, '']]).join(), /heard 1:1 behind 1:2/)
  })

  test('notices a message that was refused and heard all the same, or said to somebody else, or never said', () => {
    assert.match(problems([said(1, { user: 'bob', status: 'busy' })], [[1, 1, '']]).join(), /busy, but session 2 heard it/)
    assert.match(problems([said(1, { user: 'eve' })], [[1, 1, '']]).join(), /not said to it/)
    assert.match(problems([], [[1, 1, '']]).join(), /not said to it/)
  })

  test('notices that somebody was taken for offline who was not', () => {
    assert.match(problems([said(1, { user: 'bob', status: 'offline' })], []).join(), /offline, though it is online/)
  })

  test('takes either for a message without an answer', () => {
    const unknown = said(1, { user: 'bob', status: undefined })
    assert.deepEqual(problems([unknown], []), [])
    assert.deepEqual(problems([unknown], [[1, 1, '']]), [])
  })
})
