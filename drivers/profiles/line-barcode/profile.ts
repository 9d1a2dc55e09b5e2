import type { Profile, ProfileOptions } from "../../../src/driver/port.ts";
import { bytesOf } from "../../../src/lib/bytes.ts";
import { limits } from "../../../src/model/limits.ts";
import { createDelimiterFramer, createTextMatcher } from "../../framing/index.ts";
import { decodeBarcode } from "./decode.ts";

/** What scanners say when they saw nothing, as far as their manuals tell it; evidence in the README beside. */
export const noReadTexts: readonly string[] = ["NoRead", "NOREAD", "No Read", "NO READ", "ERROR", "no code!", "?"];
export const heartbeatTexts: readonly string[] = ["HEARTBEAT", "Heartbeat", "heartbeat"];

const lineEndings = ["\r", "\n", "\r\n"].map(bytesOf);

/** A barcode scanner that sends one code per line, ended by CR, LF or CR LF. */
export function createLineBarcodeProfile(options: ProfileOptions = {}): Profile {
  const texts = {
    isNoRead: createTextMatcher(options.noRead ?? noReadTexts),
    isHeartbeat: createTextMatcher(options.heartbeat ?? heartbeatTexts),
  };
  return {
    name: "line-barcode",
    medium: "barcode",
    framer: createDelimiterFramer({ delimiters: lineEndings, frameBytesMax: limits.frameBytesMax }),
    decodeFrame: (bytes, start, end, claim) => claim(decodeBarcode(bytes, start, end, texts)),
  };
}
