import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connectAsync, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type EmbeddedBroker, openBroker, openSubscriber, type Subscriber } from "../../simulator/demo/broker.ts";
import { createSession, type Session } from "../../simulator/demo/session.ts";
import { type DemoSummary, type Outcome, summarise } from "../../simulator/demo/summary.ts";
import type { Row } from "../../simulator/demo/view.ts";
import { machineMs, type Truth } from "../../simulator/truth.ts";
import { canonicalize, createEpochKey, createSealer, type Draft } from "../../src/seal/index.ts";

const topic = "sortgate/DEMO/line-1";
let broker: EmbeddedBroker;
let subscriber: Subscriber;
let session: Session;
let publisher: MqttClient;
let shown: Row[];
let kept: string[];

beforeEach(async () => {
  shown = [];
  kept = [];
  session = createSession({ keep: (line) => kept.push(line), show: (row) => shown.push(row) });
  broker = await openBroker();
  subscriber = await openSubscriber(broker.url, topic, session.message);
  publisher = await connectAsync(broker.url, { protocolVersion: 4, reconnectPeriod: 0 });
});

afterEach(async () => {
  await publisher.endAsync(true);
  await subscriber.close();
  await broker.close();
});

/** Seals events as the gateway does, the epoch's own first. */
function aChain(drafts: readonly Pick<Draft, "kind" | "data">[]): Uint8Array[] {
  const sealer = createSealer({ chain: "0123456789ab", gateway: "line-1", site: "DEMO" });
  const key = createEpochKey();
  sealer.useKey(key);
  const epoch = { kind: "epoch" as const, data: canonicalize({ key: key.jwk }) };
  return [epoch, ...drafts].map((draft) => sealer.seal({ ...draft, subject: "tunnel-1", at: 1_800_000_000_000 }).bytes);
}

const aRead = (code: string): Pick<Draft, "kind" | "data"> => ({
  kind: "read",
  data: canonicalize({ code, device: "scanner-1", medium: "barcode", readPoint: "tunnel-1" }),
});

const aTruth = (code: string): Truth => ({
  kind: "read",
  readPoint: "tunnel-1",
  parcel: 1,
  code,
  passedAtMs: machineMs(),
});

async function publish(messages: readonly Uint8Array[]): Promise<void> {
  for (const message of messages)
    await publisher.publishAsync(`${topic}/read/tunnel-1`, Buffer.from(message), { qos: 1 });
  await subscriber.settled();
}

function judge(outcome: Partial<Outcome> = {}): DemoSummary {
  const counts = {
    parcelCount: 2,
    scannerReadCount: 4,
    tagReadCount: 0,
    noReadCount: 0,
    noiseCount: 0,
    unsentCount: 0,
  };
  return summarise({
    session,
    counts,
    verdict: { isGood: true, sentence: "whole and authentic" },
    filesWithSecrets: [],
    gatewayEnd: { code: 0, signal: null, asked: true, killed: false },
    failure: undefined,
    keptIn: undefined,
    ...outcome,
  });
}

const first = "SF1385628716739";
const second = "YT8962646785389";

describe("the subscriber of a demo", () => {
  it("has no complaint if each parcel's event arrives once, in its chain", async () => {
    session.truth(aTruth(first));
    session.truth(aTruth(second));
    await publish(aChain([aRead(first), aRead(second)]));
    expect(judge()).toMatchObject({
      problems: [],
      eventCount: 2,
      missingCount: 0,
      duplicateCount: 0,
      unverifiedCount: 0,
    });
    expect(shown.map(({ verified }) => verified)).toEqual(["ok", "ok"]);
    expect([session.logEventCount(), kept.length]).toEqual([1, 3]);
  });

  it("complains of a parcel whose event does not come", async () => {
    session.truth(aTruth(first));
    session.truth(aTruth(second));
    await publish(aChain([aRead(first)]));
    expect(judge()).toMatchObject({ missingCount: 1, problems: [expect.stringContaining("missing")] });
  });

  it("complains of a parcel with two events, and does not name its code", async () => {
    session.truth(aTruth(first));
    await publish(aChain([aRead(first), aRead(first)]));
    const { duplicateCount, problems } = judge();
    expect([duplicateCount, problems]).toEqual([1, [expect.stringContaining("doubled")]]);
    expect(problems.join()).not.toContain(first);
  });

  it("complains of an event that was altered on its way, and of the one after it", async () => {
    session.truth(aTruth(first));
    session.truth(aTruth(second));
    const [epoch, one, other] = aChain([aRead("SF1385628716730"), aRead(second)]);
    const altered = Buffer.from(
      Buffer.from(one ?? [])
        .toString("utf8")
        .replace("SF1385628716730", first),
    );
    await publish([epoch, altered, other] as Uint8Array[]);
    expect(judge()).toMatchObject({ missingCount: 0, unverifiedCount: 2 });
    expect(shown.map(({ verified }) => verified)).toEqual(["FAILED: signature", "FAILED: link"]);
  });

  it("complains of events behind a gap in the chain", async () => {
    session.truth(aTruth(second));
    const [epoch, , other] = aChain([aRead(first), aRead(second)]);
    await publish([epoch, other] as Uint8Array[]);
    expect(judge()).toMatchObject({
      missingCount: 0,
      unverifiedCount: 1,
      problems: [expect.stringContaining("signature or place in the chain")],
    });
  });

  it("counts an event that is delivered twice as no second event", async () => {
    session.truth(aTruth(first));
    const [epoch, one] = aChain([aRead(first)]);
    await publish([epoch, one, one] as Uint8Array[]);
    expect(judge()).toMatchObject({ problems: [], eventCount: 1, repeatCount: 1, duplicateCount: 0 });
  });

  it("finds personal data in a message, also where its bytes were taken for characters", async () => {
    const token: Truth = { ...aTruth(first), kind: "token", length: 12, secrets: ["张晓明", "13812345678"] };
    session.truth(token);
    await publisher.publishAsync(`${topic}/status`, '{"online":true,"note":"13812345678"}', { qos: 1 });
    const mangled = Buffer.from("张晓明", "utf8").toString("latin1");
    await publisher.publishAsync(`${topic}/status`, JSON.stringify({ online: true, note: mangled }), { qos: 1 });
    await publisher.publishAsync(`${topic}/status`, '{"online":true}', { qos: 1 });
    await subscriber.settled();
    expect(judge()).toMatchObject({ personalDataPlanted: 2, personalDataFound: 2 });
    expect(judge().problems).toContainEqual(expect.stringContaining("personal data"));
  });

  it("finds personal data in files", async () => {
    session.truth({ ...aTruth(first), kind: "token", length: 12, secrets: ["13812345678"] });
    const directory = mkdtempSync(join(tmpdir(), "secrets-"));
    writeFileSync(join(directory, "clean.log"), "nothing");
    writeFileSync(join(directory, "queue.db-wal"), Buffer.from("\u0000\u000113812345678\u0002"));
    expect(await session.secrets.filesWith(directory)).toEqual([join(directory, "queue.db-wal")]);
    rmSync(directory, { recursive: true });
  });

  it("complains of a chain that the verifier does not call authentic, and of a gateway that had to be ended", async () => {
    session.truth(aTruth(first));
    await publish(aChain([aRead(first)]));
    const verdict = { isGood: false, sentence: "broken and unproven: 2 events" };
    expect(judge({ verdict }).problems).toEqual([expect.stringContaining("broken and unproven")]);
    const gatewayEnd = { code: null, signal: "SIGKILL", asked: true, killed: true };
    expect(judge({ gatewayEnd }).problems).toHaveLength(1);
    const failure = { sentence: "The gateway ended unexpectedly, with code 74", logLines: ["last words"] };
    expect(judge({ failure })).toMatchObject({ problems: [failure.sentence], logLines: ["last words"] });
  });

  it("complains if parcels passed and nothing arrived", () => {
    expect(judge().problems).toEqual([expect.stringContaining("No event")]);
  });
});
