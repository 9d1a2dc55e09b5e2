import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createVerifier } from "../../src/seal/index.ts";
import { createSecretSearch } from "../fakes/canary.ts";
import {
  framed,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  type Subscriber,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Published {
  readonly type: string;
  readonly sequence: string;
  readonly data: {
    readonly code?: string;
    readonly token?: string;
    readonly of?: { readonly id: string; readonly digest: string; readonly type: string };
  };
}

const waybills = ["SF1385628716739", "SF1385628716740", "SF1385628716739"];

function eventsOf(subscriber: Subscriber): Published[] {
  return subscriber.messages.filter(({ topic }) => !topic.endsWith("/status")).map(({ text }) => JSON.parse(text));
}

/** The tokens of parcels that a partner got, one an event, in the order of the chain. */
function tokensOf(subscriber: Subscriber): (string | undefined)[] {
  const reads = eventsOf(subscriber).filter(({ data }) => data.of?.type === "org.sortgate.read.v1");
  return reads.sort((one, other) => Number(one.sequence) - Number(other.sequence)).map(({ data }) => data.token);
}

/** The centre gets events; two partners get views. */
async function aRig() {
  const [centre, north, south, scanner] = await Promise.all([
    openMosquitto(),
    openMosquitto(),
    openMosquitto(),
    openTcpScanner(),
  ]);
  const url = ({ port }: { port: number }): string => `mqtt://127.0.0.1:${port}`;
  const subscribers = await Promise.all([centre, north, south].map((broker) => openSubscriber(url(broker))));
  const partner = (name: string, port: number): string =>
    `[[broker]]\nname = "${name}"\nurl = "mqtt://127.0.0.1:${port}"\n[broker.view]\n`;
  const broker = `${partner("north", north.port)}${partner("south", south.port)}public = "clear"\n`;
  const site = makeSite({
    brokerUrl: url(centre),
    broker,
    rest: oneScanner(scanner.port).replace('name = "tunnel-1"', 'name = "tunnel-1"\ndepart_ms = 50\nemit = "both"'),
  });
  cleanups.push(
    () => site.remove(),
    ...[centre, north, south].map((one) => () => one.stop("SIGKILL")),
    ...subscribers.map((one) => () => one.close()),
    () => scanner.close(),
  );
  const [whole, ...views] = subscribers as [Subscriber, Subscriber, Subscriber];
  const start = async () => {
    const daemon = await startDaemon(site);
    cleanups.push(() => daemon.end("SIGKILL"));
    await scanner.connected();
    return daemon;
  };
  const sortAll = async (): Promise<void> => {
    for (const waybill of waybills) {
      const ended = whole.messages.filter(({ text }) => text.includes("org.sortgate.pass.v1")).length;
      scanner.send(framed(waybill));
      // The same parcel comes again only once its pass is over.
      await vi.waitFor(() => {
        const now = whole.messages.filter(({ text }) => text.includes("org.sortgate.pass.v1")).length;
        expect(now).toBe(ended + 1);
      }, 10_000);
    }
  };
  const settled = (startCount: number): Promise<void> =>
    vi.waitFor(() => {
      expect(whole.messages.filter(({ topic }) => topic.endsWith("/log/epoch"))).toHaveLength(startCount);
      const all = [...whole.sequences()].sort();
      for (const view of views) expect([...view.sequences()].sort()).toEqual(all);
    }, 10_000);
  return { whole, views, site, start, sortAll, settled };
}

describe("R24 partners", () => {
  it("get each event as a signed view with tokens of their own, and never the number", async () => {
    const { whole, views, site, start, sortAll, settled } = await aRig();
    const first = await start();
    await sortAll();
    expect(await first.end("SIGTERM")).toBe(0);
    await start();
    await settled(2);
    const search = createSecretSearch(waybills);
    const seen = views.map((view) => {
      for (const { topic, text } of view.messages) expect(search.in(Buffer.from(text)), topic).toEqual([]);
      const { verdict, chains } = view.verdict();
      expect([verdict, chains[0]?.findings.filter(({ kind }) => kind !== "repeated")]).toEqual(["whole", []]);
      // Only epochs come as they are: one for each start.
      expect(chains[0]?.eventCount).toBe((chains[0]?.viewCount ?? 0) + 2);
      const tokens = tokensOf(view);
      expect(tokens).toHaveLength(3);
      expect(tokens[0]).toMatch(/^t1\./);
      expect(tokens[2]).toBe(tokens[0]);
      expect(tokens[1]).not.toBe(tokens[0]);
      return tokens;
    });
    expect(seen[0]!.filter((token) => seen[1]!.includes(token))).toEqual([]);
    // A view names the event that the centre has, and its bytes.
    const wholeBySequence = new Map(eventsOf(whole).map((event) => [event.sequence, event]));
    for (const event of views.flatMap(eventsOf).filter(({ data }) => data.of !== undefined))
      expect(event.data.of?.type).toBe(wholeBySequence.get(event.sequence)?.type);
    expect(whole.verdict().chains[0]?.viewCount).toBe(0);
    const capture = join(site.dir, "partner.jsonl");
    writeFileSync(capture, views[0]!.messages.map(({ topic, text }) => `${topic} ${text}\n`).join(""));
    const judged = await runCommand(["verify", capture, "--trust", join(site.dataDir, "identity", "device.crt")]);
    expect([judged.code, judged.stdout]).toEqual([
      0,
      expect.stringMatching(/of them as views, authentic \(CN=line-3\)/),
    ]);
    // Beside the events the digests are compared: a view of something else would be a fork.
    const verifier = createVerifier();
    for (const [index, event] of [whole, ...views].flatMap(eventsOf).entries())
      verifier.push(JSON.stringify(event), index + 1);
    expect(verifier.finish()).toMatchObject({ verdict: "whole", malformedCount: 0 });
  });
});
