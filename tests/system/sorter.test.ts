import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { carrierNames } from "../../src/guard/settings.ts";
import { maskCode } from "../../src/model/code/mask.ts";
import {
  askStatus,
  aWaybill,
  framed,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  type Site,
  startCommand,
  startDaemon,
  type TcpScanner,
} from "../fakes/gateway.ts";
import { labelKinds, scanned } from "../fakes/labels.ts";
import { freePort, openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Numbers that stand alone in their code. */
const bareNumbers = [aWaybill(2), "73610555582883", "RB123456785GB"];

/** As a probe writes bytes. */
const hexOf = (text: string): string => Buffer.from(text).toString("hex").replace(/../g, "$& ").toUpperCase().trim();

/** What a sorter can ask the box, and what it answered. */
const answers = new Map<string, string>();

async function ask(line: string, { configPath }: Site): Promise<void> {
  for (const more of [[], ["--json"]]) {
    const { code, stdout, stderr } = await runCommand([...line.split(" "), ...more, "--config", configPath]);
    expect({ line, code, said: (stdout + stderr).length > 0 }).toEqual({ line, code: 0, said: true });
    answers.set([line, ...more].join(" "), stdout + stderr);
  }
}

/** A command that shows what passes meanwhile. */
async function askWhile(line: string, site: Site, scanner: TcpScanner, more: readonly string[]): Promise<void> {
  const running = startCommand([...line.split(" "), ...more, "--config", site.configPath]);
  cleanups.push(() => running.process.kill("SIGKILL"));
  await vi.waitFor(() => {
    for (const label of labelKinds) scanner.send(framed(scanned(label).toString("latin1")));
    for (const number of bareNumbers) scanner.send(framed(number));
    expect(running.process.exitCode).toBe(0);
  }, 30_000);
  const { stdout, stderr } = await running.finished;
  answers.set([line, ...more].join(" "), stdout + stderr);
}

/** All that stands on the labels, in pieces long enough not to stand elsewhere by chance, but for what may be shown. */
function hiddenPieces(): string[] {
  const shown = labelKinds.flatMap(({ label }) => [...(label?.routing ?? []), label?.service ?? ""]);
  const pieces = labelKinds.flatMap(({ bytes, secrets }) => [
    ...secrets,
    ...bytes.toString("utf8").split(/[^\p{L}\p{N}]+/u),
  ]);
  return [...new Set(pieces)].filter(
    (piece) =>
      piece.length >= (/^\d+$/.test(piece) ? 6 : 5) &&
      /[\d\p{Lu}\p{Script=Han}]/u.test(piece) &&
      !shown.includes(piece),
  );
}

/** Each label of `labelKinds`, and a number alone: its line on a screen, and what is told of the label to programs. */
const golden: readonly (readonly [string, object?])[] = [
  ["SF•••••••••6739  waybill", { format: "json" }],
  ["SF•••••••••6740  waybill", { format: "url" }],
  ["42••••••0000  waybill", { format: "fedex-pdf417", service: "19" }],
  ["93••••••••••••8043  waybill", { format: "usps-impb" }],
  ["1Z••••••••••••1731  waybill", { format: "ups-maxicode", service: "042" }],
  ["1Z••••••••••••5939  waybill", { format: "ups-maxicode", service: "012" }],
  ["1Z••••••••••••1117  waybill", { format: "ups-maxicode", service: "068" }],
  ["80••••••••••••3456  waybill", { format: "yto-json", routing: ["378-200-03"] }],
  ["SF•••••••••8584  waybill", { format: "sf-mmm", routing: ["755A", "010AE", "012"], service: "T4" }],
  ["14••••••••••••5495  sscc", { format: "gs1" }],
  ["10••••••••••••5774  sscc", { format: "gs1-digital-link" }],
  ["token  unknown  69 bytes"],
  ["SF•••••••••1140  waybill", { format: "text" }],
  ["token  unknown  157 bytes"],
  ["token  unknown  83 bytes"],
  ["SF•••••••••8669  waybill", { format: "json" }],
  ["SF•••••••••0001  waybill"],
];

/** All that is told of a parcel: its number, where it goes, and when and where it was read. */
const memberNames = [
  ..."carriers clock code codeClass device firstReadAt label length medium passId readPoint symbology token".split(" "),
];

let events: { readonly data: Readonly<Record<string, unknown>> }[];
beforeAll(async () => {
  const [broker, scanner, httpPort] = await Promise.all([openMosquitto(), openTcpScanner(), freePort()]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  const rest = oneScanner(scanner.port)
    .replace('carriers = ["sf"]', `carriers = ${JSON.stringify(carrierNames)}\ncore = "mask"`)
    .replace('name = "tunnel-1"', 'name = "tunnel-1"\ndepart_ms = 50');
  const site = makeSite({ brokerUrl: url, rest, control: `http = "127.0.0.1:${httpPort}"` });
  const daemon = await startDaemon(site);
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => scanner.close(),
    () => subscriber.close(),
    () => daemon.end("SIGKILL"),
  );
  await scanner.connected();
  for (const label of labelKinds) scanner.send(framed(scanned(label).toString("latin1")));
  scanner.send(framed(aWaybill(1)));
  await vi.waitFor(() => expect(subscriber.codes()).toContain(aWaybill(1)), 20_000);
  await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]!.queuedCount).toBe(0), 20_000);
  for (const line of [
    "status",
    "queue stats",
    "queue peek --limit 500",
    "queue verify",
    "devices",
    "check",
    "keys show",
  ])
    await ask(line, site);
  for (const more of [[], ["--json"]])
    for (const line of ["watch --count 40", "probe scanner-1 --count 40"]) await askWhile(line, site, scanner, more);
  for (const path of ["metrics", "healthz", "readyz"])
    answers.set(path, await (await fetch(`http://127.0.0.1:${httpPort}/${path}`)).text());
  events = (JSON.parse(answers.get("queue peek --limit 500 --json")!) as { events: typeof events }).events.filter(
    ({ data }) => data.codeClass !== undefined,
  );
}, 120_000);

describe("R13 whoever may ask the box sees of a parcel", () => {
  it("R13 its number, shortened, on a screen", () => {
    const rows = answers.get("queue peek --limit 500")!.split("\n");
    const shown = rows.filter((row) => / read +tunnel-1 /.test(row)).map((row) => row.split("scanner-1")[1]!.trim());
    // Of a token, its ends; they are others in each run.
    expect(shown.map((row) => row.replace(/^t1\.\S{4}…\S{8} /, "token "))).toEqual(golden.map(([row]) => row));
  });

  it("R13 its number, shortened, and where it goes, for programs too", () => {
    expect(events.map(({ data: { codeClass, code, label } }) => [codeClass, code, label])).toEqual(
      golden.map(([row, label]) => {
        const [what, codeClass] = row.split("  ");
        return [codeClass, what === "token" ? undefined : what, label];
      }),
    );
    const members = new Set(events.flatMap(({ data }) => Object.keys(data)));
    expect([...members].sort()).toEqual(memberNames);
  });

  it("R13 nothing else of what stands on its label, and no whole number, in any answer", () => {
    const hidden = hiddenPieces();
    expect(hidden.length).toBeGreaterThan(60);
    const labelled = labelKinds.flatMap(({ expect: { code } }) => (code === undefined ? [] : [code]));
    const numbers = [...labelled, ...bareNumbers, ...bareNumbers.map(hexOf)];
    const found = [...answers].flatMap(([line, text]) =>
      [...hidden, ...numbers].filter((piece) => text.includes(piece)).map((piece) => `${line}: ${piece}`),
    );
    expect(found).toEqual([]);
    expect(answers.size).toBe(21);
    expect(answers.get("metrics")).toMatch(/^sortgate_leaking_shipper_labels_total\{shipper="SF\w\w"\} \d+$/m);
    // The bare numbers were on the line while it was probed.
    for (const more of ["", " --json"])
      for (const number of bareNumbers)
        expect(answers.get(`probe scanner-1 --count 40${more}`)).toContain(maskCode(number));
  });
});
