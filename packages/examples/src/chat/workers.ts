// Runs in the threads of the pool. Each exported function is a task; it gets copies and gives copies back.

/** What the moderation made of a text. */
export interface Moderated {
  /** With the words that nobody wants to read masked; empty when nothing is left to say. */
  readonly text: string
  readonly words: number
}

const MASKED: ReadonlySet<string> = new Set(['blast', 'darn', 'drat'])

/** Masks words and counts them: stands for all that takes longer than an event loop has time for. */
export function moderate(text: string): Moderated {
  let words = 0
  const masked = text.replace(/\p{L}+/gu, (word) => {
    words++
    return MASKED.has(word.toLowerCase()) ? '*'.repeat(word.length) : word
  })
  return { text: masked.trim(), words }
}

/** A real server asks its database; this one takes every password but `wrong`. */
export function checkPassword(login: { readonly user: string; readonly password: string }): boolean {
  return login.password !== 'wrong'
}
