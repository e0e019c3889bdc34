import { type BenchFile, type ChosenBench, chooseBenches, someCases } from './bench-files.js'

/** What `npm run bench` without arguments shows, in about three minutes: the path of a bench program, and its cases unless it is all. */
export const TOUR: readonly (readonly [name: string, cases?: readonly string[]])[] = [
  ['micro/buffer/byte-buf', ['Buffer.readInt32BE', 'ByteBuf.readInt', 'Buffer.writeInt32BE', 'ByteBuf.writeInt']],
  ['micro/codec/framers', ['length field, 64 B', 'length field, 64 B, cut', 'line, 64 B']],
  ['micro/handler/idle-state-handler', ['read, no handler', 'read, IdleStateHandler']],
  ['micro/knotty/import'],
  ['micro/transport/embedded-echo', ['64 x 64 B a chunk']],
  ['micro/transport/event-loop', ['setTimeout, clearTimeout', 'scheduleCoarse, cancel']],
  ['micro/transport/pipeline-dispatch', ['prototype, 8 classes', 'Knotty, 8 classes']],
  ['micro/transport/pipeline-events', ['write(msg, null), 64 a flush', 'write(msg) with a future, 64 a flush']],
  ['alloc/hot-paths', ['write(msg, null) and its share of a flush: channel without I/O', 'a frame decoded, of 64 a chunk']],
  ['macro/framed-echo', ['framed, 64 connections x 64 B x 64 in flight', 'framed, 64 x 64 B x 1', 'framed, 8 x 4 KiB x 16']],
  ['macro/accept-churn', ['the server closes']],
  ['macro/proxy', ['64 x 64 B x 64']],
  ['macro/idle-connections', ['heap and external']],
]

/** The part of the tour that these programs have. */
export async function tourOf(files: readonly BenchFile[], onFailure: (file: BenchFile, error: Error) => void): Promise<ChosenBench[]> {
  const names = new Set(TOUR.map(([name]) => name))
  const all = await chooseBenches(files.filter(({ name }) => names.has(name)), [], onFailure)
  return TOUR.flatMap(([name, cases]) => {
    const bench = all.find((each) => each.name === name)
    return bench === undefined ? [] : someCases(bench, bench, cases ?? bench.cases)
  })
}
