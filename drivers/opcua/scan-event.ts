/** One antenna's hearing of a tag. */
interface ScanSighting {
  readonly antenna: unknown;
  readonly strength: unknown;
  readonly timestampMs?: number;
}

/** One result of a scan as plain data; a result without any code field could not be decoded. */
export interface ScanResult {
  readonly codeType: string;
  readonly epc?: Uint8Array;
  readonly string?: string;
  readonly bytes?: Uint8Array;
  readonly timestampMs?: number;
  readonly sightings?: readonly ScanSighting[];
  readonly symbology?: string;
}

export type ScanKind = "rfid" | "optical" | "autoid";

/** Event types of OPC 30010 by their number in the AutoID namespace: 1006 RFID; 1005 OCR, 1009 and 1013 cameras. */
const kinds: Readonly<Record<number, ScanKind>> = { 1005: "optical", 1006: "rfid", 1009: "optical", 1013: "optical" };

const member = (value: unknown, name: string): unknown =>
  typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;

const textOf = (value: unknown): string | undefined => (typeof value === "string" ? value : undefined);

const bytesOf = (value: unknown): Uint8Array | undefined => (value instanceof Uint8Array ? value : undefined);

const timeOf = (value: unknown): number | undefined => {
  const ms = value instanceof Date ? value.getTime() : Number.NaN;
  return Number.isFinite(ms) ? ms : undefined;
};

/** Only the members that are there, so that absent stays absent. */
const present = <Shape extends object>(shape: { readonly [Key in keyof Shape]: Shape[Key] | undefined }): Shape =>
  Object.fromEntries(Object.entries(shape).filter(([, value]) => value !== undefined)) as Shape;

const sightingOf = (value: unknown): ScanSighting =>
  present<ScanSighting>({
    antenna: member(value, "antenna"),
    strength: member(value, "strength"),
    timestampMs: timeOf(member(value, "timestamp")),
  });

/** Turns a decoded `ScanResult` structure, whatever its subtype, into plain data. Never throws. */
export function scanResultOf(value: unknown): ScanResult {
  const data = member(value, "scanData");
  const sightings = member(value, "sighting");
  return present<ScanResult>({
    codeType: textOf(member(value, "codeType")) ?? "",
    epc: bytesOf(member(member(data, "epc"), "uId")),
    string: textOf(member(data, "string")),
    bytes: bytesOf(member(data, "byteString")),
    timestampMs: timeOf(member(value, "timestamp")),
    sightings: Array.isArray(sightings) ? sightings.map(sightingOf) : undefined,
    symbology: textOf(member(value, "symbology")),
  });
}

/**
 * What kind of reader raised an event.
 *
 * Makers derive types of their own; those are told by their results: only RFID has sightings.
 */
export function scanKindOf(typeId: unknown, results: readonly ScanResult[]): ScanKind {
  const known = typeof typeId === "number" ? kinds[typeId] : undefined;
  if (known !== undefined) return known;
  if (results.some((result) => result.sightings !== undefined || result.epc !== undefined)) return "rfid";
  return results.some((result) => result.symbology !== undefined) ? "optical" : "autoid";
}
