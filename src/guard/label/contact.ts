import { type FieldKind, Fields, type Label } from "./field.ts";
import { Pieces } from "./pieces.ts";

/** Properties of vCard (RFC 6350) and MECARD that hold nothing of a person. */
const silent: ReadonlySet<string> = new Set(["BEGIN", "END", "VERSION", "PRODID", "REV", "KIND"]);

const properties: ReadonlyMap<string, FieldKind> = new Map<string, FieldKind>([
  ...each("name", "N FN NICKNAME SOUND ORG TITLE ROLE RELATED MEMBER X C"),
  ...each("phone", "TEL TEL-AV IMPP B F M"),
  ...each("address", "ADR A GEO LABEL TZ"),
  ...each("email", "EMAIL"),
  ...each("birth", "BDAY ANNIVERSARY GENDER"),
  ...each("free", "NOTE URL UID PHOTO LOGO KEY"),
]);

function each(kind: FieldKind, list: string): [string, FieldKind][] {
  return list.split(" ").map((name) => [name, kind]);
}

const silentMax = 16;

/** Links that hold a person and nothing else: what stands behind the colon, piece by piece. */
const links: readonly (readonly [string, readonly FieldKind[]])[] = [
  ["tel:", ["phone"]],
  ["telprompt:", ["phone"]],
  ["sms:", ["phone", "free"]],
  ["smsto:", ["phone", "free"]],
  ["mms:", ["phone", "free"]],
  ["mmsto:", ["phone", "free"]],
  ["mailto:", ["email", "free"]],
  ["smtp:", ["email", "free"]],
  ["sip:", ["phone"]],
  ["facetime:", ["phone"]],
  ["geo:", ["address"]],
  ["wifi:", ["secret"]],
  ["weixin:", ["free"]],
  ["wxp:", ["free"]],
  ["alipays:", ["free"]],
];

/** Scanners drop line ends, or put something else in their place: then a property begins where its name stands. */
const lineEnds = /[\r\n]+|[;, ]?(?=\b(?:FN|N|TEL|ADR|EMAIL|ORG|TITLE|NOTE|URL|BDAY|VERSION|END)[:;])/g;

/** Reads a vCard: a line for each property, folded lines put together. Gives undefined for other text. */
export function readVcard(text: string): Label | undefined {
  if (!/^BEGIN:VCARD/i.test(text)) return undefined;
  const fields = new Fields();
  const lines = new Pieces(text.replace(/\r?\n[ \t]/g, ""), lineEnds);
  for (let line = lines.next(); line !== undefined; line = lines.next()) {
    if (fields.isCut) break;
    const colon = line.indexOf(":");
    if (colon < 0) fields.add("free", line);
    else addProperty(fields, line.slice(0, colon), line.slice(colon + 1));
  }
  return fields.label("vcard");
}

function addProperty(fields: Fields, head: string, value: string): void {
  if (value === "") return;
  const [name = ""] = head.split(";");
  const property = name
    .slice(name.lastIndexOf(".") + 1)
    .trim()
    .toUpperCase();
  if (silent.has(property)) {
    // Longer than it ever is: the rest of the card has run into it.
    if (value.length > silentMax) fields.add("free", value);
    return;
  }
  const kind = properties.get(property) ?? "free";
  fields.add(kind, value.replace(/\\(.)/g, "$1").replaceAll(";", " ").trim());
}

/** Reads MECARD and its kin: `NAME:value;` one behind the other. Gives undefined for other text. */
export function readMecard(text: string): Label | undefined {
  const head = /^(?:MECARD|BIZCARD|MATMSG|CARD|MEBKM):/i.exec(text)?.[0];
  if (head === undefined) return undefined;
  const fields = new Fields();
  for (const part of splitEscaped(text.slice(head.length))) {
    if (fields.isCut) break;
    const colon = part.indexOf(":");
    if (colon < 0) fields.add("free", part);
    else {
      const name = part.slice(0, colon).trim().toUpperCase();
      fields.add(name === "TO" ? "email" : (properties.get(name) ?? "free"), part.slice(colon + 1));
    }
  }
  return fields.label("mecard");
}

/** Pieces between semicolons that no backslash stands before. */
function splitEscaped(text: string): string[] {
  const parts: string[] = [];
  let part = "";
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]!;
    if (character === ";") {
      parts.push(part);
      part = "";
    } else if (character === "\\" && at + 1 < text.length) {
      at += 1;
      part += text[at]!;
    } else part += character;
  }
  parts.push(part);
  return parts;
}

/** Reads `tel:`, `mailto:`, `SMSTO:` and their kin. Gives undefined for other text. */
export function readContactLink(text: string): Label | undefined {
  const start = text.slice(0, 12).toLowerCase();
  const link = links.find(([scheme]) => start.startsWith(scheme));
  if (link === undefined) return undefined;
  const [scheme, kinds] = link;
  const fields = new Fields();
  const rest = text.slice(scheme.length);
  const cut = kinds.length === 1 ? -1 : rest.search(/[:?;]/);
  fields.add(kinds[0]!, cut < 0 ? rest : rest.slice(0, cut));
  if (cut >= 0) fields.add(kinds[1]!, rest.slice(cut + 1));
  return fields.label("contact-link");
}
