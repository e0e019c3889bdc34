// Length-framed echo over loopback (4-byte length, message read, message written back): Knotty's whole pipeline on both its
// transports, beside servers written by hand on the TCP handle and on node:net, and the peers that are installed. Server and load are
// processes of their own, on cores of their own.
//
// Run:   npm run bench -- --filter framed-echo
// Read:  messages a second; p50 and p99 are round trips of a whole batch. "ceiling of the load" is what the generator could do with a
//        server that takes no time: with one message in flight it is near the servers, because a message then costs either side a
//        read and a write of the kernel, and little else.
import { runMacro } from '../harness/macro.js'
import { echoCases } from './echo-bench.js'

await runMacro({ bench: 'macro/framed-echo', seconds: 85, cases: await echoCases('framed') })
