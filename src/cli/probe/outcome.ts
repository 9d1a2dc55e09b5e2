import type { Config } from "../../config/index.ts";
import { type ErrorCode, SortgateError } from "../../model/error.ts";
import { durationText } from "../quantity.ts";
import type { Arrived } from "./arrivals.ts";

type Device = Config["devices"][number];

/** How a probe went, once it is over. */
export interface Outcome {
  readonly device: Device;
  readonly arrived: Arrived;
  /** Frames and sets of values that could be cut out of what came, and those of them that the profile understood. */
  readonly frameCount: number;
  readonly fittingCount: number;
  readonly listenedMs: number;
  /** Whether a device has called, for one that calls us. */
  readonly isCalled: boolean;
  /** Why the device ended it; absent if we did. */
  readonly ended: { readonly code: ErrorCode; readonly sentence: string } | undefined;
  /** What the probe has to be run with, to be run again. */
  readonly command: string;
  /** Completes a hint where the running daemon reads the same device. */
  readonly stop: string;
}

/** What each profile takes for one frame. */
const expectations: Readonly<Record<string, string>> = {
  "line-barcode": "one code a line, ended by CR, LF or both, and no other control characters",
  "stx-etx-barcode": "each code between STX and ETX",
  "line-rfid": "lines of tags in hex, antenna and strength behind them, ended by CR, LF or both",
  "opcua-autoid": "scan events of OPC 30010",
  "opcua-tags": "a text as code beside a number as sequence",
};

function profileOf(device: Device): string {
  return device.profile ?? (device.driver === "opcua" ? `opcua-${device.mode}` : "");
}

function arrivedText({ byteCount, controls, highCount }: Arrived): string {
  if (byteCount === 0) return "values of another kind";
  const which = controls.length === 0 ? "no control character" : `the control characters ${controls.join(", ")}`;
  return `${byteCount} bytes with ${which}${highCount === 0 ? "" : ` and ${highCount} beyond ASCII`}`;
}

/** What to change first where a device and its profile do not fit. */
function misfitHint({ device, arrived, command, stop }: Outcome): string {
  const profile = profileOf(device);
  const has = (name: string): boolean => arrived.controls.includes(name);
  const raw = `${command} --raw --reason TICKET shows the bytes${stop}`;
  if (device.driver === "opcua") return `compare the nodes or events with mode and tag of this device; ${raw}`;
  if (device.driver === "serial" && arrived.highCount * 4 > arrived.byteCount)
    return `set baud_rate, data_bits and parity as they are in the device; ${raw}`;
  if (has("STX") && has("ETX") && profile !== "stx-etx-barcode")
    return `write profile = "stx-etx-barcode", or switch STX and ETX off in the device; ${raw}`;
  if (!has("STX") && (has("CR") || has("LF")) && profile === "stx-etx-barcode")
    return `write profile = "line-barcode", or switch STX and ETX on in the device; ${raw}`;
  if (profile === "line-rfid") return `write profile = "line-barcode" if this is a barcode scanner; ${raw}`;
  return `set the device to end its codes as the profile expects it; ${raw}`;
}

/** What the profile expects and what came instead; never what stood in it. */
export function misfitText({ device, arrived }: Outcome): string {
  const profile = profileOf(device);
  return `it expects ${expectations[profile] ?? "something else"}, and there came ${arrivedText(arrived)}`;
}

function silence(outcome: Outcome): SortgateError {
  const { device, listenedMs, isCalled, stop } = outcome;
  const time = durationText(Math.round(listenedMs / 100) * 100);
  if (device.driver === "tcp" && device.mode === "listen" && !isCalled)
    return new SortgateError(
      "device/silent",
      `${device.name}: nobody called ${device.host} port ${device.port} in ${time}`,
      { hint: `set the scanner to call this address and port as a client, and check cable and firewall${stop}` },
    );
  const look =
    device.driver === "serial"
      ? "hold a label under the scanner, check cable, power and baud_rate"
      : device.driver === "tcp"
        ? "hold a label under the scanner, check that it sends to this connection and when it is triggered"
        : "hold a tag before the reader, check that it is scanning (scan_start)";
  return new SortgateError("device/silent", `${device.name} was opened, and nothing was heard in ${time}`, {
    hint: `${look}${stop}`,
  });
}

/** Why a probe showed nothing that could be used; nothing if it did. */
export function failureOf(outcome: Outcome): SortgateError | undefined {
  const { device, arrived, frameCount, fittingCount, ended, command, stop } = outcome;
  if (fittingCount > 0) return undefined;
  if (frameCount > 0 || arrived.byteCount > 0) {
    const what = frameCount === 0 ? "no whole frame for" : "nothing that fits";
    return new SortgateError(
      "device/misconfigured",
      `${device.name} sent ${what} the profile ${profileOf(device)}: ${misfitText(outcome)}`,
      { hint: misfitHint(outcome) },
    );
  }
  if (ended !== undefined)
    return new SortgateError(ended.code, ended.sentence.replace(/\.$/, ""), {
      hint: `check the device, then: ${command}${stop}`,
    });
  return silence(outcome);
}
