export { ByteBufAllocator } from './byte-buf-allocator.js'
export { ByteBufUtil } from './byte-buf-util.js'
export { ByteBuf } from './byte-buf.js'
export { ByteProcessor } from './byte-processor.js'
export { CompositeByteBuf } from './composite-byte-buf.js'
export { IllegalReferenceCountError, ReadOnlyBufferError, UnsafeIntegerError } from './errors.js'
export {
  PooledByteBufAllocator,
  type PooledByteBufAllocatorMetric,
  type PooledByteBufAllocatorOptions,
} from './pooled-byte-buf-allocator.js'
export type { PooledPiece } from './pooled-memory.js'
export { isReferenceCounted, type ReferenceCounted, release, retain } from './reference-counted.js'
export { type LeakDetectionLevel, ResourceLeakDetector } from './resource-leak-detector.js'
export { Storage } from './storage.js'
export { Unpooled } from './unpooled.js'
