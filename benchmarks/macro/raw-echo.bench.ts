// Echo of bytes as they come, without frames: what the channel and one handler cost, beside one socket.write a chunk on node:net and
// the peers that are installed.
//
// Run:   npm run bench -- --filter raw-echo
// Read:  messages a second, as in framed-echo.
import { runMacro } from '../harness/macro.js'
import { echoCases } from './echo-bench.js'

await runMacro({ bench: 'macro/raw-echo', seconds: 20, cases: await echoCases('raw') })
