import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { opcuaDriver } from "../../drivers/opcua/driver.ts";
import { createOpcuaTagsProfile } from "../../drivers/profiles/opcua-tags/profile.ts";
import { openVirtualPlc, type VirtualPlc } from "../../simulator/virtual-plc.ts";
import type { Session } from "../../src/driver/port.ts";
import { latin1 } from "../../src/lib/bytes.ts";
import type { Claim } from "../../src/model/read.ts";
import { aDevice, aFolder, aRecorder, type Recorder } from "../fakes/opcua.ts";

const folder = aFolder();
let plc: VirtualPlc;
const sessions: Session[] = [];

beforeAll(async () => {
  plc = await openVirtualPlc({ port: 0, stateDir: folder.path, sequence: 41 });
}, 60_000);

afterEach(async () => {
  await Promise.all(sessions.splice(0).map((session) => session.close()));
});

afterAll(async () => {
  await plc.close();
  folder.remove();
}, 60_000);

const device = (tag: Readonly<Record<string, unknown>> = {}, keys: Readonly<Record<string, unknown>> = {}) =>
  aDevice({
    endpoint: plc.endpoint,
    mode: "tags",
    tag: [{ code: plc.codeNode, sequence: plc.sequenceNode, ...tag }],
    ...keys,
  });

interface Opened {
  readonly recorder: Recorder;
  readonly session: Session;
  /** What the profile made of everything that arrived so far, as text. */
  claims(): string[];
}

const wordOf = (claim: Claim): string =>
  claim.kind === "read"
    ? latin1(claim.bytes, claim.start, claim.end)
    : claim.kind === "source-gap"
      ? `gap ${claim.count}`
      : claim.kind;

/** Opens and waits for the value that is there already. */
async function open(endpoint = plc.endpoint): Promise<Opened> {
  const recorder = aRecorder(folder.path);
  const session = await opcuaDriver.open(device({}, { endpoint }), recorder.context);
  sessions.push(session);
  await expect.poll(() => recorder.values.length).toBe(1);
  return {
    recorder,
    session,
    claims() {
      const profile = createOpcuaTagsProfile({});
      const words: string[] = [];
      for (const values of recorder.values) profile.decodeValues?.(values, (claim) => words.push(wordOf(claim)));
      return words;
    },
  };
}

describe("the opcua driver in mode tags", () => {
  test("the value that is there at the start is marked, and is not a read", async () => {
    plc.scan("SF0000000000000");
    const { recorder, claims } = await open();
    expect(recorder.values).toMatchObject([{ code: "SF0000000000000", first: true }]);
    expect(claims()).toEqual([]);
  });

  test("each scan is read once, in order, also one with the same code", async () => {
    const { recorder, claims } = await open();
    const codes = ["SF1385628716731", "SF1385628716732", "SF1385628716732", "]C1YT8962646785389", ""];
    for (const [at, code] of codes.entries()) {
      plc.scan(code);
      await expect.poll(() => recorder.values.length).toBe(at + 2);
    }
    expect(claims()).toEqual(["SF1385628716731", "SF1385628716732", "SF1385628716732", "YT8962646785389", "no-read"]);
    expect(recorder.values.slice(1).every((values) => values.first === false)).toBe(true);
  });

  test.each([
    ["Byte", 255, 0],
    ["UInt16", 65_535, 0],
    ["Int16", 32_767, -32_768],
    ["Int16", 32_767, 0],
    ["UInt32", 4_294_967_295, 0],
    ["Int32", 2_147_483_647, 0],
    ["UInt32", 70_000, 70_001],
    ["UInt64", 4_294_967_295, 4_294_967_296],
  ] as const)(
    "a counter of type %s goes on from %d to %d without being told its end",
    async (sequenceType, from, to) => {
      const own = await openVirtualPlc({ port: 0, stateDir: folder.path, sequenceType, sequence: from });
      try {
        const { recorder, claims } = await open(own.endpoint);
        own.jump("SF1385628716737", to);
        await expect.poll(() => recorder.values.length).toBe(2);
        own.scan("SF1385628716738");
        await expect.poll(() => recorder.values.length).toBe(3);
        expect(claims()).toEqual(["SF1385628716737", "SF1385628716738"]);
      } finally {
        await own.close();
      }
    },
    60_000,
  );

  test("a jump of the counter is a gap before the read", async () => {
    const { recorder, claims } = await open();
    plc.scan("SF1385628716733", 4);
    await expect.poll(() => recorder.values.length).toBe(2);
    expect(claims()).toEqual(["gap 3", "SF1385628716733"]);
  });

  test("scans faster than the reads are told as gaps, none unseen and no code beside another's number", async () => {
    const { recorder, claims } = await open();
    const start = Number(recorder.values[0]?.sequence);
    for (let at = 1; at <= 300; at += 1) plc.scan(`code ${start + at}`);
    await expect.poll(() => recorder.values.at(-1)?.sequence).toBe(start + 300);
    for (const { code, sequence } of recorder.values.slice(1)) expect(code).toBe(`code ${String(sequence)}`);
    const lost = claims().flatMap((word) => (word.startsWith("gap ") ? [Number(word.slice(4))] : []));
    const lostCount = lost.reduce((sum, count) => sum + count, 0);
    expect(lostCount + recorder.values.length - 1).toBe(300);
  });

  test("a code that the server no longer vouches for is not a scan", async () => {
    const { recorder, claims } = await open();
    const readCount = plc.codeReadCount();
    plc.spoil();
    await expect.poll(() => plc.codeReadCount()).toBeGreaterThan(readCount);
    plc.scan("SF1385628716734");
    await expect.poll(() => recorder.values.at(-1)?.code).toBe("SF1385628716734");
    expect(claims()).toEqual(["gap 1", "SF1385628716734"]);
  });

  test("a code that changes while it is read is never delivered beside the old number", async () => {
    const { recorder, claims } = await open();
    plc.scanDuringRead("SF1385628716736");
    plc.scan("SF1385628716735");
    await expect.poll(() => recorder.values.at(-1)?.code).toBe("SF1385628716736");
    expect(claims()).toEqual(["gap 1", "SF1385628716736"]);
  });

  test.each([
    ["code", { code: "ns=1;s=Missing.Code" }, /code node "ns=1;s=Missing\.Code"/],
    ["sequence", { sequence: "ns=1;s=Missing.Sequence" }, /sequence node "ns=1;s=Missing\.Sequence"/],
    ["namespace", { code: "nsu=http://nobody.example/UA;s=Code" }, /no namespace http:\/\/nobody\.example\/UA/],
    ["sequence of the wrong type", { sequence: "ns=1;s=Scanner.Code" }, /sequence node "ns=1;s=Scanner\.Code"/],
  ])("a %s that the server lacks is named", async (_what, tag, sentence) => {
    const { context } = aRecorder(folder.path);
    const opening = opcuaDriver.open(device(tag), context);
    await expect(opening).rejects.toMatchObject({
      code: "device/misconfigured",
      message: expect.stringMatching(sentence),
    });
  });

  test("a server without the AutoID model is refused for mode autoid", async () => {
    const { context } = aRecorder(folder.path);
    const opening = opcuaDriver.open(aDevice({ endpoint: plc.endpoint }), context);
    await expect(opening).rejects.toMatchObject({ code: "device/misconfigured" });
  });

  test("a server that goes away ends the session once, within seconds and with a reason", async () => {
    const own = await openVirtualPlc({ port: 0, stateDir: folder.path });
    const recorder = aRecorder(folder.path);
    const session = await opcuaDriver.open(device({}, { endpoint: own.endpoint }), recorder.context);
    const startedAt = performance.now();
    await own.close();
    expect(await session.ended).toMatchObject({ reason: "closed", sentence: expect.stringMatching(/server/) });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
    await session.close();
  });
});
