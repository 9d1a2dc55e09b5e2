import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { opcuaDriver } from "../../drivers/opcua/driver.ts";
import { createOpcuaAutoidProfile } from "../../drivers/profiles/opcua-autoid/profile.ts";
import { openVirtualReader, type VirtualReader } from "../../simulator/virtual-reader.ts";
import type { Session } from "../../src/driver/port.ts";
import { latin1 } from "../../src/lib/bytes.ts";
import type { Claim } from "../../src/model/read.ts";
import { aDevice, aFolder, aRecorder, aWire, portOf, type Recorder } from "../fakes/opcua.ts";

const folder = aFolder();
let reader: VirtualReader;
const sessions: Session[] = [];

beforeAll(async () => {
  reader = await openVirtualReader({ port: 0, name: "portal", stateDir: folder.path });
}, 60_000);

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

afterAll(async () => {
  await reader.close();
  folder.remove();
}, 60_000);

async function open(keys: Readonly<Record<string, unknown>> = {}): Promise<{ recorder: Recorder; session: Session }> {
  const recorder = aRecorder(folder.path);
  const session = await opcuaDriver.open(aDevice({ endpoint: reader.endpoint, ...keys }), recorder.context);
  sessions.push(session);
  return { recorder, session };
}

function claimsOf(recorder: Recorder): Claim[] {
  const claims: Claim[] = [];
  const profile = createOpcuaAutoidProfile();
  for (const values of recorder.values) profile.decodeValues?.(values, (claim) => claims.push(claim));
  return claims;
}

const textOf = (claim: Claim | undefined): string =>
  claim?.kind === "read" ? latin1(claim.bytes, claim.start, claim.end) : "";

describe("the opcua driver in mode autoid", () => {
  test("an RFID event arrives with its EPC, antenna and strength, one read per sighting", async () => {
    const { recorder } = await open();
    reader.raise([
      { epcHex: "3074257bf7194e4000001a85", antenna: 2, rssiDbm: -54 },
      { epcHex: "3074257bf7194e4000001a85", antenna: 1, rssiDbm: -61 },
    ]);
    await expect.poll(() => recorder.values.length).toBe(1);
    expect(recorder.values[0]).toMatchObject({ event: "rfid", deviceName: "portal" });
    const claims = claimsOf(recorder);
    expect(claims.map(textOf)).toEqual(["3074257BF7194E4000001A85", "3074257BF7194E4000001A85"]);
    expect(claims).toMatchObject([
      { medium: "rfid", antenna: 2, rssiDbm: -54 },
      { medium: "rfid", antenna: 1, rssiDbm: -61 },
    ]);
  });

  test("an optical event arrives with its symbology, which node-opcua alone loses", async () => {
    const { recorder } = await open();
    reader.raiseOptical([{ text: "SF1385628716739", symbology: "]C0" }, { text: "]d2YT8962646785389" }, { text: "" }]);
    await expect.poll(() => recorder.values.length).toBe(1);
    expect(recorder.values[0]).toMatchObject({ event: "optical" });
    const claims = claimsOf(recorder);
    expect(claims.map(textOf)).toEqual(["SF1385628716739", "YT8962646785389", ""]);
    expect(claims).toMatchObject([
      { medium: "barcode", symbology: "]C0" },
      { medium: "barcode", symbology: "]d2" },
      { kind: "no-read", medium: "barcode" },
    ]);
  });

  test("an overflow of the server's queue becomes a gap", async () => {
    const { recorder } = await open();
    reader.raiseOverflow();
    await expect.poll(() => recorder.values.length).toBe(1);
    expect(claimsOf(recorder)).toEqual([{ kind: "source-gap", reason: "overflow", count: 1 }]);
  });

  test("a queue that the server grants shorter is told", async () => {
    const { recorder } = await open({ queue_size: 20_000 });
    expect(recorder.notices).toMatchObject([{ name: "device/warning", fields: { wanted: 20_000, granted: 5_000 } }]);
  });

  test("ScanStart is called once per reader and session, and only if the config says so", async () => {
    const before = reader.scanStartCount();
    await open();
    expect(reader.scanStartCount()).toBe(before);
    await open({ scan_start: true });
    await open({ scan_start: true });
    expect(reader.scanStartCount()).toBe(before + 2);
  });

  test("of 2,000 events none is lost, doubled or out of order", async () => {
    const { recorder } = await open();
    const sent = Array.from({ length: 2_000 }, (_, at) =>
      (0x30_0000_0000 + at).toString(16).toUpperCase().padStart(24, "0"),
    );
    for (const epcHex of sent) reader.raise([{ epcHex, antenna: 1, rssiDbm: -50 }]);
    await expect.poll(() => recorder.values.length, { timeout: 20_000 }).toBe(2_000);
    expect(claimsOf(recorder).map(textOf)).toEqual(sent);
  });

  test("nothing is delivered after close, and closing twice is the same", async () => {
    const { recorder, session } = await open();
    const other = await open();
    await Promise.all([session.close(), session.close()]);
    expect(await session.ended).toMatchObject({ reason: "closed" });
    reader.raise([{ epcHex: "3074257BF7194E4000001A85", antenna: 1, rssiDbm: -50 }]);
    await expect.poll(() => other.recorder.values.length).toBe(1);
    expect(recorder.values).toEqual([]);
  });

  test("a device that is let go ends its session", async () => {
    const { recorder, session } = await open();
    recorder.abort();
    expect(await session.ended).toMatchObject({ reason: "closed" });
  });

  test("a server that freezes ends the session within seconds, and close is bounded meanwhile", async () => {
    const wire = await aWire(portOf(reader.endpoint));
    try {
      const { session } = await open({ endpoint: wire.endpoint });
      const second = await open({ endpoint: wire.endpoint });
      wire.freeze();
      const startedAt = performance.now();
      await second.session.close();
      expect(performance.now() - startedAt).toBeLessThan(3_000);
      const end = await session.ended;
      expect(["silent", "timeout", "closed"]).toContain(end.reason);
      expect(performance.now() - startedAt).toBeLessThan(12_000);
    } finally {
      await wire.close();
    }
  });
});
