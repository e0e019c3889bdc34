import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import path from 'node:path'
import process from 'node:process'
import { describe, test } from 'node:test'
import { IllegalArgumentError, UnsupportedOperationError } from '@knotty/common'
import { eventually, openSocketInodes, seededBytes, tcpRows, unixRows } from '@knotty/testing'

const notOnLinux = process.platform !== 'linux'

describe('the sockets of /proc', { skip: notOnLinux }, () => {
  test('a listener and a socket that is not closed behind its peer show with their states and inodes', async () => {
    const before = openSocketInodes()
    const accepted: net.Socket[] = []
    const server = net.createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => void accepted.push(socket))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    const client = net.connect(port, '127.0.0.1')
    client.resume()
    await once(client, 'connect')
    await eventually(() => assert.equal(accepted.length, 1))
    client.end()
    await eventually(() => assert.deepEqual(tcpRows(port).map((row) => row.state).sort(), ['CLOSE_WAIT', 'LISTEN']))
    const rows = tcpRows(port)
    const now = openSocketInodes()
    for (const { inode, localPort } of rows) {
      assert.ok(now.has(inode) && !before.has(inode))
      assert.equal(localPort, port)
    }
    for (const socket of accepted) socket.destroy()
    client.destroy()
    server.close()
    await once(server, 'close')
    await eventually(() => assert.deepEqual([...openSocketInodes()].filter((inode) => !before.has(inode)), []))
    await eventually(() => assert.deepEqual(tcpRows(port).filter((row) => row.state === 'CLOSE_WAIT' || row.state === 'LISTEN'), []))
  })

  test('a Unix domain listener and what it accepted show by its path', async () => {
    const file = path.join(os.tmpdir(), `knotty testing ${process.pid}.sock`)
    rmSync(file, { force: true })
    const accepted: net.Socket[] = []
    const server = net.createServer((socket) => void accepted.push(socket)).listen(file)
    await once(server, 'listening')
    assert.deepEqual(unixRows(file).map((row) => row.listens), [true])
    const client = net.connect(file)
    await eventually(() => assert.equal(accepted.length, 1))
    assert.deepEqual(unixRows(file).map((row) => row.listens).sort(), [false, true])
    client.destroy()
    for (const socket of accepted) socket.destroy()
    server.close()
    await once(server, 'close')
    await eventually(() => assert.deepEqual(unixRows(file), []))
  })
})

test('elsewhere than on Linux the sockets cannot be listed, and that is a typed error', (t) => {
  const platform = Object.getOwnPropertyDescriptor(process, 'platform') as PropertyDescriptor
  Object.defineProperty(process, 'platform', { ...platform, value: 'sunos' })
  t.after(() => Object.defineProperty(process, 'platform', platform))
  for (const list of [openSocketInodes, () => tcpRows(80), () => unixRows('/x')]) {
    assert.throws(list, (error: unknown) => error instanceof UnsupportedOperationError && error.message.includes('sunos'))
  }
})

test('eventually() gives the last error when the deadline passes, and ends at the first success', async () => {
  let calls = 0
  await eventually(() => {
    if (++calls < 3) throw new Error('not yet')
  })
  assert.equal(calls, 3)
  const failing = eventually(() => Promise.reject(new Error(`call ${++calls}`)), 20)
  await assert.rejects(failing, (error: Error) => error.message === `call ${calls}`)
})

test('seededBytes are the same for the same seed, and others for another', () => {
  assert.deepEqual(seededBytes(1000, 5), seededBytes(1000, 5))
  assert.notDeepEqual(seededBytes(1000, 5), seededBytes(1000, 6))
  assert.ok(new Set(seededBytes(1000, 5)).size > 200)
  assert.deepEqual(seededBytes(0, 1), Buffer.alloc(0))
  assert.throws(() => seededBytes(-1, 1), IllegalArgumentError)
})
