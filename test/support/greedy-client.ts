import assert from 'node:assert/strict'
import { once } from 'node:events'
import net from 'node:net'
import { eventually } from '@knotty/testing'

/** Far more than the kernel holds for a loopback connection in both directions, and than any water mark. */
const MUCH_BYTES = 96 << 20
/** So many looks in a row, about 10 ms apart, without a byte taken are a standstill. */
const STILL_LOOKS = 30

/**
 * A client that sends `piece` again and again and reads nothing: checks that the server stops reading long before 96 MiB, since what it
 * would have to keep are its answers, and that it goes on once the client reads.
 */
export async function assertStopsReading(port: string, piece: Buffer): Promise<void> {
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
    let before = -1
    let looks = 0
    await eventually(() => {
      looks = taken() === before ? looks + 1 : 0
      before = taken()
      assert.ok(before < MUCH_BYTES, 'the server has read it all')
      assert.ok(looks >= STILL_LOOKS, `${before} bytes taken, and it goes on`)
    }, 20_000)
    socket.resume()
    await eventually(() => assert.ok(taken() > before, 'nothing more is taken, although the client reads'))
  } finally {
    socket.destroy()
  }
}
