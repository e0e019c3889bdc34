import { ExampleProcess } from './example-process.js'

const CLIENTS = 20

/** A client that stops is found out; a server that is killed and started again gets its clients back, spread over the time. */
export async function heartbeatStory(): Promise<void> {
  const serverOptions = ['--interval-ms', '200']
  const clientOptions = ['--beat-ms', '100', '--min-delay-ms', '1000', '--max-delay-ms', '2000']
  const first = new ExampleProcess('heartbeat/server.js', '--port', '0', ...serverOptions)
  const port = await first.port()
  const connect = ['--port', String(port), ...clientOptions]
  const lazy = new ExampleProcess('heartbeat/client.js', ...connect)
  const clients = new ExampleProcess('heartbeat/client.js', ...connect, '--clients', String(CLIENTS))
  await first.saying(/ says hello from client /, CLIENTS + 1)
  console.log(`1. ${CLIENTS + 1} clients are connected; each beats when it has written nothing for 100 ms`)

  lazy.child.kill('SIGSTOP')
  await first.saying(/ missed 3 beats in a row and is closed$/)
  console.log('2. One was stopped (SIGSTOP): the server closed it after three missed beats in a row')
  lazy.child.kill('SIGCONT')
  await lazy.saying(/^client 0 is connected again /)
  console.log('3. It goes on (SIGCONT), finds its connection closed, and is connected again')

  await first.end('SIGKILL')
  await clients.saying(/ lost its connection$/, CLIENTS)
  const second = new ExampleProcess('heartbeat/server.js', '--port', String(port), ...serverOptions)
  await second.port()
  const back = await clients.saying(/ is connected again after (\d+) ms$/, CLIENTS)
  const times = back.map((match) => Number(match[1]))
  const spread = `${Math.min(...times)} to ${Math.max(...times)} ms`
  console.log(`4. The server was killed (SIGKILL) and started again: all ${times.length} came back, not at once but spread over ${spread}`)
  for (const each of [lazy, clients, second]) {
    const code = await each.end('SIGTERM')
    if (code !== 0) throw new Error(`a program of the heartbeat story ended with code ${String(code)}`)
  }
}
