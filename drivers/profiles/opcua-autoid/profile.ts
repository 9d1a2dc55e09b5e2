import type { Profile } from "../../../src/driver/port.ts";
import { decodeScanEvent } from "./decode.ts";

/** A reader with the AutoID model of OPC UA (OPC 30010): RFID readers and cameras. */
export function createOpcuaAutoidProfile(): Profile {
  return { name: "opcua-autoid", medium: "rfid", decodeValues: decodeScanEvent };
}
