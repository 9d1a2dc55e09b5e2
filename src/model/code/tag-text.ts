/** ASCII text, filled up with zeros, blanks or ones. */
const asciiTag = /^[\x20-\x7e]{7,}[\0\xff]*$/;
/**
 * Text in UTF-8 or GBK, the last character perhaps cut off, filled up likewise. Of ASCII only what stands in names and
 * addresses: with all of it one EPC of a load in eighty would look so.
 */
const hanTag =
  /^(?=.{5})(?:[ #,.0-9@A-Z_a-z-]|[\xe3-\xe9\xef][\x80-\xbf]{2})+(?:[\xe3-\xe9\xef][\x80-\xbf]?)?[\0\xff]*$|^(?=.{5})(?:[ #,.0-9@A-Z_a-z-]|[\xb0-\xf7][\xa1-\xfe])+[\xb0-\xf7]?[\0\xff]*$/s;

/** Digits that are filled up with one other. */
const filledDigits = /^\d{8,}([A-F])\1{3,}$/i;
/** Text, six-bit letters and swapped nibbles are filled up with zeros or blanks, …  */
const filledUp = /(0+|(?:20){2,})$/;
/** … and so is an EPC: SSCC-96 has 24 bits that mean nothing, and an SGLN-96 of a place as such 41. */
const zerosMax: Readonly<Record<string, number>> = { "31": 9, "32": 13 };
const zerosMaxElse = 3;

function isFilledUp(hex: string): boolean {
  const end = filledUp.exec(hex)?.[0] ?? "";
  return end.startsWith("2") || end.length > (zerosMax[hex.slice(0, 2)] ?? zerosMaxElse);
}

const [utf8, utf16le, utf16be] = ["utf-8", "utf-16le", "utf-16be"].map(
  (name) => new TextDecoder(name, { fatal: true, ignoreBOM: true }),
);
/** Letters of one kind with what stands between them; of any bytes one in ten thousand is such. */
const oneScript = [
  /^(?=.*\p{L})[\p{Script=Latin}\d\p{P}\p{Zs}]+$/u,
  /^(?=.*\p{L})[\p{Script=Cyrillic}\d\p{P}\p{Zs}]+$/u,
  /^(?=.*\p{L})[\p{Script=Hangul}\d ()]+$/u,
  /^(?=.*\p{L})[\p{Script=Arabic}\d ()]+$/u,
  /^(?=.*\p{L})[\p{Script=Thai}\d ()]+$/u,
  /^(?=.*\p{L})[\p{Script=Hiragana}\p{Script=Katakana}ー・\d ()]+$/u,
];
const gbk = new TextDecoder("gbk");
/** The characters of GB 2312, with which names and addresses are written. */
const usualHan: ReadonlySet<string> = new Set(
  Array.from({ length: 72 * 94 }, (_, at) => gbk.decode(Uint8Array.of(0xb0 + Math.floor(at / 94), 0xa1 + (at % 94)))),
);
const betweenHan = /^[ -~，。、：；（）·　]$/u;

/** Whether bytes are text in some encoding from the first to the last. */
function isText(bytes: Uint8Array): boolean {
  return [utf8, utf16le, utf16be].some((decoder) => {
    try {
      const text = decoder!.decode(bytes).replace(/\0+$/, "");
      if (oneScript.some((script) => script.test(text))) return true;
      const characters = [...text];
      return (
        characters.every((one) => usualHan.has(one) || betweenHan.test(one)) &&
        characters.some((one) => usualHan.has(one))
      );
    } catch {
      return false;
    }
  });
}

/**
 * Whether the memory of a tag looks like text, or like digits, that somebody wrote there.
 *
 * Takes:   the memory in hex, as readers give it.
 * Cost:    three decodings of some 12 bytes.
 */
export function isTagText(hex: string): boolean {
  const bytes = Buffer.from(hex, "hex");
  const text = bytes.toString("latin1");
  return asciiTag.test(text) || hanTag.test(text) || filledDigits.test(hex) || isFilledUp(hex) || isText(bytes);
}
