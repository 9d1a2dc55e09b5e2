import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, it } from "vitest";
import { createGuard, createTokenKeys, type Guard } from "../../src/guard/index.ts";
import { openSealing } from "../../src/guard/sealing.ts";
import { carrierNames } from "../../src/guard/settings.ts";
import { suiteOf } from "../../src/guard/suites/index.ts";
import { latin1 } from "../../src/lib/bytes.ts";
import type { ClearedEvent } from "../../src/model/event.ts";
import type { FirstRead } from "../../src/model/observation.ts";
import { aFirstRead, aGuard, aPass, cleared, everything, noon } from "./build.ts";

const symbologies = fc.constantFrom(undefined, "]C0", "]C1", "]Q1", "]Q3", "]d2", "]e0", "]E0", "]U1");

const digits = (min: number, max: number) => fc.stringMatching(new RegExp(`^\\d{${min},${max}}$`));

/** Labels with numbers of persons, cards and identities, near misses of waybills, and any bytes at all. */
const codes: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 3_072 }),
  digits(1, 24).map((text) => Buffer.from(text)),
  fc.stringMatching(/^(SF|YT|JD|JT|DPK|P[A-Z])[0-9A-Z]{8,16}$/).map((text) => Buffer.from(text)),
  fc.stringMatching(/^3[0-6C-F][0-9A-F]{22}$/).map((text) => Buffer.from(text)),
  fc.string({ unit: "grapheme", maxLength: 200 }).map((text) => Buffer.from(text, "utf8")),
  digits(9, 9).map((rest) => Buffer.from(`MECARD:N:Zhang,Wei;TEL:13${rest};;`)),
  digits(9, 9).map((rest) => Buffer.from(`8613${rest}`)),
);

const isToken = (value: unknown): boolean => typeof value === "string" && /^t1\.[\w-]{8}\.[\w-]{22}$/.test(value);
const isBlob = (value: unknown): value is { text: string } =>
  typeof value === "object" && value !== null && "nonce" in value && "text" in value;

/** The event as it leaves, without tokens and blobs: those are noise by design and may hold any four characters. */
function spoken(event: ClearedEvent): string {
  return JSON.stringify(event, (_name, value) => (isToken(value) || isBlob(value) ? "" : value));
}

/** What names of members and kinds hold by themselves. */
const named = JSON.stringify({
  tokens: "name phone address identity card email birth account secret free"
    .split(" ")
    .map((kind) => ({ kind, token: "" })),
  sealed: "",
});

/** How much of a code stands in a blob as it is: eight bytes are none by chance. */
function inBlob({ data }: ClearedEvent, code: Uint8Array): string[] {
  if (!isBlob(data.sealed)) return [];
  const blob = Buffer.from(data.sealed.text, "base64url");
  const starts = Array.from({ length: Math.max(0, code.length - 7) }, (_, at) =>
    Buffer.from(code.subarray(at, at + 8)),
  );
  return starts.filter((piece) => blob.includes(piece)).map((piece) => piece.toString("hex"));
}

function pieces(text: string): Set<string> {
  const found = new Set<string>();
  for (let start = 0; start + 4 <= text.length; start++) found.add(text.slice(start, start + 4));
  return found;
}

const folder = mkdtempSync(join(tmpdir(), "sortgate-property-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A guard with this policy for core data, and a real key of the centre where it seals. */
async function guardWith(core: "drop" | "token" | "seal"): Promise<Guard> {
  if (core !== "seal") return aGuard({ core });
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const keyFile = join(folder, "centre.pem");
  writeFileSync(keyFile, publicKey.export({ type: "spki", format: "pem" }));
  const suite = suiteOf("intl");
  const sealing = await openSealing({ suite, keyFile, now: () => noon, tell: () => {}, announce: () => true });
  return createGuard({ settings: { ...everything, core }, tokens: createTokenKeys(() => noon), sealing });
}

it.each([
  ["drop", []],
  ["token", ["tokens"]],
  ["seal", ["sealed"]],
] as const)("with %s no four characters of a code that is not cleared stand in its event", async (core, members) => {
  const guard = await guardWith(core);
  const met = new Set<string>();
  fc.assert(
    fc.property(codes, fc.constantFrom("barcode", "rfid"), symbologies, (code, medium, symbology) => {
      for (const make of [aFirstRead, aPass]) {
        const event = cleared(make({ code, medium, symbology }), guard);
        if (event.data.code !== undefined) continue;
        for (const member of ["masked", "tokens", "sealed"]) if (member in event.data) met.add(member);
        // What an event of the same length says anyway: names of fields, times, the device.
        const fixed = cleared(make({ code: new Uint8Array(code.length), medium, symbology }), guard);
        const always = pieces(spoken(fixed).replace('"codeClass":"unknown"', '"codeClass":"unknown gs1"') + named);
        const said = pieces(spoken(event));
        const leaked = [latin1(code), Buffer.from(code).toString("utf8")]
          .flatMap((text) => [...pieces(text)])
          .filter((piece) => said.has(piece) && !always.has(piece) && !'"codeClass":"gs1"'.includes(piece));
        expect([...leaked, ...inBlob(event, code)]).toStrictEqual([]);
      }
    }),
    { numRuns: 2_000 },
  );
  expect([...met]).toStrictEqual(members);
});

it("random bytes never make it throw, whatever the site lets out", () => {
  const subset = fc.subarray([...carrierNames]);
  const unknown = fc.constantFrom("token", "drop");
  fc.assert(
    fc.property(codes, subset, unknown, fc.string(), (code, carriers, unknownAs, symbology) => {
      const guard = aGuard({ carriers, unknown: unknownAs });
      for (const medium of ["barcode", "rfid"] as const) {
        const event = guard.clear(aFirstRead({ code, medium, symbology }), { boot: "9f0c3a1e", synced: false });
        if ("refused" in event) expect(unknownAs).toBe("drop");
        else expect(JSON.parse(JSON.stringify(event.data))).toStrictEqual(event.data);
      }
    }),
    { numRuns: 2_000 },
  );
});

it("what is cleared is printable ASCII of at most 24 characters and equals the code, but for AI 00", () => {
  const guard = aGuard();
  const likely = fc.oneof(
    codes,
    digits(13, 20).map((text) => Buffer.from(text)),
    fc.constant(Buffer.from("00106141412345678908")),
  );
  fc.assert(
    fc.property(likely, fc.constantFrom("barcode", "rfid"), symbologies, (code, medium, symbology) => {
      const { data } = cleared(aFirstRead({ code, medium, symbology }), guard);
      if (data.code === undefined) return;
      expect(data.code).toMatch(/^[0-9A-Za-z]{12,24}$/);
      const text = latin1(code);
      expect(data.codeClass === "sscc" ? `00${data.code}` : data.code).toBe(text);
      expect(symbology?.startsWith("]E") && medium === "barcode").toBeFalsy();
    }),
    { numRuns: 2_000 },
  );
});

it("with no shape configured no barcode is cleared", () => {
  const guard = aGuard({ carriers: [] });
  fc.assert(
    fc.property(codes, symbologies, (code, symbology) => {
      const observation: FirstRead = aFirstRead({ code, symbology });
      expect(cleared(observation, guard).data).not.toHaveProperty("code");
    }),
    { numRuns: 500 },
  );
});

/** What must not get out, in whatever place of a label somebody puts it: names in Latin letters too, and foreign numbers. */
const secrets = fc.oneof(
  fc.stringMatching(/^[A-Z]{4,8}$/).filter((name) => !/^(?:SF|YT|JD|JT|DPK|[0-9]Z)/.test(name)),
  fc.constantFrom(
    "\u5f20\u4f1f",
    "\u6b27\u9633\u4fee\u8fdc",
    "LI-WEI",
    "415-555-2671",
    "123-45-6789",
    "12-34-56",
    "28059570",
    "5511912345678",
  ),
  digits(9, 9).map((rest) => `13${rest}`),
);

/** Labels with a waybill, and a secret in every other place. */
const formats: readonly ((waybill: string, secret: string) => string)[] = [
  (waybill, secret) =>
    `MMM={'k1':'${secret}','k2':'${secret}','k3':'${secret}','k4':'${secret}','k5':'${waybill}','k6':'${secret}','k7':'${secret}'}`,
  (waybill, secret) =>
    JSON.stringify({ waybillNo: waybill, service: secret, routing: { a: secret }, name: secret, note: [secret] }),
  (waybill, secret) =>
    JSON.stringify({ mn: "805321013240983139", ssc: secret, tsc: secret, pcn: secret, dtb: secret, x: waybill }),
  (waybill, secret) =>
    `https://a.cn/${encodeURIComponent(secret)}?mailno=${waybill}&service=${encodeURIComponent(secret)}#tel=${encodeURIComponent(secret)}`,
  (waybill, secret) => `运单号：${waybill} 时效：${secret} 收件人：${secret}，三段码：${secret}`,
  (waybill, secret) => `Tracking: ${waybill}\nService: ${secret}\nShip to: ${secret}\nOrder: ${secret}`,
  (waybill, secret) =>
    `[)>\x1e01\x1d96${secret}\x1d${secret}\x1d${secret}\x1d${secret}\x1dUPSN\x1d${secret}\x1d${secret}\x1e05\x1d20L${waybill}\x1d21L${secret}\x1e\x04`,
];

it("nothing but its number and proven codes of its carrier leaves of a label, whatever stands in its other places", () => {
  const guard = aGuard();
  fc.assert(
    fc.property(fc.constantFrom(...formats), digits(12, 12), secrets, (format, number, secret) => {
      const waybill = `SF1${number}`;
      const { data } = cleared(aFirstRead({ code: format(waybill, secret), symbology: "]Q1" }), guard);
      if (data.code !== undefined) expect([waybill, "805321013240983139"]).toContain(data.code);
      expect(JSON.stringify({ ...data, token: "" })).not.toContain(secret);
    }),
    { numRuns: 4_000 },
  );
});
