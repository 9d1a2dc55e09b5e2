import { expect, it } from "vitest";
import { offences } from "../fakes/compiler.ts";

const given = `
import { createViews, type ViewPolicy, type WholeEvent } from "src/guard/view.ts";
import type { StoredEvent } from "src/ledger/index.ts";
import type { SealedEvent, SealedView, View } from "src/model/event.ts";
import type { Sealer } from "src/seal/index.ts";
import { packEvents, packPortion } from "src/workers/event-batch.ts";
import type { FromLedger } from "src/workers/messages.ts";
import type { Portion, Viewed } from "src/workers/views.ts";
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

it("R24 what is no view is signed for no partner and goes to none: it does not compile", () => {
  expect(offences(given, sound)).toEqual([]);
  expect(offences(given, mistaken)).toEqual(mistaken.map((_, line) => line));
});
