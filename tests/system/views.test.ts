import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createVerifier } from "../../src/seal/index.ts";
import { aPerson, asUtf8, createSecretSearch } from "../fakes/canary.ts";
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

interface Piece {
  readonly kind: string;
  readonly text?: string;
  readonly token?: string;
}

interface Published {
  readonly type: string;
  readonly sequence: string;
  readonly subject?: string;
  readonly data: {
    readonly readPoint?: string;
    readonly masked?: readonly Piece[];
    readonly tokens?: readonly Piece[];
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

const readPoints = ["dock-1", "dock-2"] as const;

/** Two read points, one that makes masks of core data and one that makes tokens, and for each a partner that sees it alone. */
async function aRigOfLabels() {
  const [centre, ...partners] = await Promise.all([openMosquitto(), openMosquitto(), openMosquitto()]);
  const scanners = await Promise.all([openTcpScanner(), openTcpScanner()]);
  const url = ({ port }: { port: number }): string => `mqtt://127.0.0.1:${port}`;
  const [whole, ...views] = await Promise.all([centre, ...partners].map((broker) => openSubscriber(url(broker))));
  const broker = readPoints.map(
    (name, at) => `[[broker]]
name = "of-${name}"
url = "${url(partners[at]!)}"
[broker.view]
public = "clear"
read_points = ["${name}"]
`,
  );
  const points = readPoints.map(
    (name, at) => `[[read_point]]
name = "${name}"
depart_ms = 50
emit = "both"
[[device]]
name = "device-of-${name}"
read_point = "${name}"
driver = "tcp"
host = "127.0.0.1"
port = ${scanners[at]!.port}
profile = "stx-etx-barcode"
[[guard.policy]]
read_point = "${name}"
core = "${at === 0 ? "mask" : "token"}"
`,
  );
  const rest = `[guard]\ncarriers = ["sf"]\n${points.join("")}`;
  const site = makeSite({ brokerUrl: url(centre), broker: broker.join(""), rest });
  cleanups.push(
    () => site.remove(),
    ...[centre, ...partners].map((one) => () => one.stop("SIGKILL")),
    ...[whole!, ...views].map((one) => () => one.close()),
    ...scanners.map((one) => () => one.close()),
  );
  const daemon = await startDaemon(site);
  cleanups.push(() => daemon.end("SIGKILL"));
  await Promise.all(scanners.map((scanner) => scanner.connected()));
  return { whole: whole!, views, scanners };
}

const person = aPerson(31);
const labels = ["SF1385628716739", "SF1385628716740"].map((waybillNo) =>
  JSON.stringify({ waybillNo, receiver: { name: person.hanName, mobile: person.mobile, address: person.address } }),
);

describe("R24 partners, where labels show persons", () => {
  it("R24 get no mask, no token of a person, no device and no number; of another read point that there was an event", async () => {
    const { whole, views, scanners } = await aRigOfLabels();
    for (const scanner of scanners) for (const label of labels) scanner.send(framed(asUtf8(label)));
    const parcels = (): Published[] => eventsOf(whole).filter(({ type }) => /\.(?:read|pass)\.v1$/.test(type));
    await vi.waitFor(() => expect(parcels()).toHaveLength(8), 20_000);
    const search = createSecretSearch([...Object.values(person), "SF1385628716739", "SF1385628716740"]);
    // What the centre has of it must not be elsewhere: so it must be there.
    const pieces = parcels().flatMap(({ data }) => [...(data.masked ?? []), ...(data.tokens ?? [])]);
    expect(new Set(pieces.map(({ kind }) => kind))).toEqual(new Set(["name", "phone", "address"]));
    const secrets = [
      ...new Set(pieces.map(({ text, token }) => text ?? token!)),
      ...readPoints.map((name) => `device-of-${name}`),
    ];
    for (const [at, view] of views.entries()) {
      await vi.waitFor(() => expect([...view.sequences()].sort()).toEqual([...whole.sequences()].sort()), 20_000);
      for (const { topic, text } of view.messages) {
        expect(search.in(Buffer.from(text)), topic).toEqual([]);
        expect(
          secrets.filter((secret) => text.includes(secret)),
          topic,
        ).toEqual([]);
        expect(topic + text).not.toMatch(/masked|"tokens"|"device|"sealed/);
        expect(topic + text).not.toContain(readPoints[1 - at]);
      }
      const own = new Map(parcels().map((event) => [event.sequence, event.data.readPoint === readPoints[at]]));
      const seen = eventsOf(view).filter(({ sequence }) => own.has(sequence));
      for (const { sequence, data, subject } of seen)
        expect({ keys: Object.keys(data).sort(), subject }).toEqual(
          own.get(sequence)
            ? {
                keys: expect.arrayContaining(["carriers", "codeClass", "label", "of", "token"]),
                subject: readPoints[at],
              }
            : { keys: ["of", "viewer"], subject: undefined },
        );
      expect(seen.filter(({ sequence }) => own.get(sequence))).toHaveLength(4);
      for (const { data } of seen) expect(Object.keys(data.of!).sort()).toEqual(["digest", "id", "type"]);
    }
  });
});

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
