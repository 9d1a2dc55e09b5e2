import { latin1 } from "../lib/bytes.ts";
import { decodeEpc, type EpcScheme } from "../model/code/epc.ts";
import { loneSscc, provesGs1, startsElementString } from "../model/code/gs1.ts";
import { isS10 } from "../model/code/s10.ts";
import { isSscc } from "../model/code/sscc.ts";
import { candidates } from "../model/code/waybill.ts";
import type { Medium } from "../model/read.ts";
import { Search } from "./detect/search.ts";
import { type Extract, extract } from "./extract.ts";
import type { Field } from "./label/field.ts";
import { readLabels } from "./label/read-label.ts";
import { isAmbiguousAlone, isAmbiguousSscc, isAmbiguousTag, isIdentityNumber, personIn } from "./personal.ts";
import type { CarrierName } from "./settings.ts";

/** What a code is. Only the first three kinds carry its text: the others must not leave in clear. */
export type Verdict = (
  | { readonly codeClass: "waybill"; readonly code: string; readonly carriers: readonly CarrierName[] }
  | { readonly codeClass: "sscc"; readonly code: string }
  | { readonly codeClass: "epc"; readonly code: string; readonly epcUri: string }
  | { readonly codeClass: "gs1" | "unknown"; readonly code?: never }
) & {
  /** The readings of a code that was taken apart; they must not leave. */
  readonly search?: Search;
  /** What else the code may be as a whole: a person's number, in the shape of a carrier's. It must not leave. */
  readonly person?: Field;
  /** What may leave of it; set if the code is but a part of a label. */
  readonly label?: Extract;
};

const unknown: Verdict = { codeClass: "unknown" };
const gs1: Verdict = { codeClass: "gs1" };

/** The longest code that leaves in clear as it is without proof of GS1: a number of USPS. */
const plainLengthMax = 26;
/** AI 00 and an SSCC. */
const ssccLength = 20;

/**
 * Schemes that name goods, places and loads by numbers alone.
 *
 * GSRN is not among them: it names a person, such as a patient or a member of staff. Nor is SGTIN-198: its serial is
 * free text that anybody may have written.
 */
const impersonalSchemes: ReadonlySet<EpcScheme> = new Set([
  "cpi-96",
  "gdti-96",
  "giai-96",
  "gid-96",
  "grai-96",
  "sgcn-96",
  "sgln-96",
  "sgtin-96",
  "sscc-96",
]);

/**
 * Says what a code is, deny by default: what is not surely of a configured, impersonal shape is `gs1` or `unknown`.
 *
 * A code that is not such a number itself is taken apart as a label, and the number of the parcel is taken out of it.
 *
 * Takes:   the code, of any length and content.
 * Cost:    linear in the code.
 * Fails:   never.
 */
export function classify(
  code: Uint8Array,
  medium: Medium,
  symbology: string | undefined,
  configured: ReadonlySet<CarrierName>,
): Verdict {
  const text = latin1(code);
  if (medium === "rfid") return classifyTag(text);
  const verdict = classifyBarcode(text, symbology, configured);
  // EAN and UPC number products; no label is written in them.
  if (verdict.code !== undefined || symbology?.startsWith("]E")) return verdict;
  if (verdict.codeClass === "unknown" && candidates(text).length > 0) {
    // A number of another carrier is no label either.
    const person = personIn(text, symbology);
    return person === undefined ? verdict : { ...verdict, person };
  }
  const readings = readLabels(code, symbology);
  const search = new Search(readings);
  const label = extract(search, configured);
  return label === undefined ? { ...verdict, search } : { ...label, label, search };
}

function classifyTag(hex: string): Verdict {
  const epc = decodeEpc(hex);
  if (epc === undefined || !impersonalSchemes.has(epc.scheme) || isAmbiguousTag(hex)) return unknown;
  return { codeClass: "epc", code: hex, epcUri: epc.uri };
}

function classifyBarcode(code: string, symbology: string | undefined, configured: ReadonlySet<CarrierName>): Verdict {
  // EAN and UPC number products, and EMS numbers look like them.
  if (symbology?.startsWith("]E")) return unknown;
  if (provesGs1(symbology) && startsElementString(code)) return classifyElementString(code, configured);
  if (code.length > plainLengthMax) return unknown;
  const digits = code.length === ssccLength ? loneSscc(code) : undefined;
  if (digits !== undefined) {
    // 18 bare digits are never an SSCC: they may be a resident identity number.
    const isCleared = configured.has("sscc") && isSscc(digits) && !isAmbiguousSscc(code);
    return isCleared ? { codeClass: "sscc", code: digits } : unknown;
  }
  if (isS10(code)) return configured.has("s10") ? { codeClass: "waybill", code, carriers: ["s10"] } : unknown;
  const carriers = candidates(code).filter((carrier) => configured.has(carrier));
  if (carriers.length === 0 || isAmbiguousAlone(code, symbology)) return unknown;
  return { codeClass: "waybill", code, carriers };
}

/** Of all GS1 data only an SSCC alone is impersonal; others may be names, addresses and free text. */
function classifyElementString(code: string, configured: ReadonlySet<CarrierName>): Verdict {
  const digits = loneSscc(code);
  if (digits === undefined || !configured.has("sscc") || !isSscc(digits) || isIdentityNumber(digits)) return gs1;
  return { codeClass: "sscc", code: digits };
}
