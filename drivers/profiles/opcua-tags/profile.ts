import type { Profile } from "../../../src/driver/port.ts";
import { createTagDecoder } from "./decode.ts";

/** A scanner behind a PLC: a node with the last code and a node that counts scans up to `sequenceMax`, or as far as its type goes. */
export function createOpcuaTagsProfile(options: { readonly sequenceMax?: number | undefined }): Profile {
  return { name: "opcua-tags", medium: "barcode", decodeValues: createTagDecoder(options.sequenceMax) };
}
