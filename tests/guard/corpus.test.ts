import { describe, expect, it } from "vitest";
import { classify } from "../../src/guard/classify.ts";
import { leaksOf } from "../../src/guard/detect/leaks.ts";
import { Search } from "../../src/guard/detect/search.ts";
import type { LabelFormat } from "../../src/guard/label/field.ts";
import { aFirstRead, aGuard, aPass, cleared, everything } from "./build.ts";
import { bytesOf, casesOf, files, secretsOf } from "./corpus.ts";

describe.each(files)("%s", (file) => {
  it.each(casesOf(file).map((one) => [one.name, one] as const))("%s", (_, one) => {
    const code = bytesOf(one);
    const guard = aGuard(one.configured === undefined ? {} : { carriers: one.configured });
    const shared = { code, medium: one.medium ?? "barcode", symbology: one.symbology } as const;
    for (const observation of [aFirstRead(shared), aPass(shared)]) {
      const { data } = cleared(observation, guard);
      const { codeClass, code: text, carriers, epcUri, token, length } = data;
      expect({ codeClass, code: text, carriers, epcUri }).toStrictEqual({
        codeClass: one.expect.codeClass,
        code: one.expect.code,
        carriers: one.expect.carriers,
        epcUri: one.expect.epcUri,
      });
      if (one.expect.code === undefined) {
        expect(token).toMatch(/^t1\.[\w-]{8}\.[\w-]{22}$/);
        expect(length).toBe(code.length);
      } else {
        expect([token, length]).toStrictEqual([undefined, undefined]);
      }
      expect(data.label).toStrictEqual(one.label);
      const said = JSON.stringify({ ...data, token: "" });
      for (const secret of secretsOf(one)) expect(said).not.toContain(secret);
    }
    if (one.leaks !== undefined) {
      const configured = new Set(one.configured ?? everything.carriers);
      const { search = new Search([]), code: number } = classify(code, shared.medium, one.symbology, configured);
      expect(leaksOf(search, number)).toStrictEqual(one.leaks);
    }
  });
});

it("the corpus holds 800 codes and more, of every kind", () => {
  const counts = files.map((file) => casesOf(file).length);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(800);
  expect([...files].sort()).toStrictEqual([
    "ambiguous.json",
    "carriers.json",
    "contacts.json",
    "envelopes.json",
    "epc.json",
    "fedex.json",
    "gs1-labels.json",
    "gs1.json",
    "hard-cases.json",
    "json.json",
    "labels.json",
    "near-misses.json",
    "pictures.json",
    "postal.json",
    "sf.json",
    "text.json",
    "ups.json",
    "urls.json",
    "usps.json",
    "yto.json",
  ]);
});

/** Ways in which labels are written that hold numbers alone, or are looked at no further. */
const silent: readonly LabelFormat[] = ["usps-impb", "image"];
const formats: Readonly<Record<LabelFormat, true>> = {
  gs1: true,
  "gs1-digital-link": true,
  "ups-maxicode": true,
  "fedex-pdf417": true,
  iso15434: true,
  "usps-impb": true,
  "sf-mmm": true,
  "yto-json": true,
  json: true,
  url: true,
  vcard: true,
  mecard: true,
  "contact-link": true,
  image: true,
  text: true,
};

it("R06 of each way in which labels are written the corpus holds five codes and more that show nobody, and five that show somebody", () => {
  const counts = new Map<string, number>();
  for (const one of files.flatMap(casesOf)) {
    if (one.medium === "rfid") continue;
    const configured = new Set(one.configured ?? everything.carriers);
    const { search, code } = classify(bytesOf(one), "barcode", one.symbology, configured);
    if (search === undefined) continue;
    const key = `${search.labels[0]!.format} ${leaksOf(search, code).length > 0 ? "leaking" : "clean"}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const expected = Object.keys(formats).flatMap((format) =>
    (silent as readonly string[]).includes(format) ? [`${format} clean`] : [`${format} clean`, `${format} leaking`],
  );
  expect([...counts.keys()].sort()).toStrictEqual(expected.sort());
  expect([...counts].filter(([, count]) => count < 5)).toStrictEqual([]);
});
