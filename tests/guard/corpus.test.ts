import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
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
      const { codeClass, code: text, carriers, epcUri, token, length } = cleared(observation, guard).data;
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
    }
  });
});

it("the corpus holds every kind of code", () => {
  expect(files.sort()).toStrictEqual([
    "ambiguous.json",
    "carriers.json",
    "epc.json",
    "gs1.json",
    "labels.json",
    "postal.json",
  ]);
});
