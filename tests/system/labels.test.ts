import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { carrierNames } from "../../src/guard/settings.ts";
import {
  askStatus,
  framed,
  makeSite,
  openSubscriber,
  openTcpScanner,
  runCommand,
  type Subscriber,
  startDaemon,
} from "../fakes/gateway.ts";
import { type CapturedLabel, capturedLabels, isReadable, labelKinds, labelOfPerson, scanned } from "../fakes/labels.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";
import { openSerialLine } from "../fakes/serial-line.ts";
import { pictures } from "../guard/pictures.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface ReadData {
  readonly readPoint: string;
  readonly codeClass: string;
  readonly code?: string;
  readonly carriers?: readonly string[];
  readonly token?: string;
  readonly length?: number;
  readonly label?: object;
  readonly masked?: readonly Piece[];
  readonly tokens?: readonly Piece[];
  readonly sealed?: object;
}

interface Piece {
  readonly kind: string;
  readonly text?: string;
  readonly token?: string;
}

/** Read events of one read point in the order of the chain. */
function readsAt({ messages }: Subscriber, readPoint: string): ReadData[] {
  return messages
    .filter(({ topic }) => !topic.endsWith("/status"))
    .map(({ text }) => JSON.parse(text) as { type: string; sequence: string; data: ReadData })
    .filter(({ type, data }) => type === "org.sortgate.read.v1" && data.readPoint === readPoint)
    .sort((one, other) => Number(one.sequence) - Number(other.sequence))
    .map(({ data }) => data);
}

const readPoint = (name: string, device: string, policy = ""): string => `
[[read_point]]
name = "${name}"
depart_ms = 50
[[device]]
name = "on-${name}"
read_point = "${name}"
${device}
${policy}`;

const onTcp = (port: number): string =>
  `driver = "tcp"\nhost = "127.0.0.1"\nport = ${port}\nprofile = "stx-etx-barcode"`;

const guardLines = `[guard]\ncarriers = ${JSON.stringify(carrierNames)}\nseal_key_file = "centre.pem"\n`;

/** A daemon with a broker and a subscriber, and the centre's key beside its config. */
async function startSite(rest: string) {
  const broker = await openMosquitto(["allow_anonymous true", "max_queued_messages 0"]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  const site = makeSite({ brokerUrl: url, rest });
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  writeFileSync(join(site.dir, "centre.pem"), publicKey.export({ type: "spki", format: "pem" }));
  const keyPath = join(site.dir, "centre.key");
  const daemon = await startDaemon(site);
  writeFileSync(keyPath, privateKey.export({ type: "pkcs8", format: "pem" }));
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
    () => daemon.end("SIGKILL"),
  );
  return { site, subscriber, keyPath };
}

/** No two alike: one code twice is one pass, or two, as the machine has it. */
function distinct(labels: readonly CapturedLabel[]): CapturedLabel[] {
  return [...new Map(labels.map((label) => [label.bytes.toString("latin1"), label])).values()];
}

function isAsExpected(data: ReadData, { name, expect: wanted, label, secrets, bytes }: CapturedLabel): void {
  const { codeClass, code, carriers } = data;
  expect({ name, codeClass, code, carriers, label: data.label }).toStrictEqual({
    ...{ name, codeClass: wanted.codeClass, code: wanted.code, carriers: wanted.carriers, label },
  });
  // What a scanner puts behind a code is none of it.
  const whole = bytes.toString("latin1").replace(/[\r\n]+$/, "");
  if (wanted.code === undefined) expect([name, data.length]).toEqual([name, whole.length]);
  const said = JSON.stringify({ ...data, token: "" });
  expect([name, secrets.filter((secret) => said.includes(secret))]).toEqual([name, []]);
}

describe("R05 labels that a scanner reads", () => {
  it("R05 are at the subscriber what the corpus says, over TCP and over a serial line, and nothing else of them", async () => {
    const [scanner, line] = await Promise.all([openTcpScanner(), openSerialLine()]);
    cleanups.push(
      () => scanner.close(),
      () => line.close(),
    );
    const serial = `driver = "serial"\npath = "${line.path}"\nprofile = "line-barcode"`;
    const points = readPoint("tcp", onTcp(scanner.port)) + readPoint("serial", serial);
    const { subscriber, site } = await startSite(guardLines + points);
    // What comes before a serial line is open is not for this run: it may be thrown away in the midst of a code.
    await vi.waitFor(async () => {
      expect((await askStatus(site)).devices.map(({ state }) => state)).toEqual(["up", "up"]);
    }, 30_000);
    const overTcp = distinct(capturedLabels().filter((label) => isReadable(label, false)));
    const overSerial = distinct(capturedLabels().filter((label) => isReadable(label, true)));
    expect(overTcp.length).toBeGreaterThan(700);
    expect(overSerial.length).toBeGreaterThan(650);
    for (const label of overTcp) scanner.send(framed(scanned(label).toString("latin1")));
    for (const label of overSerial) line.write(Buffer.concat([scanned(label), Buffer.from("\r\n")]));
    await vi.waitFor(
      () =>
        expect([readsAt(subscriber, "tcp").length, readsAt(subscriber, "serial").length]).toEqual([
          overTcp.length,
          overSerial.length,
        ]),
      30_000,
    );
    for (const [index, data] of readsAt(subscriber, "tcp").entries()) isAsExpected(data, overTcp[index]!);
    for (const [index, data] of readsAt(subscriber, "serial").entries()) isAsExpected(data, overSerial[index]!);
  });
});

describe("R54 pictures of labels, on the built product", () => {
  it("R54 are counted as such and leave as a token alone, bytes, links and paths, and the next waybill is read", async () => {
    const scanner = await openTcpScanner();
    cleanups.push(() => scanner.close());
    const { subscriber, site } = await startSite(guardLines + readPoint("camera", onTcp(scanner.port)));
    await scanner.connected();
    const refused = [
      // A frame ends at ETX, and so its bytes do; behind that comes noise.
      ...Object.values(pictures).filter((bytes) => !bytes.includes(2) && !bytes.includes(3)),
      Buffer.from("https://dws.local/img/SF1385628716739.jpg"),
      Buffer.from("C:\\images\\label.jpg SF1385628716739"),
      Buffer.from(JSON.stringify({ no: "SF1385628716739", image: pictures.JPEG!.toString("base64") })),
    ];
    expect(refused.length).toBeGreaterThan(9);
    for (const bytes of refused) scanner.send(framed(bytes.toString("latin1")));
    scanner.send(framed("SF1385628716740"));
    await vi.waitFor(() => expect(readsAt(subscriber, "camera")).toHaveLength(refused.length + 1), 20_000);
    const reads = readsAt(subscriber, "camera");
    expect(reads.pop()!.code).toBe("SF1385628716740");
    for (const [at, data] of reads.entries()) {
      expect(data).toMatchObject({ codeClass: "unknown", length: refused[at]!.length, token: expect.any(String) });
      expect([data.code, data.label, data.masked, data.sealed]).toEqual([undefined, undefined, undefined, undefined]);
    }
    for (const { text } of subscriber.messages) expect(text).not.toContain("SF1385628716739");
    const { devices, labels } = await askStatus(site);
    expect(devices[0]!.malformedCount).toBe(0);
    expect(labels).toContainEqual({ format: "image", labelCount: refused.length, leakingCount: 0 });
  });
});

const policies = ["drop", "mask", "token", "seal"] as const;

/** Sends the same labels past a read point for each policy; gives what the subscriber got, by policy. */
async function throughPolicies(labels: readonly CapturedLabel[], masks: string) {
  const scanners = await Promise.all(policies.map(() => openTcpScanner()));
  for (const scanner of scanners) cleanups.push(() => scanner.close());
  const points = policies.map((core, index) =>
    readPoint(core, onTcp(scanners[index]!.port), `[[guard.policy]]\nread_point = "${core}"\ncore = "${core}"\n`),
  );
  const opened = await startSite(`${guardLines}masks = "${masks}"\n${points.join("")}`);
  await Promise.all(scanners.map((scanner) => scanner.connected()));
  for (const scanner of scanners) for (const label of labels) scanner.send(framed(scanned(label).toString("latin1")));
  const { subscriber } = opened;
  await vi.waitFor(
    () => expect(policies.map((core) => readsAt(subscriber, core).length)).toEqual(policies.map(() => labels.length)),
    30_000,
  );
  const of = (core: (typeof policies)[number]): ReadData[] => readsAt(subscriber, core);
  return { ...opened, of };
}

const kindsOf = (pieces: readonly Piece[] = []): string[] => [...new Set(pieces.map(({ kind }) => kind))].sort();

describe("R10 what becomes of core data of every kind of label, from the scanner to the subscriber", () => {
  it("R10 by the policy of the read point it is dropped, a mask, a token or sealed, and the rest is the same", async () => {
    const { of, site, subscriber, keyPath } = await throughPolicies(labelKinds, "gbt41833");
    const [dropped, masked, tokens, sealed] = [of("drop"), of("mask"), of("token"), of("seal")];
    const events = join(site.dir, "events.jsonl");
    const lines = subscriber.messages.filter(({ topic }) => !topic.endsWith("/status")).map(({ text }) => `${text}\n`);
    writeFileSync(events, lines.join(""));
    const opening = await runCommand(["open", events, "--key", keyPath, "--json"]);
    expect([opening.code, opening.stderr]).toEqual([0, ""]);
    const opened = opening.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.stringify((JSON.parse(line) as { fields: unknown }).fields));
    for (const [index, label] of labelKinds.entries()) {
      const { name, leaks = [], secrets } = label;
      for (const reads of [dropped, masked, tokens, sealed]) isAsExpected(reads[index]!, label);
      const told = [dropped, masked, tokens, sealed].map((reads) => Object.keys(reads[index]!));
      expect([name, told[0]!.filter((member) => /^(?:masked|tokens|sealed)$/.test(member))]).toEqual([name, []]);
      expect([name, kindsOf(masked[index]!.masked)]).toEqual([name, kindsOf(tokens[index]!.tokens)]);
      expect([name, kindsOf(masked[index]!.masked)]).toEqual([name, expect.arrayContaining([...leaks])]);
      for (const { token } of tokens[index]!.tokens ?? []) expect(token).toMatch(/^t1\.[\w-]{8}\.[\w-]{22}$/);
      if (sealed[index]!.sealed === undefined) continue;
      const content = opened.shift();
      expect([name, secrets.filter((secret) => content?.includes(secret) === false)]).toEqual([name, []]);
    }
    expect(opened).toEqual([]);
    // One telephone on two labels is one token.
    const phone = (index: number): unknown => tokens[index]!.tokens?.find(({ kind }) => kind === "phone")?.token;
    const [card, contact] = [
      labelKinds.findIndex(({ name }) => name.includes("vCard")),
      labelKinds.findIndex(({ name }) => name.includes("MECARD")),
    ];
    expect([phone(card), phone(0) === phone(card)]).toEqual([phone(contact), false]);
    expect(phone(0)).toBe(phone(1));
  });

  it.each([
    ["gbt41833", "139***78", "浙江省杭州市西湖区***"],
    ["documents", "139***5678", "浙江省杭州市西湖区文三路***"],
  ])("R10 with %s a mask shows this much of it", async (masks, phone, address) => {
    const { of } = await throughPolicies([labelOfPerson], masks);
    expect(of("mask")[0]!.masked).toEqual([
      { kind: "name", text: "张***" },
      { kind: "phone", text: phone },
      { kind: "address", text: address },
    ]);
  });
});
