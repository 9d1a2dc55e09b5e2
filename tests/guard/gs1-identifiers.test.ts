import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { kindOfIdentifier } from "../../src/guard/label/element-string.ts";
import { classOf, type FieldKind } from "../../src/guard/label/field.ts";
import { readLabels } from "../../src/guard/label/read-label.ts";

const dictionary = readFileSync(new URL("../captures/guard/gs1-syntax-dictionary.txt", import.meta.url), "utf8");

/** All identifiers of GS1 that tell of a person or a place to deliver to, by their titles; no kind: a fact of trade. */
const table: readonly (readonly [string, string, FieldKind | undefined, string])[] = [
  ["400", "ORDER NUMBER", "order", "PO-77183"],
  ["401", "GINC", "order", "9521141PO77183"],
  ["402", "GSIN", "order", "95211410000000019"],
  ["403", "ROUTE", "free", "DHL-HAM-3"],
  ["420", "SHIP TO POST", "postcode", "80331"],
  ["421", "SHIP TO POST", "postcode", "27680331"],
  ["422", "ORIGIN", "country", "276"],
  ["4300", "SHIP TO COMP", "name", "Bakery"],
  ["4301", "SHIP TO NAME", "name", "Lena"],
  ["4302", "SHIP TO ADD1", "address", "Marienplatz"],
  ["4303", "SHIP TO ADD2", "address", "Haus 2"],
  ["4304", "SHIP TO SUB", "address", "Schwabing"],
  ["4305", "SHIP TO LOC", "address", "Munich"],
  ["4306", "SHIP TO REG", "address", "Bavaria"],
  ["4307", "SHIP TO COUNTRY", "country", "DE"],
  ["4308", "SHIP TO PHONE", "phone", "498912345678"],
  ["4309", "SHIP TO GEO", "address", "02790858483015297971"],
  ["4310", "RTN TO COMP", "name", "Mill"],
  ["4311", "RTN TO NAME", "name", "Jonas"],
  ["4312", "RTN TO ADD1", "address", "Hafenstrasse"],
  ["4313", "RTN TO ADD2", "address", "Tor 4"],
  ["4314", "RTN TO SUB", "address", "Altona"],
  ["4315", "RTN TO LOC", "address", "Hamburg"],
  ["4316", "RTN TO REG", "address", "North"],
  ["4317", "RTN TO COUNTRY", "country", "DE"],
  ["4318", "RTN TO POST", "postcode", "22767"],
  ["4319", "RTN TO PHONE", "phone", "494012345678"],
  ["4320", "SRV DESCRIPTION", "item", "Express"],
  ["4321", "DANGEROUS GOODS", undefined, "1"],
  ["4322", "AUTH TO LEAVE", undefined, "1"],
  ["4323", "SIG REQUIRED", undefined, "0"],
  ["4324", "NOT BEF DEL DT", undefined, "2611281000"],
  ["4325", "NOT AFT DEL DT", undefined, "2611281800"],
  ["4326", "REL DATE", undefined, "261128"],
  ["7250", "DOB", "birth", "19900307"],
  ["7251", "DOB TIME", "birth", "199003071405"],
  ["7252", "BIO SEX", "birth", "2"],
  ["7253", "FAMILY NAME", "name", "Berg"],
  ["7254", "GIVEN NAME", "name", "Lena"],
  ["7255", "SUFFIX", "name", "Junior"],
  ["7256", "FULL NAME", "name", "Lena"],
  ["7257", "PERSON ADDR", "address", "Marienplatz"],
  ["7258", "BIRTH SEQUENCE", undefined, "1-2"],
  ["7259", "BABY", "name", "Berg"],
  ["8017", "GSRN - PROVIDER", "identity", "952114111111111115"],
  ["8018", "GSRN - RECIPIENT", "identity", "952114111111111115"],
];

/** Of each kind, how much it tells of a person: as the founding documents have it. */
const classes: Readonly<Record<string, string>> = {
  name: "core",
  phone: "core",
  address: "core",
  identity: "core",
  birth: "core",
  free: "core",
  postcode: "basic",
  order: "basic",
  item: "basic",
  country: "public",
};

const sscc = "106141412345678908";

const fieldsOf = (text: string, symbology: string) => {
  const [{ format, fields } = { format: "none", fields: [] }] = readLabels(Buffer.from(text), symbology);
  return { format, fields: fields.filter(({ kind }) => kind !== "sscc") };
};

describe("R05 what GS1 has an identifier for", () => {
  it.each(table)(
    "AI %s, %s, is %s, in element strings, in brackets and in Digital Links",
    (identifier, title, kind, value) => {
      expect(dictionary).toMatch(new RegExp(`^${identifier} .*# ${title}$`, "m"));
      expect(kindOfIdentifier(identifier)).toBe(kind);
      if (kind !== undefined) expect(classOf[kind]).toBe(classes[kind]);
      const fields = kind === undefined ? [] : [{ kind, value }];
      expect(fieldsOf(`00${sscc}${identifier}${value}`, "]C1")).toStrictEqual({ format: "gs1", fields });
      expect(fieldsOf(`https://id.gs1.org/00/${sscc}?${identifier}=${value}`, "]Q1")).toStrictEqual({
        format: "gs1-digital-link",
        fields,
      });
      // There nothing bounds a fact of trade: what is none of a person's is the sender's own.
      expect(fieldsOf(`(00)${sscc}(${identifier})${value}`, "]Q1").fields).toStrictEqual([
        { kind: kind ?? "order", value },
      ]);
    },
  );

  it("is in the table, as far as it tells of a person or a delivery", () => {
    const told = [...dictionary.matchAll(/^(4[03]\d{1,2}|42[0-2]|725\d|801[78])\s/gm)].map(
      ([, identifier]) => identifier!,
    );
    const listed = new Set(table.map(([identifier]) => identifier));
    // 4330 to 4333 are temperatures.
    expect(told.filter((one) => !listed.has(one))).toStrictEqual(["4330", "4331", "4332", "4333"]);
  });
});
