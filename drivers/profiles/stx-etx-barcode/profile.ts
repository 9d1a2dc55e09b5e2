import type { Profile, ProfileOptions } from "../../../src/driver/port.ts";
import { limits } from "../../../src/model/limits.ts";
import { createStartEndFramer, createTextMatcher } from "../../framing/index.ts";
import { heartbeatTexts, noReadTexts } from "../line-barcode/profile.ts";
import { decodeEnclosedBarcode } from "./decode.ts";

const framing = { start: 0x02, end: 0x03, between: [0x0d, 0x0a], frameBytesMax: limits.frameBytesMax };

/** A barcode scanner that sends each code between STX and ETX. */
export function createStxEtxBarcodeProfile(options: ProfileOptions = {}): Profile {
  const texts = {
    isNoRead: createTextMatcher(options.noRead ?? noReadTexts),
    isHeartbeat: createTextMatcher(options.heartbeat ?? heartbeatTexts),
  };
  return {
    name: "stx-etx-barcode",
    medium: "barcode",
    framer: createStartEndFramer(framing),
    decodeFrame: (bytes, start, end, claim) => claim(decodeEnclosedBarcode(bytes, start, end, texts)),
  };
}
