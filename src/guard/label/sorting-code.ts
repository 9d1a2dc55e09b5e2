import { type FieldKind, Fields, type Label } from "./field.ts";

/** SF's members: transfer centre, station, area, service class, waybill, unpacking mark, check. */
const sfKinds: Readonly<Record<string, FieldKind>> = {
  k1: "routing",
  k2: "routing",
  k3: "routing",
  k4: "service",
  k5: "waybill",
  k6: "order",
  k7: "order",
};

/** Scanners and printers put numbers and further `M`s before it. */
const sfStart = /MMM=\{/;
const glueMax = 64;

/**
 * Reads SF's sorting code, `MMM={'k1':'…',…}`: like JSON, but for its quotes.
 *
 * Gives:   undefined for other text. What stands before and behind it is free text, and so is a member of another name.
 * Source:  `privacy.md` §2.1.
 */
export function readSfCode(text: string): Label | undefined {
  const start = text.slice(0, glueMax).search(sfStart);
  const open = start < 0 ? -1 : text.indexOf("{", start);
  const close = open < 0 ? -1 : text.indexOf("}", open);
  if (close < 0) return undefined;
  const fields = new Fields();
  const glue = text.slice(0, start).replace(/M+$/, "");
  if (!/^\d{0,16}%?$/.test(glue)) fields.add("free", glue);
  for (const member of text.slice(open + 1, close).split(",")) {
    const parts = /^\s*'(\w{1,8})'\s*:\s*'([^']*)'\s*$/.exec(member);
    const kind = parts === null ? undefined : sfKinds[parts[1]!];
    if (parts === null || kind === undefined) fields.add("free", member);
    else fields.add(kind, parts[2]);
  }
  fields.add("free", text.slice(close + 1).trim());
  return { format: "sf-mmm", fields: fields.all };
}

/** YTO's members: waybill, destination in words, three-part code, and numbers of stations. */
const ytoKinds: Readonly<Record<string, FieldKind>> = {
  mn: "waybill",
  ssc: "routing",
  tsc: "routing",
  pcn: "routing",
  rbc: "routing",
  sbc: "routing",
};

/**
 * Reads YTO's sorting code, a JSON object with `mn` and `ssc`.
 *
 * Gives:   undefined for other objects. `dtb` is free text: it has words in it.
 */
export function readYtoCode(value: Readonly<Record<string, unknown>>): Label | undefined {
  if (typeof value.mn !== "string" || typeof value.ssc !== "string") return undefined;
  const fields = new Fields();
  for (const [name, text] of Object.entries(value))
    fields.add(
      Object.hasOwn(ytoKinds, name) ? ytoKinds[name]! : "free",
      typeof text === "string" ? text : JSON.stringify(text),
    );
  return { format: "yto-json", fields: fields.all };
}
