import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { eventFields, eventFieldsJson, type Member } from "../../src/model/event-fields.ts";
import { offences } from "../fakes/compiler.ts";
import { unlisted } from "../fakes/event-fields.ts";

const all = Object.entries(eventFields).flatMap(([kind, members]) =>
  Object.entries<Member>(members).map(([path, member]) => ({ kind, path, ...member })),
);

describe("R18 the list of members of events", () => {
  it("is what scripts/schema.mjs would write", () => {
    const file = readFileSync(new URL("../../config/event-fields.json", import.meta.url), "utf8");
    expect(JSON.parse(file)).toEqual(eventFieldsJson());
  });

  it("gives each a class and says what it holds", () => {
    for (const { kind, path, class: one, holds } of all) {
      expect(["core", "basic", "public", "operational"], `${kind} ${path}`).toContain(one);
      expect(holds.length, `${kind} ${path}`).toBeGreaterThan(3);
    }
  });

  it("has core data in the events of parcels alone, as masks, tokens and sealed blobs", () => {
    const core = all.filter((member) => member.class === "core");
    expect(new Set(core.map(({ path, form }) => `${path} ${form}`))).toEqual(
      new Set(["masked[].text mask", "sealed.text sealed", "token token", "tokens[].token token"]),
    );
    expect(new Set(core.map(({ kind }) => kind))).toEqual(new Set(["read", "pass"]));
  });

  it("is what events are compared with: a member that is not on it is found, however deep it stands", () => {
    const event = { type: "org.sortgate.read.v1", specversion: "1.0", data: { code: "SF1385628716739" } };
    expect(unlisted(event)).toEqual([]);
    const wrong = {
      ...event,
      name: "x",
      data: { ...event.data, phone: "1", clock: { zone: "x" }, tokens: [{ text: "x" }], length: { of: 1 } },
    };
    expect(unlisted(wrong)).toEqual(
      ["name", "data.phone", "data.clock.zone", "data.tokens[].text", "data.length.of"].map(
        (path) => `org.sortgate.read.v1: ${path}`,
      ),
    );
    const of = { type: "org.sortgate.noread.v1" };
    const view = { type: "org.sortgate.view.v1", data: { of, viewer: "p", readPoint: "dock-7", token: "t1" } };
    expect(unlisted(view)).toEqual(["org.sortgate.view.v1: data.token"]);
    expect(unlisted({ type: "org.sortgate.label.v1", data: { code: "x" } })).toHaveLength(1);
  });
});

const given = `
import { announce } from "src/model/event.ts";
import type { Member } from "src/model/event-fields.ts";
import type { Data } from "src/guard/protect.ts";
import type { GatewayView } from "src/control/port.ts";
import { ownDraft } from "src/workers/own-records.ts";
declare const record: Record<string, string>;
declare const either: { alarm: string } | { alarm: string; name: string };
declare const data: Data;
declare const view: GatewayView;
`;
const sound = [
  'export const alarm = announce("alarm", 0, { alarm: "clock-stepped", stepMs: 1 });',
  'export const gap = ownDraft("gap", () => ({ reason: "stopped", count: 1 }));',
  'data.code = "SF1385628716739";',
  'view.audit("erase", { by: "li", uid: "0" });',
  'export const mask: Member = { class: "core", form: "mask", holds: "x" };',
];
const mistaken = [
  'export const alarm = announce("alarm", 0, { alarm: "clock-stepped", code: "SF1385628716739" });',
  'export const audit = announce("audit", 0, record);',
  'export const gap = announce("gap", 0, { ...either, reason: "x" });',
  'export const purge = ownDraft("purge", () => ({ reason: "space", code: "SF1385628716739" }));',
  'data.phone = "13912345678";',
  'view.audit("erase", { by: "li", number: "SF1385628716739" });',
  'view.alarm("reveals", record);',
  'export const clear: Member = { class: "core", holds: "a name" };',
  'export const bare: Member = { class: "core", form: "clear", holds: "a name" };',
  'export const unlabelled: Member = { holds: "a name" };',
];

it("R18 a member that is not on the list does not compile, nor does a core member in another form than those", () => {
  expect(offences(given, sound)).toEqual([]);
  expect(offences(given, mistaken)).toEqual(mistaken.map((_, line) => line));
});
