import { bytesOf, casesOf, files, secretsOf } from "../guard/corpus.ts";

/** A code of `tests/captures/guard`, and what must become of it. */
export interface CapturedLabel {
  readonly name: string;
  readonly symbology?: string;
  readonly bytes: Buffer;
  readonly expect: { readonly codeClass: string; readonly code?: string; readonly carriers?: readonly string[] };
  readonly label?: { readonly format: string; readonly routing?: readonly string[]; readonly service?: string };
  readonly leaks?: readonly string[];
  /** Pieces of it that must not get out. */
  readonly secrets: readonly string[];
}

/** The barcodes of one file, or of all, that a site with all shapes of numbers reads. */
export function capturedLabels(file?: string): CapturedLabel[] {
  return files
    .filter((name) => file === undefined || name === `${file}.json`)
    .flatMap((name) =>
      casesOf(name)
        .filter(({ medium = "barcode", configured }) => medium === "barcode" && configured === undefined)
        .map((one) => ({
          ...one,
          name: `${name}: ${one.name}`,
          bytes: Buffer.from(bytesOf(one)),
          secrets: secretsOf(one),
        })),
    );
}

/** One by its file and what stands in its name. */
export function capturedLabel(file: string, name: string): CapturedLabel {
  const found = capturedLabels(file).find((label) => label.name.includes(name));
  if (found === undefined) throw new Error(`tests/captures/guard/${file}.json has no "${name}"`);
  return found;
}

/** As a scanner sends it that says its symbology. */
export const scanned = ({ symbology = "", bytes }: CapturedLabel): Buffer =>
  Buffer.concat([Buffer.from(symbology), bytes]);

/** Control characters that labels may hold; a line ends at two of them. */
const controls = new Set([0x04, 0x09, 0x0a, 0x0d, 0x1c, 0x1d, 0x1e, 0x1f]);

/** Whether a profile takes it for a code: no control characters but those of labels, and no longer than codes are. */
export function isReadable({ bytes, symbology }: CapturedLabel, isLine: boolean): boolean {
  const isPlain = bytes.every((byte) => (byte >= 0x20 && byte !== 0x7f) || controls.has(byte));
  const text = bytes.toString("latin1");
  const isWhole = isLine ? !/[\r\n]/.test(text) : !/^[\r\n]|[\r\n]$/.test(text);
  return (
    isPlain && isWhole && bytes.length > 0 && bytes.length <= 3_072 && (symbology !== undefined || text[0] !== "]")
  );
}

const person = { name: "张晓明", mobile: "13912345678", address: "浙江省杭州市西湖区文三路90号3幢502室" };
/** A label with a name, a telephone and an address by their names. */
export const labelOfPerson: CapturedLabel = {
  ...{
    name: "JSON with a person",
    symbology: "]Q1",
    leaks: ["address", "name", "phone"],
    secrets: Object.values(person),
  },
  bytes: Buffer.from(JSON.stringify({ waybillNo: "SF1385628716739", receiver: person })),
  ...{ expect: { codeClass: "waybill", code: "SF1385628716739", carriers: ["sf"] }, label: { format: "json" } },
};
const hidden = Buffer.from(`tel:${person.mobile}`).toString("base64url");
const link: CapturedLabel = {
  ...{
    name: "a web address with base64url in it",
    symbology: "]Q1",
    leaks: ["phone"],
    secrets: [person.mobile, hidden],
  },
  bytes: Buffer.from(`https://shop.example/q?mailno=SF1385628716740&d=${hidden}`),
  ...{ expect: { codeClass: "waybill", code: "SF1385628716740", carriers: ["sf"] }, label: { format: "url" } },
};
/** One of each kind, as they stand in the corpus. */
export const labelKinds: readonly CapturedLabel[] = [
  ...[labelOfPerson, link, capturedLabel("fedex", "PDF417 0"), capturedLabel("usps", "IMpb 4 behind ZIP 9")],
  ...[capturedLabel("ups", "MaxiCode 0:"), capturedLabel("ups", "MaxiCode 1:"), capturedLabel("ups", "MaxiCode 2:")],
  ...[capturedLabel("yto", "with a name"), capturedLabel("sf", "sorting code 3 with")],
  ...[capturedLabel("gs1-labels", "attributes 2"), capturedLabel("gs1-labels", "Digital Link 3")],
  ...[capturedLabel("text", "Japanese 1"), capturedLabel("text", "text 1 in gb18030")],
  ...[capturedLabel("contacts", "vCard 0"), capturedLabel("contacts", "MECARD 0"), capturedLabel("json", "object 0")],
];
