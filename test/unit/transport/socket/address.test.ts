import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { IllegalArgumentError } from '@knotty/common'
import { LocalSocketAddress, TcpSocketAddress, UnixSocketAddress } from '@knotty/transport'
import { toSocketAddress } from '../../../../../packages/transport/dist/socket/address.js'
import { isPeerCondition } from '../../../../../packages/transport/dist/channel/peer-conditions.js'
import { uvError } from '../../../../../packages/transport/dist/socket/uv-error.js'

describe('socket addresses', () => {
  test('print as people write them', () => {
    assert.equal(String(new TcpSocketAddress('127.0.0.1', 80)), '127.0.0.1:80')
    assert.equal(String(new TcpSocketAddress('::1', 80)), '[::1]:80')
    assert.equal(String(new TcpSocketAddress('example.org', 80)), 'example.org:80')
    assert.equal(String(new UnixSocketAddress('/run/x.sock')), '/run/x.sock')
    assert.equal(String(new LocalSocketAddress('x')), 'local:x')
  })

  test('know their family, and whether a name must be looked up', () => {
    assert.deepEqual(
      ['127.0.0.1', '::1', 'fe80::1%eth0', 'localhost'].map((host) => new TcpSocketAddress(host, 1).family),
      [4, 6, 6, 0],
    )
    assert.equal(new TcpSocketAddress('localhost', 1).isUnresolved, true)
  })

  test('take no port that is none', () => {
    for (const port of [-1, 65536, 1.5, Number.NaN, '80' as never, undefined as never, null as never]) {
      assert.throws(() => new TcpSocketAddress('127.0.0.1', port), IllegalArgumentError)
    }
    assert.equal(new TcpSocketAddress('127.0.0.1', 65535).port, 65535)
  })

  test('are made of plain objects', () => {
    assert.ok(toSocketAddress({ address: '::1', port: 1 }) instanceof TcpSocketAddress)
    assert.ok(toSocketAddress({ path: '/x' }) instanceof UnixSocketAddress)
    assert.ok(toSocketAddress({ localId: 'x' }) instanceof LocalSocketAddress)
    for (const bad of [null, undefined, 5, 'x', {}]) assert.throws(() => toSocketAddress(bad as never), IllegalArgumentError)
  })
})

describe('system errors', () => {
  test('look like those of Node', () => {
    const error = uvError(-104, 'read', new TcpSocketAddress('127.0.0.1', 80))
    assert.deepEqual([error.code, error.errno, error.syscall, error.address, error.port], ['ECONNRESET', -104, 'read', '127.0.0.1', 80])
    assert.match(error.message, /^read ECONNRESET 127\.0\.0\.1:80: /)
    assert.equal('address' in uvError(-104, 'read'), false)
    const path = uvError(-98, 'bind', new UnixSocketAddress('/run/a.sock'))
    assert.deepEqual([path.address, 'port' in path], ['/run/a.sock', false])
    assert.match(path.message, /bind EADDRINUSE \/run\/a\.sock: .*a file was left: remove it/)
    assert.match(uvError(-13, 'bind', new UnixSocketAddress('/no/a.sock')).message, /permission denied, or its folder does not exist$/)
    assert.equal(uvError(-99999, 'read').code, 'UNKNOWN_99999')
  })

  test('that peers cause any day are told from others', () => {
    assert.deepEqual([-104, -32, -103, -110].map((errno) => isPeerCondition(uvError(errno, 'read'))), [true, true, true, true])
    assert.equal(isPeerCondition(uvError(-24, 'accept')), false)
    assert.equal(isPeerCondition(new Error('plain')), false)
  })
})
