import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gs1CheckDigit } from "../../simulator/belt/waybills.ts";
import { identityCheckDigit } from "../../src/model/code/check-digit.ts";

/** Personal data of one person who does not exist, by what each is. */
export type Person = Readonly<Record<PersonalKind, string>>;

const kinds = [
  "hanName",
  "latinName",
  "mobile",
  "giftMobile",
  "tagMobile",
  "landline",
  "identity",
  "card",
  "address",
  "email",
] as const;

type PersonalKind = (typeof kinds)[number];

const luhnDigit = (digits: string): number => {
  const sum = [...digits].reverse().reduce((total, digit, index) => {
    const value = Number(digit) * (index % 2 === 0 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return (10 - (sum % 10)) % 10;
};

/** Makes a person; another number makes another person. Identity number and card have valid check digits. */
export function aPerson(number: number): Person {
  const digits = (count: number, factor: number): string =>
    String(number * factor)
      .padStart(count, "7")
      .slice(-count);
  const [family, given] = ["欧阳司徒诸葛夏侯".slice((number % 4) * 2).slice(0, 2), "鹃莲翠嫣珂霆"];
  let body = "";
  // A check digit of X is no hex digit, and the number is to be written into a tag as well.
  for (let day = 10; !/^\d$/.test(identityCheckDigit(body) ?? ""); day += 1)
    body = `330106198704${day}${digits(3, 137)}`;
  const card = `622848${digits(12, 7_919)}`;
  return {
    hanName: `${family}${given[number % 6]}${given[(number + 2) % 6]}`,
    latinName: `Wilhelmina Quist${"abcdefgh"[number % 8]}ard`,
    mobile: `186${digits(8, 1_234_577)}`,
    giftMobile: `137${digits(8, 2_345_681)}`,
    tagMobile: `159${digits(8, 3_456_797)}`,
    landline: `0571${digits(8, 4_567_831)}`,
    identity: `${body}${identityCheckDigit(body)}`,
    card: `${card}${luhnDigit(card)}`,
    address: `文晖路${digits(3, 431)}号9幢2单元7${digits(2, 13)}室`,
    email: `w.quist.${digits(4, 7_391)}@example.net`,
  };
}

/** A text as a scanner sends it: each byte one character. */
export const asUtf8 = (text: string): string => Buffer.from(text, "utf8").toString("latin1");
export const asGb18030 = (text: string): string => gb18030(text).toString("latin1");
/** A text written into the memory of a tag, filled up to 96 bits, as a reader tells it. */
export const asTagMemory = (text: string): string => Buffer.from(text).toString("hex").toUpperCase().padEnd(24, "0");

/** Codes that hold personal data and are printed without control characters: each is one read of a barcode scanner. */
export function personalCodes(person: Person): string[] {
  const { hanName, latinName, mobile, giftMobile, landline, identity, card, address, email } = person;
  const sscc = `10614141${mobile.slice(-9)}`;
  const all = Object.values(person).join(" ");
  const fields = `收件人:${hanName},电话:${mobile},地址:${address}`;
  return [
    mobile,
    `+86${mobile}`,
    `0086${mobile}`,
    `${mobile}1234`,
    landline,
    `${landline.slice(0, 4)}-${landline.slice(4)}`,
    identity,
    card,
    latinName,
    email,
    asUtf8(hanName),
    asGb18030(hanName),
    asUtf8(address),
    asUtf8(fields),
    asGb18030(fields),
    `]Q1${asUtf8(all)}`,
    `MECARD:N:${latinName};TEL:${mobile};EMAIL:${email};;`,
    asUtf8(`{"name":"${hanName}","tel":"${mobile}","id":"${identity}"}`),
    `https://t.example/?name=${encodeURIComponent(hanName)}&tel=${mobile}`,
    `]C100${sscc}${gs1CheckDigit(sscc)}4308${giftMobile}`,
    `]Q34301${encodeURIComponent(hanName)}\x1d4308${mobile}`,
  ];
}

/** A contact card: with its line breaks it is several lines for one scanner and no code for another. */
export const vCard = ({ hanName, latinName, mobile, email, address }: Person): string =>
  asUtf8(
    `BEGIN:VCARD\r\nN:${hanName}\r\nFN:${latinName}\r\nTEL:${mobile}\r\nEMAIL:${email}\r\nADR:${address}\r\nEND:VCARD`,
  );

/** Looks for secrets in bytes, in every form in which a program might have written them. */
export interface SecretSearch {
  /** `secret as form` for each that is there. */
  in(bytes: Buffer): string[];
  /** Each secret in each form, to prove that it would be found. */
  readonly needles: readonly { readonly what: string; readonly bytes: Buffer }[];
}

export function createSecretSearch(secrets: readonly string[]): SecretSearch {
  const needles = new Map<string, string>();
  for (const secret of secrets)
    for (const [form, bytes] of formsOf(secret)) {
      const key = bytes.toString("latin1");
      if (!needles.has(key)) needles.set(key, `${secret} as ${form}`);
    }
  const list = [...needles].map(([key, what]) => ({ what, bytes: Buffer.from(key, "latin1") }));
  // By their first four bytes, so that what is searched is gone through once and not for each of a thousand.
  const byStart = new Map<number, typeof list>();
  const isPair = new Uint8Array(0x10000);
  for (const needle of list) {
    const start = needle.bytes.readInt32LE(0);
    byStart.set(start, [...(byStart.get(start) ?? []), needle]);
    isPair[start & 0xffff] = 1;
  }
  return {
    needles: list,
    in(bytes) {
      const found = new Set<string>();
      for (let at = 0; at + 4 <= bytes.length; at += 1) {
        if (isPair[bytes[at]! | (bytes[at + 1]! << 8)] === 0) continue;
        for (const { what, bytes: needle } of byStart.get(bytes.readInt32LE(at)) ?? [])
          if (bytes.compare(needle, 0, needle.length, at, Math.min(at + needle.length, bytes.length)) === 0)
            found.add(what);
      }
      return [...found];
    },
  };
}

function gb18030(text: string): Buffer {
  return execFileSync("iconv", ["-f", "UTF-8", "-t", "GB18030"], { input: text });
}

function formsOf(secret: string): [form: string, bytes: Buffer][] {
  const utf8 = Buffer.from(secret, "utf8");
  const chinese = gb18030(secret);
  const forms: [string, Buffer][] = [
    ["UTF-8", utf8],
    ["UTF-8 in upper case", Buffer.from(secret.toUpperCase())],
    ["UTF-8 in lower case", Buffer.from(secret.toLowerCase())],
    ["GB18030", chinese],
    ["UTF-16LE", Buffer.from(secret, "utf16le")],
    ["UTF-16BE", Buffer.from(secret, "utf16le").swap16()],
    // What becomes of bytes that were taken for characters, as codes are.
    ["UTF-8 taken for latin1", Buffer.from(utf8.toString("latin1"), "utf8")],
    ["GB18030 taken for latin1", Buffer.from(chinese.toString("latin1"), "utf8")],
    ["reversed", Buffer.from([...secret].reverse().join(""), "utf8")],
    ["reversed bytes", Buffer.from(utf8).reverse()],
    ["percent-encoded", Buffer.from(encodeURIComponent(secret))],
    ["JSON escapes", Buffer.from(jsonEscaped(secret))],
  ];
  for (const [encoding, bytes] of [
    ["UTF-8", utf8],
    ["GB18030", chinese],
  ] as const) {
    forms.push([`hex of ${encoding}`, Buffer.from(bytes.toString("hex"))]);
    forms.push([`upper-case hex of ${encoding}`, Buffer.from(bytes.toString("hex").toUpperCase())]);
    for (const alignment of [0, 1, 2]) {
      const inner = base64Inner(bytes, alignment);
      forms.push([`base64 of ${encoding}, ${alignment}`, Buffer.from(inner)]);
      forms.push([
        `base64url of ${encoding}, ${alignment}`,
        Buffer.from(inner.replaceAll("+", "-").replaceAll("/", "_")),
      ]);
    }
  }
  return forms;
}

/** The characters of a base64 text that depend on nothing but these bytes, when so many others stand before them. */
function base64Inner(bytes: Buffer, alignment: number): string {
  const text = Buffer.concat([Buffer.alloc(alignment), bytes]).toString("base64");
  const first = Math.ceil((alignment * 8) / 6);
  const last = Math.floor(((alignment + bytes.length) * 8) / 6);
  return text.slice(first, last);
}

function jsonEscaped(text: string): string {
  return text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Every file below a directory with its content. */
export function filesBelow(dir: string): { readonly path: string; readonly bytes: Buffer }[] {
  const entries = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return entries.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    try {
      return [{ path, bytes: readFileSync(path) }];
    } catch (error) {
      // A file that went away between the two looks; one that may not be read would be a hole in the search.
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
      throw error;
    }
  });
}
