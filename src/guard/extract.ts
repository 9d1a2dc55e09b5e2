import { isS10 } from "../model/code/s10.ts";
import { isSscc } from "../model/code/sscc.ts";
import { candidates } from "../model/code/waybill.ts";
import type { Field, Label, LabelFormat } from "./label/field.ts";
import { isAmbiguousWaybill, isIdentityNumber, isPersonalNumber } from "./personal.ts";
import type { CarrierName } from "./settings.ts";

/** What of a label may leave: the number of the parcel, and where and how it is to go. */
export interface Extract {
  readonly codeClass: "waybill" | "sscc";
  readonly code: string;
  /** Of a waybill; empty for an SSCC. */
  readonly carriers: readonly CarrierName[];
  readonly format: LabelFormat;
  readonly routing: readonly string[];
  readonly service: string | undefined;
}

/** Codes of stations and services are short, and no words: whoever prints labels may write anything in their place. */
const routingShape = /^[0-9A-Z]{1,8}(?:-[0-9A-Z]{1,6}){0,3}$/;
const routingMax = 4;

/** Shapes that begin with letters of their own: such a number is a waybill wherever it stands, also in a sentence. */
const lettered = /^(?:SF[A-Z0-9]|YT\d|JD[A-Z0-9]{2}|JT\d|DPK|1Z[0-9A-Z]|[A-Z]{2}\d{9}[A-Z]{2}$)/;
/** Words of free text that are looked at; a label has its number at the beginning, or alone in a field. */
const wordsMax = 64;

/**
 * Takes out of a label what may leave in clear: its waybill, or its SSCC.
 *
 * Takes:   the readings of one label, see `readLabels`; `configured`, the shapes that the site lets out.
 * Gives:   undefined if there is none, or several: then nobody can tell which is the parcel's.
 * Cost:    linear.
 */
export function extract(labels: readonly Label[], configured: ReadonlySet<CarrierName>): Extract | undefined {
  for (const { format, fields } of labels) {
    const waybills = new Map<string, readonly CarrierName[]>();
    for (const field of fields) addWaybills(waybills, field, format, configured);
    const ssccs = new Set(fields.filter((field) => isClearSscc(field, configured)).map(({ value }) => value));
    const found: Pick<Extract, "codeClass" | "code" | "carriers">[] =
      waybills.size > 0
        ? [...waybills].map(([code, carriers]) => ({ codeClass: "waybill", code, carriers }))
        : [...ssccs].map((code) => ({ codeClass: "sscc", code, carriers: [] }));
    if (found.length !== 1) continue;
    return { ...found[0]!, format, ...waysOf(fields) };
  }
  return undefined;
}

function addWaybills(
  waybills: Map<string, readonly CarrierName[]>,
  { kind, value }: Field,
  format: LabelFormat,
  configured: ReadonlySet<CarrierName>,
): void {
  if (kind !== "waybill" && kind !== "free" && kind !== "order") return;
  for (const word of value.split(/\s+/, wordsMax)) {
    if (kind !== "waybill" && !lettered.test(word)) continue;
    const carriers = carriersOf(word, kind === "waybill" ? format : undefined).filter((name) => configured.has(name));
    if (carriers.length > 0 && !isAmbiguousWaybill(word, undefined)) waybills.set(word, carriers);
  }
}

/** Carriers whose own labels prove that a number is theirs, though it has no shape that would tell it from others. */
const proven: Partial<Record<LabelFormat, readonly [CarrierName, RegExp]>> = {
  "sf-mmm": ["sf", /^\d{12}$/],
  "yto-json": ["yto", /^\d{12,18}$/],
};

function carriersOf(word: string, format: LabelFormat | undefined): readonly CarrierName[] {
  if (isS10(word)) return ["s10"];
  const [carrier, shape] = (format === undefined ? undefined : proven[format]) ?? [];
  if (carrier !== undefined && shape?.test(word)) return [carrier];
  return candidates(word);
}

function isClearSscc({ kind, value }: Field, configured: ReadonlySet<CarrierName>): boolean {
  return kind === "sscc" && configured.has("sscc") && isSscc(value) && !isIdentityNumber(value);
}

function waysOf(fields: readonly Field[]): Pick<Extract, "routing" | "service"> {
  const clear = fields.filter(({ value }) => routingShape.test(value) && !isPersonalNumber(value.replaceAll("-", "")));
  return {
    routing: clear
      .filter(({ kind }) => kind === "routing")
      .slice(0, routingMax)
      .map(({ value }) => value),
    service: clear.find(({ kind }) => kind === "service")?.value,
  };
}
