import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { leaksOf } from "../../src/guard/detect/leaks.ts";
import { readLabels } from "../../src/guard/label/read-label.ts";
import type { CarrierName } from "../../src/guard/settings.ts";
import type { Medium } from "../../src/model/read.ts";
import { aFirstRead, aGuard, aPass, cleared } from "./build.ts";

interface Case {
  readonly name: string;
  readonly medium?: Medium;
  readonly symbology?: string;
  readonly configured?: CarrierName[];
  readonly text?: string;
  readonly hex?: string;
  readonly expect: { codeClass: string; code?: string; carriers?: string[]; epcUri?: string };
  /** What else of a label leaves. */
  readonly label?: { format: string; routing?: string[]; service?: string };
  /** What core data it shows in clear; absent where nobody has counted. */
  readonly leaks?: string[];
  /** Each of these must not stand in the event. */
  readonly secrets?: string[];
}

const folder = new URL("../captures/guard/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));

function bytesOf({ text, hex }: Case): Uint8Array {
  return hex === undefined ? Buffer.from(text ?? "", "utf8") : Buffer.from(hex, "hex");
}

describe.each(files)("%s", (file) => {
  const { cases } = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as { cases: Case[] };

  it.each(cases.map((one) => [one.name, one] as const))("%s", (_, one) => {
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
      for (const secret of one.secrets ?? []) expect(said).not.toContain(secret);
    }
    if (one.leaks !== undefined)
      expect(leaksOf(readLabels(code, one.symbology), one.expect.code)).toStrictEqual(one.leaks);
  });
});

it("the corpus holds 600 codes and more, of every kind", () => {
  const counts = files.map((file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")).cases.length as number);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(600);
  expect(files.sort()).toStrictEqual([
    "ambiguous.json",
    "carriers.json",
    "contacts.json",
    "epc.json",
    "fedex.json",
    "gs1-labels.json",
    "gs1.json",
    "hard-cases.json",
    "json.json",
    "labels.json",
    "near-misses.json",
    "postal.json",
    "sf.json",
    "text.json",
    "ups.json",
    "urls.json",
    "usps.json",
    "yto.json",
  ]);
});
