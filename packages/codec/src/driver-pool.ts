import { DecodeDriver, type DrivenDecoder } from './decode-driver.js'
import type { DecodeSettings } from './decode-settings.js'

/** Drivers are in use while something is read, by nested reads at once; others stay with decoders that have something unread. */
const MAX_SPARE = 16

const spare: DecodeDriver[] = []

/** A driver for a decoder that has something to read. */
export function takeDriver(decoder: DrivenDecoder, settings: DecodeSettings): DecodeDriver {
  const driver = spare.pop() ?? new DecodeDriver()
  driver.attach(decoder, settings)
  return driver
}

/** Takes back an idle driver ({@link DecodeDriver.isIdle}); its decoder must have forgotten it. */
export function giveBackDriver(driver: DecodeDriver): void {
  if (spare.length === MAX_SPARE) return
  driver.detach()
  spare.push(driver)
}
