import { describe, expect, it } from "vitest";
import { createViews, type ViewPolicy, type WholeEvent } from "../../src/guard/view.ts";
import type { Json } from "../../src/model/event.ts";

const day = 86_400_000;
const midnight = Date.UTC(2026, 10, 24);
const code = "SF1385628716739";

function aRead(data: { readonly [member: string]: Json } = {}, at = midnight): WholeEvent {
  const firstReadAt = new Date(at).toISOString();
  const facts = { clock: { boot: "b", monotonicMs: 1, synced: true }, firstReadAt, medium: "barcode" };
  const own = { code, codeClass: "waybill", carriers: ["sf"], device: "scanner-1", passId: "b-1", readPoint: "dock-7" };
  return { kind: "read", subject: "dock-7", time: firstReadAt, data: { ...facts, ...own, ...data } };
}

function views(policy: Partial<ViewPolicy> = {}, now = (): number => midnight) {
  return createViews({ basic: "token", public: "drop", ...policy }, "intl", now);
}

const everything = {
  antenna: 1,
  devices: ["scanner-1"],
  epcUri: "urn:epc:id:sscc:1.2",
  label: { format: "json", routing: ["571"] },
  masked: [{ kind: "name", text: "张***" }],
  rssiDbm: -50,
  sealed: { blob: "x" },
  somethingNew: "13912345678",
  tokens: [{ kind: "phone", token: "t1.a.b" }],
};

describe("R24 a view", () => {
  it("holds what is named and nothing else: a member that is new stays here", () => {
    const { data } = views().of(aRead(everything));
    const named = ["clock", "codeClass", "firstReadAt", "medium", "passId", "readPoint", "token"];
    expect(Object.keys(data).sort()).toEqual(named);
    expect(JSON.stringify(data)).not.toContain(code);
  });

  it("has a token that is the same for the same parcel and day, and another one for each broker", () => {
    const [one, other] = [views(), views()];
    const tokenOf = (view: ReturnType<typeof one.of>): Json | undefined => view.data.token;
    const token = tokenOf(one.of(aRead()));
    expect(token).toMatch(/^t1\.[\w-]{8}\.[\w-]{22}$/);
    expect(tokenOf(one.of({ ...aRead(), kind: "pass" }))).toBe(token);
    expect(tokenOf(one.of(aRead({ code: "SF1385628716740" })))).not.toBe(token);
    expect(tokenOf(other.of(aRead()))).not.toBe(token);
    // What the gateway itself told by a token gets one of that token.
    const { code: _code, ...hidden } = aRead().data;
    const told = { ...aRead(), data: { ...hidden, token: "t1.AAAAAAAA.tokenOfTheGateway12345", length: 15 } };
    expect(tokenOf(one.of(told))).toMatch(/^t1\./);
    expect(JSON.stringify(one.of(told))).not.toContain("tokenOfTheGateway");
  });

  it("has a token that nobody can make again once its day's key is erased", () => {
    let now = midnight;
    const one = views({}, () => now);
    const token = one.of(aRead()).data.token;
    now += 3 * day;
    one.expire();
    now = midnight;
    expect(one.of(aRead({}, midnight)).data.token).not.toBe(token);
  });

  it("shows the number in clear, masked or not at all, as its policy says", () => {
    expect(views({ basic: "clear" }).of(aRead()).data).toMatchObject({ code });
    expect(views({ basic: "mask" }).of(aRead()).data).toMatchObject({
      masked: [{ kind: "waybill", text: "SF***6739" }],
    });
    const dropped = views({ basic: "drop" }).of(aRead(everything)).data;
    expect(JSON.stringify(dropped)).not.toMatch(/6739|token|masked/);
    const hidden = { ...aRead().data, code: undefined, token: "t1.x.y" } as unknown as WholeEvent["data"];
    expect(JSON.stringify(views({ basic: "mask" }).of({ ...aRead(), data: hidden }))).not.toContain("t1.");
  });

  it("shows routing only where its policy says so", () => {
    expect(views({ public: "clear" }).of(aRead(everything)).data).toMatchObject({
      carriers: ["sf"],
      label: { format: "json", routing: ["571"] },
    });
    expect(JSON.stringify(views().of(aRead(everything)))).not.toContain("571");
  });

  it("of another read point, and of what the gateway says about itself, holds nothing", () => {
    const nothing = { kind: "view", data: {} };
    const one = views({ read_points: ["dock-8"], basic: "clear", public: "clear" });
    expect(one.of(aRead())).toEqual(nothing);
    expect(one.of({ ...aRead(), subject: undefined })).toEqual(nothing);
    const audit: WholeEvent = {
      kind: "audit",
      time: "2026-11-24T00:00:00.000Z",
      data: { by: "li", action: "probe-raw" },
    };
    expect(one.of(audit)).toEqual(nothing);
    expect(one.of({ kind: "alarm", data: { alarm: "clock" } })).toEqual(nothing);
    expect(one.of({ kind: "device", subject: "scanner-1", data: { device: "scanner-1" } })).toEqual(nothing);
  });

  it("tells of gaps, of what was destroyed, and how long the chain is", () => {
    const gap = { count: 2, from: "3", reason: "damaged", to: "4" };
    expect(views().of({ kind: "gap", data: gap })).toMatchObject({ kind: "gap", data: gap });
    expect(views().of({ kind: "purge", data: gap })).toMatchObject({ kind: "purge", data: gap });
    const checkpoint = { counters: { reads: 3 }, delivered: { central: 3 }, root: "r", size: 3 };
    expect(views().of({ kind: "checkpoint", data: checkpoint }).data).toEqual({ root: "r", size: 3 });
  });

  it("tells that something was erased and how much, and to nobody which events", () => {
    const data = { chain: "0123456789ab", count: 2, from: "3", sequences: ["3", "4"], to: "4" };
    for (const reason of ["erased", "core-expired"])
      for (const kind of ["purge", "gap"] as const) {
        const event: WholeEvent = { kind, data: { ...data, reason } };
        for (const policy of [{}, { basic: "clear", read_points: ["dock-7"] }, { basic: "clear" }] as const)
          expect(views(policy).of(event).data).toEqual({ count: 2, reason });
      }
  });
});
