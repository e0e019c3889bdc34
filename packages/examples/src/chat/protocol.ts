import protobuf from 'protobufjs'

/**
 * The messages of the chat. A client sends requests, each with an id that counts up within its session; the server answers each with one
 * reply of the same id, in the same order, and sends deliveries in between. On the wire each has magic, version and length before it.
 */
const SOURCE = `
  syntax = "proto3";

  message Request {
    uint32 id = 1;
    oneof body {
      Login login = 2;
      Say say = 3;
      string join = 4;    // a group
      string leave = 5;   // a group
      bool ping = 6;      // answered behind everything that was accepted for this session before
    }
  }
  message Login {
    string user = 1;
    string password = 2;
  }
  message Say {
    oneof target {
      string user = 1;
      string group = 2;
    }
    string text = 3;
  }

  message Event {
    oneof body {
      Reply reply = 1;
      Delivery delivery = 2;
    }
  }
  message Reply {
    uint32 id = 1;
    string status = 2;
    uint32 session = 3;         // of the login
    uint32 accepted = 4;        // sessions that get what was said
    repeated string busy = 5;   // users with a session that does not: it reads too slowly
  }
  message Delivery {
    string from = 1;
    uint32 session = 2;   // who said it, and the id of the request there: with both a receiver knows order and duplicates
    uint32 id = 3;
    string group = 4;
    string text = 5;
    uint32 words = 6;
  }`

const { root } = protobuf.parse(SOURCE)

/** What every reply says; anything but `ok` and `partly` means that nothing was done. */
export type Status =
  | 'ok'
  | 'partly' // some sessions get it, those of the users in `busy` do not
  | 'busy' // nobody gets it: all sessions it is for read too slowly
  | 'offline' // the user has no session
  | 'overloaded' // too much waits for the workers
  | 'rejected' // the moderation found nothing to say, or the text is too long
  | 'failed' // the work broke; nothing was delivered
  | 'no-member' // say or leave in a group that the session has not joined
  | 'group-limit' // the group is full, or the session is in too many
  | 'bad-request'
  | 'login-required'
  | 'login-in-progress'
  | 'login-refused'
  | 'login-deadline'
  | 'logged-in-already'
  | 'session-limit' // the user has too many sessions

export interface Login {
  readonly user: string
  readonly password: string
}

export interface Say {
  readonly target?: 'user' | 'group'
  readonly user?: string
  readonly group?: string
  readonly text: string
}

/** `body` says which of the members behind it is there: a decoded message shows the others with the defaults of their types. */
export interface Request {
  readonly id: number
  readonly body?: 'login' | 'say' | 'join' | 'leave' | 'ping'
  readonly login?: Login
  readonly say?: Say
  readonly join?: string
  readonly leave?: string
  readonly ping?: boolean
}

export interface Reply {
  readonly id: number
  readonly status: Status
  readonly session: number
  readonly accepted: number
  readonly busy: readonly string[]
}

export interface Delivery {
  readonly from: string
  readonly session: number
  readonly id: number
  readonly group: string
  readonly text: string
  readonly words: number
}

/** As in a Request, `body` says which. */
export interface ChatEvent {
  readonly body?: 'reply' | 'delivery'
  readonly reply?: Reply
  readonly delivery?: Delivery
}

const HEAD = { magic: 0xc4a7, version: 1, maxBodyLength: 64 * 1024 }

/** For the codecs: a client writes these, a server reads them. */
export const REQUESTS: { type: protobuf.Type; magic: number; version: number; maxBodyLength: number } = {
  ...HEAD,
  type: root.lookupType('Request'),
}

/** For the codecs: a server writes these, a client reads them. */
export const EVENTS: { type: protobuf.Type; magic: number; version: number; maxBodyLength: number } = {
  ...HEAD,
  type: root.lookupType('Event'),
}

/** Names of users and groups. */
export function isName(name: string): boolean {
  return /^[\w.-]{1,32}$/.test(name)
}
