import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";

const root = join(import.meta.dirname, "../..");
const dir = mkdtempSync(join(tmpdir(), "sortgate-types-"));
afterAll(() => rmSync(dir, { recursive: true }));

const given = `
import { createViews, type ViewPolicy, type WholeEvent } from "${root}/src/guard/view.ts";
import type { StoredEvent } from "${root}/src/ledger/index.ts";
import type { SealedEvent, SealedView, View } from "${root}/src/model/event.ts";
import type { Sealer } from "${root}/src/seal/index.ts";
import { packEvents, packPortion } from "${root}/src/workers/event-batch.ts";
import type { FromLedger } from "${root}/src/workers/messages.ts";
import type { Portion, Viewed } from "${root}/src/workers/views.ts";
declare const policy: ViewPolicy;
declare const whole: WholeEvent;
declare const leased: readonly StoredEvent[];
declare const sealed: SealedEvent;
declare const sealer: Sealer;
declare const viewed: Viewed;
const views = createViews(policy, "intl", Date.now);
const about = { viewer: "partner", event: sealed, type: "org.sortgate.read.v1" };
`;

/** Ways that an event goes to a partner, and ones on which something of it would go that is in no view. */
const sound = [
  "export const signed: SealedView = sealer.view({ ...about, view: views.of(whole) });",
  'export const sent: FromLedger = { type: "batch", broker: "partner", connection: 1, batch: packPortion(viewed.of("partner", leased)) };',
];
const mistaken = [
  "export const raw: View = whole;",
  'export const code: View = { kind: "read", data: { code: "SF1385628716739" } };',
  "export const more: View = { ...whole, data: views.of(whole).data };",
  "export const signed: SealedView = sealed;",
  "export const rawSigned: SealedView = sealer.view({ ...about, view: whole });",
  "export const rawData: SealedView = sealer.view({ ...about, view: { kind: whole.kind, data: whole.data } });",
  "export const taken: Portion = leased;",
  "export const packed = packPortion(leased);",
  "export const made: Viewed = { has: () => true, of: (_, events) => events, expire() {} };",
  'export const sent: FromLedger = { type: "batch", broker: "partner", connection: 1, batch: packEvents(leased) };',
];

/** The lines, counted from 0, that do not compile behind `given`. */
function offences(lines: readonly string[]): number[] {
  const file = join(dir, "case.ts");
  writeFileSync(file, `${given}${lines.join("\n")}\n`);
  const flags =
    "--ignoreConfig --noEmit --strict --exactOptionalPropertyTypes --module nodenext --target es2023 --allowImportingTsExtensions --skipLibCheck --pretty false";
  const types = ["--types", "node", "--typeRoots", join(root, "node_modules/@types")];
  const ran = spawnSync(join(root, "node_modules/.bin/tsc"), [...flags.split(" "), ...types, file], {
    cwd: root,
    encoding: "utf8",
  });
  const before = given.split("\n").length - 1;
  const places = [...ran.stdout.matchAll(/^(\S+?)\((\d+),\d+\): error/gm)];
  expect(
    places.map(([, where]) => where!.endsWith("case.ts")),
    ran.stdout,
  ).not.toContain(false);
  return [...new Set(places.map(([, , line]) => Number(line) - 1 - before))];
}

it("R24 what is no view is signed for no partner and goes to none: it does not compile", () => {
  expect(offences(sound)).toEqual([]);
  expect(offences(mistaken)).toEqual(mistaken.map((_, line) => line));
});
