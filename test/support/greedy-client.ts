import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import net from 'node:net'
import { eventually } from '@knotty/testing'

/** Far more than the kernel holds for a loopback connection in both directions, and than any water mark. */
const MUCH_BYTES = 96 << 20
/** So many looks in a row, some 10 ms apart, at which no byte was taken and the server has not run, are a standstill. */
const STILL_LOOKS = 30

/**
 * A client that sends `piece` again and again and reads nothing: checks that the server stops reading long before 96 MiB, since what it
 * would have to keep are its answers, and that it goes on once the client reads.
 */
export async function assertStopsReading({ server, port }: { readonly server: ChildProcess; readonly port: string }, piece: Buffer): Promise<void> {
  const socket = net.connect(Number(port), '127.0.0.1')
  await once(socket, 'connect')
  try {
    socket.pause()
    const count = Math.ceil((256 << 10) / piece.length)
    const chunk = Buffer.concat(Array.from({ length: count }, () => piece))
    const sendMore = (): void => {
      while (socket.bytesWritten < MUCH_BYTES && socket.write(chunk));
    }
    socket.on('drain', sendMore)
    sendMore()
    const taken = (): number => socket.bytesWritten - socket.writableLength
    let before = ''
    let looks = 0
    await eventually(() => {
      const now = `${taken()} bytes taken, ${cpuTicks(server)} ticks of CPU`
      looks = now === before ? looks + 1 : 0
      before = now
      assert.ok(taken() < MUCH_BYTES, 'the server has read it all')
      assert.ok(looks >= STILL_LOOKS, `${now}, and it goes on`)
    }, 30_000)
    const stoppedAt = taken()
    socket.resume()
    await eventually(() => assert.ok(taken() > stoppedAt, 'nothing more is taken, although the client reads'))
  } finally {
    socket.destroy()
  }
}

/** A server that collects garbage takes nothing either, but it runs. Linux; elsewhere 0. */
function cpuTicks(child: ChildProcess): number {
  const stat = `/proc/${child.pid}/stat`
  if (!existsSync(stat)) return 0
  const [user, system] = readFileSync(stat, 'latin1').split(') ')[1]!.split(' ').slice(11, 13) // proc(5): utime and stime, fields 14 and 15
  return Number(user) + Number(system)
}
