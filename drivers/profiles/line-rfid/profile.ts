import type { FieldPlace, Profile, ProfileOptions } from "../../../src/driver/port.ts";
import { bytesOf } from "../../../src/lib/bytes.ts";
import { limits } from "../../../src/model/limits.ts";
import type { Claim, Heartbeat, Malformed, NoRead } from "../../../src/model/read.ts";
import { createDelimiterFramer, createTextMatcher } from "../../framing/index.ts";
import { createTagDecoder, isFieldSeparator, isSpace, type TagDecoder } from "./decode.ts";

const noReadTexts: readonly string[] = ["NoRead", "NOREAD", "No Read", "NO READ", "NOTAG", "NoTag", "No Tag", "NO TAG"];
const heartbeatTexts: readonly string[] = ["HEARTBEAT", "Heartbeat", "heartbeat"];

const noRead: NoRead = { kind: "no-read", medium: "rfid" };
const heartbeat: Heartbeat = { kind: "heartbeat" };
const empty: Malformed = { kind: "malformed", reason: "empty" };

const lineEndings = ["\r", "\n", "\r\n"].map(bytesOf);
/** Sirit and ThingMagic Infinity readers put the name of the event before its fields. */
const eventName = bytesOf("event.tag.report ");
const bar = 0x7c;

/** An RFID reader that sends lines of text, each with one or several tags; the grammar is in the README beside. */
export function createLineRfidProfile(options: ProfileOptions = {}): Profile {
  const isNoRead = createTextMatcher(options.noRead ?? noReadTexts);
  const isHeartbeat = createTextMatcher(options.heartbeat ?? heartbeatTexts);
  const decoder = createTagDecoder();
  return {
    name: "line-rfid",
    medium: "rfid",
    framer: createDelimiterFramer({ delimiters: lineEndings, frameBytesMax: limits.frameBytesMax }),
    decodeFrame(bytes, start, end, claim) {
      if (isNoRead(bytes, start, end)) return claim(noRead);
      if (isHeartbeat(bytes, start, end)) return claim(heartbeat);
      decoder.clear();
      if (decodeTags(decoder, bytes, tagsAt(bytes, start, end), end, claim) === 0) claim(empty);
    },
    fieldsIn(bytes, start, end, field) {
      decoder.clear();
      decodeTags(decoder, bytes, tagsAt(bytes, start, end), end, () => {}, field);
    },
  };
}

function tagsAt(bytes: Uint8Array, start: number, end: number): number {
  return beginsWith(bytes, start, end, eventName) ? start + eventName.length : start;
}

/**
 * Decodes each tag of a line and counts them.
 *
 * Spaces separate tags, unless they stand beside the separator of two fields, as in `epc=30…, antenna=1`.
 */
function decodeTags(
  decoder: TagDecoder,
  bytes: Uint8Array,
  start: number,
  end: number,
  claim: (claim: Claim) => void,
  field?: FieldPlace,
): number {
  let tagCount = 0;
  let at = start;
  while (at < end) {
    at = skipSpaces(bytes, at, end);
    const tagAt = at;
    let tagEnd = at;
    while (at < end && bytes[at] !== bar) {
      if (!isSpace(bytes[at] as number)) {
        at += 1;
        tagEnd = at;
        continue;
      }
      const next = skipSpaces(bytes, at, end);
      const isWithinTag = isFieldSeparator(bytes[tagEnd - 1] as number) || isFieldSeparator(bytes[next] as number);
      at = next;
      if (!isWithinTag) break;
    }
    if (tagEnd > tagAt) {
      claim(decoder.decode(bytes, tagAt, tagEnd, field));
      tagCount += 1;
    }
    if (at < end && bytes[at] === bar) at += 1;
  }
  return tagCount;
}

function skipSpaces(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  while (at < end && isSpace(bytes[at] as number)) at += 1;
  return at;
}

function beginsWith(bytes: Uint8Array, start: number, end: number, text: Uint8Array): boolean {
  if (end - start < text.length) return false;
  for (let i = 0; i < text.length; i += 1) if (bytes[start + i] !== text[i]) return false;
  return true;
}
