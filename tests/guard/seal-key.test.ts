import { execFileSync } from "node:child_process";
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createOpener } from "../../src/guard/open.ts";
import { openSealing, type Sealing } from "../../src/guard/sealing.ts";
import { suiteOf } from "../../src/guard/suites/index.ts";
import type { Timers } from "../../src/lib/clock.ts";
import type { ClearedEvent } from "../../src/model/event.ts";
import { limits } from "../../src/model/limits.ts";
import { aPair } from "../config/certificates.ts";
import { noon } from "./build.ts";

const dayMs = 86_400_000;
const fields = [{ kind: "phone", value: "13812345678" }] as const;

let folder = "";
let keyFile = "";
const open: Sealing[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-seal-key-"));
  keyFile = join(folder, "centre.pem");
});
afterEach(() => {
  for (const sealing of open.splice(0)) sealing.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Sealing to what lies in the file, by a clock and timers that are turned by hand. */
async function aRig() {
  const time = { now: noon };
  const works: (() => void)[] = [];
  const timers: Timers = {
    after: () => () => {},
    every(_, work) {
      works.push(work);
      return () => {};
    },
    soon: (work) => void setImmediate(work),
  };
  const events: ClearedEvent[] = [];
  const notices: string[] = [];
  const sealing = await openSealing({
    suite: suiteOf("intl"),
    keyFile,
    now: () => time.now,
    tell: ({ level, message }) => notices.push(`${level}: ${message}`),
    announce: (event) => events.push(event) > 0,
    timers,
  });
  open.push(sealing);
  const tick = (): void => works.forEach((work) => void work());
  const seal = (): boolean => sealing.seal(fields, "pass") !== undefined;
  const states = (): unknown[] => events.filter(({ data }) => data.alarm === "unsealed").map(({ data }) => data.state);
  const alarms = (): number => states().filter((state) => state === "raised").length;
  return { sealing, seal, time, tick, events, notices, states, alarms };
}

function aPublicKey(): string {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return publicKey.export({ type: "spki", format: "pem" }) as string;
}

/** What OpenSSL makes of a public key. */
function fingerprintByOpenssl(pem: string, ...more: string[]): string {
  const der = execFileSync("openssl", ["pkey", ...more, "-pubout", "-outform", "DER"], { input: pem });
  return createHash("sha256").update(der).digest("hex");
}

describe("R15 the centre's key", () => {
  it("is named by its fingerprint in the event that tells a content key, the same for a certificate and for the private key", async () => {
    const { cert, key } = aPair(noon - dayMs, noon + dayMs);
    writeFileSync(keyFile, cert);
    const { seal, events, sealing } = await aRig();
    expect(seal()).toBe(true);
    const wanted = fingerprintByOpenssl(key);
    expect(events[0]?.data).toMatchObject({ action: "seal-key", receiver: wanted });
    expect(sealing.key()).toMatchObject({
      file: keyFile,
      fingerprint: wanted,
      notAfter: noon + dayMs - (noon % 1_000),
    });
    expect(createOpener(Buffer.from(key)).fingerprint).toBe(wanted);
  });

  it("whose certificate ended seals nothing any more: it is dropped, told once, and by an alarm; a right clock brings it back", async () => {
    writeFileSync(keyFile, aPair(noon - dayMs, noon + dayMs).cert);
    const { seal, time, tick, notices, alarms, sealing, events } = await aRig();
    expect(seal()).toBe(true);
    time.now = noon + dayMs - 1_000;
    tick();
    await expect.poll(seal).toBe(true);
    time.now = noon + dayMs;
    expect([sealing.isReady(), seal()]).toEqual([false, false]);
    // A content key that was being made when it ended is only wiped by the look after that.
    await expect
      .poll(() => {
        tick();
        return alarms();
      })
      .toBe(1);
    for (let n = 0; n < 3; n += 1) tick();
    await new Promise(setImmediate);
    expect([seal(), alarms(), notices.length]).toEqual([false, 1, 1]);
    expect(notices[0]).toMatch(/its certificate ended on 2026-11-24T12:00:00.000Z.*dropped. Try: sortgate check/);
    time.now = noon;
    const count = events.length;
    await expect
      .poll(() => {
        tick();
        return seal();
      })
      .toBe(true);
    // With another content key: the one before was wiped.
    expect(events.slice(count).map(({ data }) => data.action ?? data.state)).toEqual(["cleared", "seal-key"]);
  });

  it("whose certificate ended before the start is not taken at all", async () => {
    writeFileSync(keyFile, aPair(noon - 2 * dayMs, noon - dayMs).cert);
    const { seal, alarms, notices } = await aRig();
    expect([seal(), alarms(), notices.length]).toEqual([false, 1, 1]);
  });

  it("whose certificate has not begun seals nothing before: it is told once, and by an alarm; then it seals", async () => {
    writeFileSync(keyFile, aPair(noon + dayMs, noon + 9 * dayMs).cert);
    const { seal, time, tick, alarms, notices, sealing } = await aRig();
    time.now = noon + dayMs - 1_000;
    tick();
    await new Promise(setImmediate);
    expect([sealing.isReady(), seal(), alarms(), notices.length]).toEqual([false, false, 1, 1]);
    expect(notices[0]).toMatch(/its certificate is not valid before 2026-11-24T12:00:00.000Z.*Try: sortgate check/);
    time.now = noon + dayMs;
    await expect
      .poll(() => {
        tick();
        return seal();
      })
      .toBe(true);
  });

  it("that is missing at the start is taken within a minute of its coming; log and chain tell that it seals again", async () => {
    const { seal, tick, notices, states } = await aRig();
    expect([seal(), notices.length, states()]).toEqual([false, 1, ["raised"]]);
    writeFileSync(keyFile, aPair(noon - dayMs, noon + 9 * dayMs).cert);
    tick();
    await expect.poll(seal).toBe(true);
    tick();
    await new Promise(setImmediate);
    expect(states()).toEqual(["raised", "cleared"]);
    expect(notices.slice(1)).toEqual([`info: What is to be sealed is sealed from now on, with ${keyFile}`]);
  });

  it("is one: of two in its file the first is not used, but nothing; the file with one of them is taken", async () => {
    const [one, other] = [aPair(noon - dayMs, noon + 9 * dayMs).cert, aPublicKey()];
    for (const two of [one + other, other + one, other + aPublicKey()]) {
      writeFileSync(keyFile, two);
      const { seal, alarms, notices } = await aRig();
      expect([seal(), alarms(), notices.length]).toEqual([false, 1, 1]);
      expect(notices[0]).toMatch(/\(it holds 2 different public keys\).*dropped. Try: sortgate check/);
    }
    const { seal, tick } = await aRig();
    writeFileSync(keyFile, one);
    tick();
    await expect.poll(seal).toBe(true);
  });

  it("may stand in its file twice, and certificates behind its own, which vouch for it", async () => {
    const [key, cert] = [aPublicKey(), aPair(noon - dayMs, noon + 9 * dayMs).cert];
    for (const text of [key + key, cert + aPair(noon - dayMs, noon + dayMs).cert]) {
      writeFileSync(keyFile, text);
      const { seal, notices } = await aRig();
      expect([seal(), notices]).toEqual([true, []]);
    }
  });

  it("stays what it was at the start, also while its file is another one or gone", async () => {
    writeFileSync(keyFile, aPair(noon - dayMs, noon + 9 * dayMs).cert);
    const { seal, time, events, alarms } = await aRig();
    expect(seal()).toBe(true);
    writeFileSync(keyFile, aPair(noon - dayMs, noon + 9 * dayMs).cert);
    time.now += limits.sealKeyMs;
    await expect.poll(seal).toBe(true);
    rmSync(keyFile);
    time.now += limits.sealKeyMs;
    await expect.poll(seal).toBe(true);
    time.now += limits.sealKeyMs;
    await expect.poll(seal).toBe(true);
    const receivers = events.map(({ data }) => data.receiver);
    expect([receivers.length, new Set(receivers).size, alarms()]).toEqual([4, 1, 0]);
  });
});

describe("R15 a private key that is not the one", () => {
  it("is told with the one that is wanted, also beside what it opens", async () => {
    const [first, second] = [aPair(noon - dayMs, noon + dayMs), aPair(noon - dayMs, noon + dayMs)];
    const events: unknown[] = [];
    for (const { cert } of [first, second]) {
      writeFileSync(keyFile, cert);
      const rig = await aRig();
      const sealed = rig.sealing.seal(fields, "pass");
      events.push(...rig.events, { data: { sealed, passId: "pass" } });
    }
    const opener = createOpener(Buffer.from(first.key));
    for (const event of events) await opener.learn(event);
    expect(events.map((event) => opener.open(event))).toEqual([
      undefined,
      fields,
      undefined,
      { reason: "other-key", wanted: [fingerprintByOpenssl(second.key)] },
    ]);
    // Who made the key says nothing: it is only unknown.
    const silent = events.map((event) => JSON.parse(JSON.stringify(event).replace(/"receiver":"[^"]*",/, "")));
    const other = createOpener(Buffer.from(first.key));
    for (const event of silent) await other.learn(event);
    expect(other.open(silent[3])).toEqual({ reason: "no-key" });
  });
});
