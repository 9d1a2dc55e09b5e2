import { createGuard, type Guard } from "./clear.ts";
import type { GuardSettings } from "./settings.ts";
import { createTokenKeys } from "./tokens.ts";

/** So often is each code looked at: what V8 compiles late, it has compiled by then. */
const rounds = 10;
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
const usps = "9200000000000000000001";
const sscc = "106141412345678908";
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

/**
 * What is written in several ways, in most of them: what V8 has not seen it throws its code away for. Some of it is
 * somebody's, some but looks so.
 */
const varied = [
  "+1 (212) 555-0100 ext 12 (+44) 20 0000 0000 0571-28050000 (0571)2805-0000-12 010 2805 0000 0000 000 000 0086 571 28050000",
  "86 571 28050000 8600 00 400-000-0000 1-800-555-0100 4000 0000 0000 0002 GB82 WEST 1234 5698 7654 32 AA11 AAAA AAAA AAAA",
  "900101-1234560 110101 190001 010000 tel13800000000 AB13800000000 SF1 aA1 1,2,3 138 0000 0000,0000 13800000000x0000 1 1 9 9",
  "Berliner Straße 5 Rosa-Luxemburg-Straße 12a 5 rue de la Paix rue de Rivoli 7 rue 1 PO Box 12 Packstation 101 Mühlenweg 3",
  "1600 Martin King Jr Blvd Apt 4 12 gold ring 5 É Str. Ж 7 1st Avenue, #5 12 street 3 A St 1 \u{1d400}b 2 terrace road a* Str 1",
  "某某路12 某某街3-2-501 某村内12 一月1号 1月1号 某某市1号门 某某区某某路*号 村1 某某苑2栋3单元 路12件 第二组 ٣号 ㌖½ｱ",
  "national id barcode:1 track no:SF1 return_no:2 K_e_y:3 receiverName=N** Tel.:138****0000 bday:2000 nu: p1: x= http://a.b/?c=%E5",
  "运单号：1000 0000 0000 退货单号：1 收件人某某 姓名：某* 地址：某某 电话：1380000xxxx 某某：1 身份证：1101011900010100XX 甲 乙",
] as const;

/** What texts begin and end with: something looks before and behind each of them. */
const edges = ["+", "(", "1", "x", "@", ":", "*", "路", "路1", "号", "a", " ", "\u00e9", "Str", "1 Str"];

/** Members that are no texts, and texts that are members again. */
const nested = `{"a":[true,null,1.5,{},"",[[[1]]]],"":"[1","order":{"no":"{\\"tel\\":1}"},"n":9007199254740993,"name":{"value":"N"}}`;

function variedCodes(): readonly Uint8Array[] {
  const all = varied.join("; ");
  const [numbers, , , streets] = varied;
  const half = Math.floor(Buffer.byteLength(all) / 2);
  return [
    ...[
      all,
      all.replaceAll(" ", ";"),
      nested,
      `42000000${usps}`,
      `(00)${sscc}(4300)N`,
      ...edges.map((edge) => `${edge}13800000000 1 Nowhere Street${edge}`),
    ].map((text) => Buffer.from(text)),
    inNoEncoding(all),
    Buffer.from(`${numbers} ${streets}`, "utf16le"),
    Buffer.from(`\x1b$B0!\x1b(B ${numbers} ${streets}`),
    // UTF-8 with a byte that was lost.
    Buffer.concat([Buffer.from(all).subarray(0, half), Buffer.of(0xff), Buffer.from(all).subarray(half)]),
  ];
}

/** A code that is no UTF-8: it is read in each encoding that it may be in. */
function inNoEncoding(text: string): Uint8Array {
  return Buffer.from(`\u00b0\u00a1${text}`, "latin1").subarray(0, longBytes);
}

/** The codes that are rehearsed: labels in every format, and long ones, in Latin letters, Chinese and no encoding at all. */
export function rehearsedCodes(): readonly Uint8Array[] {
  const labels = pieces.flatMap(labelsOf);
  const texts = [...labels, ...pieces.flatMap(longOf), ...longSigns];
  return [...texts.map((text) => Buffer.from(text)), ...labelsOf(pieces[0]).map(inNoEncoding), ...variedCodes()];
}

/**
 * Has V8 compile what takes labels apart before the first one comes; see docs/performance.md.
 *
 * Without it the first long labels of each kind take 5 to 14 ms each, and with it no more than later ones.
 *
 * Takes:   the settings in force; a guard of its own unless another is given. What is looked at here is neither counted,
 *          nor sealed, nor told.
 * Gives:   one step of it; false: that was the last.
 * Cost:    a third of a second in some 1,600 steps, the longest of them 6 to 17 ms.
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
