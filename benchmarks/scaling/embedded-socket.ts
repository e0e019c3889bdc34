import { ByteBuf, Storage } from '@knotty/buffer'
import { EmbeddedChannel, EventLoopGroup, type OutboundBuffer } from '@knotty/transport'
import { LibuvIo } from '../../../packages/transport/dist/socket/libuv/libuv-io.js'
import { GatheredWrite } from '../../../packages/transport/dist/socket/write/gather-write.js'

/** The default of {@link ChannelOption.COPY_THRESHOLD_BYTES} on the libuv transport. */
const COPY_THRESHOLD_BYTES = 4096

const io = LibuvIo.of(new EventLoopGroup().next())
const gathered = new GatheredWrite()

/** Bytes of a read: what one chunk has at most. */
export const CHUNK_BYTES: number = io.readSlab.length

/** Sends what is flushed as the libuv channel does, to a kernel that takes everything at once. */
export function sendAll(outbound: OutboundBuffer): void {
  while (!outbound.isEmpty) {
    io.outbound.begin()
    gathered.gather(outbound, io, COPY_THRESHOLD_BYTES)
    const { bytes } = gathered
    gathered.clear()
    io.outbound.giveBack()
    outbound.removeBytes(bytes)
  }
}

/** The libuv channel without the system calls: bytes come in through the loop's read slab, and leave through its write slabs. */
export class EmbeddedSocket extends EmbeddedChannel {
  /** Reads what stands in the read slab from 0 on, see {@link fillReadSlab}. */
  readSlab(bytes: number): void {
    const storage = new Storage(io.memory, 0, bytes, true)
    this.pipeline.fireChannelRead(ByteBuf.overStorage(storage))
    this.pipeline.fireChannelReadComplete()
    if (storage.slab && storage.refCnt > 0) storage.moveOut()
  }

  protected override get sendsPrefixes(): boolean {
    return true
  }

  protected override doWrite(outbound: OutboundBuffer): void {
    sendAll(outbound)
  }
}

/** Puts bytes into the read slab. */
export function fillReadSlab(bytes: Uint8Array): void {
  io.readSlab.set(bytes)
}
