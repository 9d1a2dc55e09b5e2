import { createGuard, type Guard } from "./clear.ts";
import type { GuardSettings } from "./settings.ts";
import { createTokenKeys } from "./tokens.ts";

/** So often is each code looked at: what V8 compiles late, it has compiled by then. */
const rounds = 12;
/** As long as a code may be nearly: what is slow at first is slow by the character. */
const longBytes = 3_000;
/** AIM identifiers: dots, and bars of GS1, which are taken apart differently. */
const symbologies = ["]Q1", "]C1"] as const;

const nobodysRead = {
  kind: "first-read",
  passId: "",
  readPoint: "",
  device: "",
  medium: "barcode",
  firstReadAt: 0,
  at: 0,
  monotonicMs: 0,
  antenna: undefined,
  rssiDbm: undefined,
} as const;

/** Pieces of a label that is nobody's, in Latin letters and in Chinese: V8 compiles patterns for each on its own. */
const pieces = [
  { name: "Nemo Nobody", phone: "+86 138-0000-0000", street: "1 Nowhere Street, Utopia", mail: "nemo@example.com" },
  { name: "某某某", phone: "138 0000 0000转0000", street: "某某省某某市某某区某某路1号1室", mail: "nemo@example.com" },
] as const;

const waybill = "SF1000000000000";
/** With their check digits right, or nothing would look for what stands behind them. */
const numbers = "11010119000101000X 4000000000000002";

type Pieces = (typeof pieces)[number];

/** One label in each of the ways in which they are written. */
function labelsOf({ name, phone, street, mail }: Pieces): readonly string[] {
  const all = `${name} ${phone} ${street} ${mail} ${numbers}`;
  const coded = encodeURIComponent(all);
  const shipment = `[)>\x1e01\x1d96000000000\x1d000\x1d00\x1d`;
  return [
    JSON.stringify({ waybillNo: waybill, receiver: { name, mobile: phone, address: street }, mail, card: numbers }),
    JSON.stringify({ mn: "800000000000000000", dtb: name, ssc: "000-000-00", tsc: "000", pcn: phone }),
    `MMM={'k1':'571','k2':'571AB','k5':'${waybill}','k7':'${name}','k8':'${phone}'}`,
    `https://example.com/${waybill}/${coded}?a=${encodeURIComponent(coded)}&b=${Buffer.from(all).toString("base64url")}#${coded}`,
    `https://example.com/01/00000000000000/21/1?4300=${coded}&4308=${encodeURIComponent(phone)}`,
    `BEGIN:VCARD\r\nN:${name};;;\r\nTEL:${phone}\r\nADR:;;${street};;;;\r\nEMAIL:${mail}\r\nEND:VCARD\r\n`,
    `MECARD:N:${name};TEL:${phone};EMAIL:${mail};ADR:${street};;`,
    `SMSTO:${phone}:${all}`,
    `${shipment}1Z00000000\x1dUPSN\x1d000000\x1d000\x1d\x1d1/1\x1d1\x1dN\x1d${street}\x1e07${all}\x1e\x04`,
    `${shipment}0000000000000201\x1dFDEG\x1d0000000\x1d000\x1d\x1d1/1\x1d1.00LB\x1dN\x1d${street}\x1dX\x1dX\x1d${name}\x1e06\x1d12Z${phone}\x1e\x04`,
    `[)>\x1e06\x1d11Z${name}\x1d12Z${phone}\x1d14Z${street}\x1e\x04`,
    `4300${name}\x1d4302${street}\x1d4308${phone}`,
    `(4300)${name}(4302)${street}(4308)${phone}`,
    `收件人：${name} 电话：${phone} 地址：${street} 邮箱：${mail} 身份证：${numbers}`,
  ];
}

/** What makes a code as long as it can be: words, numbers, streets, and the signs that something begins with. */
function longOf({ name, phone, street, mail }: Pieces): readonly string[] {
  return [`${name} ${phone} ${street} ${mail} ${numbers} `, `${name};`, `${phone} `, `${street} `, `${mail},`].map(
    long,
  );
}

const longSigns = ["1 ", "@", "{", "%20", "\\;"].map(long);

function long(piece: string): string {
  return piece.repeat(Math.floor(longBytes / Buffer.byteLength(piece)));
}

/** A code that is no UTF-8: it is read in each encoding that it may be in. */
function inNoEncoding(text: string): Uint8Array {
  return Buffer.from(`\u00b0\u00a1${text}`, "latin1").subarray(0, longBytes);
}

/** The codes that are rehearsed: labels in every format, and long ones, in Latin letters, Chinese and no encoding at all. */
export function rehearsedCodes(): readonly Uint8Array[] {
  const labels = pieces.flatMap(labelsOf);
  const texts = [...labels, ...pieces.flatMap(longOf), ...longSigns];
  return [...texts.map((text) => Buffer.from(text)), ...labels.map(inNoEncoding)];
}

/**
 * Has V8 compile what takes labels apart before the first one comes; see docs/performance.md.
 *
 * Without it the first long labels of each kind take 5 to 14 ms each, and with it no more than later ones.
 *
 * Takes:   the settings in force; a guard of its own unless another is given. What is looked at here is neither counted,
 *          nor sealed, nor told.
 * Gives:   one step of it; false: that was the last.
 * Cost:    a third of a second in some 1,000 steps, the longest of them 6 to 17 ms.
 */
export function createRehearsal(
  settings: GuardSettings,
  guard: Pick<Guard, "clear"> = createGuard({ settings, tokens: createTokenKeys(() => 0) }),
): () => boolean {
  const clock = { boot: "", synced: false };
  const codes = rehearsedCodes();
  const stepCount = codes.length * symbologies.length * rounds;
  let step = 0;
  return () => {
    const symbology = symbologies[Math.floor(step / codes.length) % symbologies.length];
    guard.clear({ ...nobodysRead, symbology, code: codes[step % codes.length]! }, clock, true);
    step += 1;
    return step < stepCount;
  };
}
