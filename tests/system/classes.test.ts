import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt, { type MqttClient } from "mqtt";
import { afterEach, describe, expect, it, vi } from "vitest";
import { eventFields } from "../../src/model/event-fields.ts";
import { aPerson, asUtf8, createSecretSearch } from "../fakes/canary.ts";
import { type AnyEvent, labelsOf, unlisted } from "../fakes/event-fields.ts";
import {
  askStatus,
  aWaybill,
  framed,
  logLines,
  makeSite,
  oneScanner,
  openTcpScanner,
  runCommand,
  type Site,
  startCommand,
  startDaemon,
  type TcpScanner,
} from "../fakes/gateway.ts";
import { freePort, openDoor, openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Message {
  readonly topic: string;
  readonly text: string;
}

interface Account {
  readonly username: string;
  readonly password: string;
}

interface Listener {
  readonly client: MqttClient;
  readonly messages: readonly Message[];
  events(): AnyEvent[];
  sequences(): string[];
}

/** Somebody who asks a broker for everything that it will give. */
async function listen(port: number, account?: Account): Promise<Listener> {
  const messages: Message[] = [];
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5, ...account });
  cleanups.push(() => client.endAsync(true));
  client.on("message", (topic, payload) => messages.push({ topic, text: payload.toString() }));
  await client.subscribeAsync("#", { qos: 1 });
  const events = (): (AnyEvent & { readonly sequence: string })[] =>
    messages.filter(({ topic }) => !topic.endsWith("/status")).map(({ text }) => JSON.parse(text));
  const sequences = (): string[] => [...new Set(events().map(({ sequence }) => sequence))].sort();
  return { client, messages, events, sequences };
}

const person = aPerson(18);
const sf = "SF1331875979567";
const label = (waybill: string): string =>
  asUtf8(JSON.stringify({ waybillNo: waybill, receiver: { name: person.hanName, mobile: person.mobile } }));
const sorting = `MMM={'k1':'010W','k2':'010AE','k3':'003','k4':'T6','k5':'${sf}','k6':'','k7':'53528168'}`;

const policies = { drop: "", mask: 'core = "mask"', tokens: 'core = "token"\nbasic = "token"', seal: 'core = "seal"' };
const points = [...Object.keys(policies), "tags"];

const readPoint = (name: string, port: number): string => `[[read_point]]
name = "${name}"
depart_ms = 50
emit = "both"
[[device]]
name = "device-${name}"
read_point = "${name}"
driver = "tcp"
host = "127.0.0.1"
port = ${port}
profile = "${name === "tags" ? "line-rfid" : "stx-etx-barcode"}"
`;

/** A site with each policy at a read point of its own, whose broker is away at first. */
async function aSite() {
  const [port, ...scanners] = await Promise.all([freePort(), ...points.map(() => openTcpScanner())]);
  const url = `mqtt://127.0.0.1:${port}`;
  const rules = Object.entries(policies).map(([name, text]) => `[[guard.policy]]\nread_point = "${name}"\n${text}\n`);
  const guard = '[guard]\ncarriers = ["sf"]\nseal_key_file = "centre.pem"\n';
  const rest = `${points.map((name, at) => readPoint(name, scanners[at]!.port)).join("")}${guard}${rules.join("")}`;
  const broker = `[[broker]]\nname = "partner"\nurl = "${url}"\ntopic_prefix = "partner"\n[broker.view]\npublic = "clear"\n`;
  const site = makeSite({ brokerUrl: url, broker, rest });
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  writeFileSync(join(site.dir, "centre.pem"), publicKey.export({ type: "spki", format: "pem" }));
  cleanups.push(
    () => site.remove(),
    () => Promise.all(scanners.map((scanner) => scanner.close())),
  );
  return { site, port, scanners };
}

async function start(site: Site, scanners: readonly TcpScanner[]) {
  const daemon = await startDaemon(site);
  cleanups.push(() => daemon.end("SIGKILL"));
  await Promise.all(scanners.map((scanner) => scanner.connected()));
  return daemon;
}

const exported = async (site: Site): Promise<string> =>
  (await runCommand(["queue", "export", "--reason", "TICKET-1", "--config", site.configPath])).stdout;

async function command(site: Site, ...args: string[]): Promise<void> {
  const { code, stderr } = await runCommand([...args, "--reason", "TICKET-2", "--config", site.configPath]);
  expect([code, stderr], args.join(" ")).toEqual([0, expect.any(String)]);
}

/** Looks at all bytes of a device once, before the daemon runs. */
async function probeRaw(site: Site, scanner: TcpScanner): Promise<void> {
  const args = ["probe", "device-drop", "--count", "1", "--raw", "--reason", "TICKET-3", "--config", site.configPath];
  const probe = startCommand(args);
  await vi.waitFor(() => expect(probe.said.stderr).toContain("is open"), 20_000);
  scanner.send(framed(aWaybill(1)));
  expect((await probe.finished).code).toBe(0);
}

/** Lets parcels pass whose codes are all that is known: numbers, labels, a sorting code, a tag, text, and none. */
async function passAll(site: Site, scanners: readonly TcpScanner[]): Promise<void> {
  const [drop, , , , tags] = scanners as [TcpScanner, TcpScanner, TcpScanner, TcpScanner, TcpScanner];
  for (const [at, scanner] of scanners.slice(0, 4).entries()) scanner.send(framed(label(aWaybill(100 + at))));
  for (const code of [sorting, person.mobile, "NoRead"]) drop.send(framed(code));
  tags.send("3074257BF7194E4000001A85\r\n");
  for (let number = 1_000; number < 1_040; number += 1) drop.send(framed(aWaybill(number)));
  await vi.waitFor(async () => {
    const text = await exported(site);
    expect(text.match(/org\.sortgate\.pass\.v1/g)).toHaveLength(47);
    expect(text).toContain("org.sortgate.noread.v1");
  }, 20_000);
}

/** A page of the ledger is lost, with some of its parcels. */
function damage(site: Site): void {
  const path = join(site.dataDir, "ledger.db");
  const bytes = readFileSync(path);
  const page = Math.floor(bytes.indexOf(aWaybill(1_020)) / 4_096);
  bytes.fill(0, page * 4_096, (page + 1) * 4_096);
  writeFileSync(path, bytes);
}

const kindsOf = (listener: Listener): Set<string> =>
  new Set(listener.events().map(({ type }) => /\.(\w+)\.v1$/.exec(type)?.[1] ?? type));

/** How the values of core members look, by their form. */
const forms: Readonly<Record<string, RegExp>> = {
  mask: /\*{3}/,
  token: /^t1\.[\w-]{8}\.[\w-]{22}$/,
  sealed: /^[\w-]{40,}$/,
};

interface Protected {
  readonly token?: string;
  readonly masked?: readonly { readonly text: string }[];
  readonly tokens?: readonly { readonly token: string }[];
  readonly sealed?: { readonly text: string };
}

/** Whatever stands in core members of an event, with the form that it must have. */
function coreValues({ data }: AnyEvent): readonly (readonly [string, string])[] {
  const { token, masked = [], tokens = [], sealed } = data as Protected;
  return [
    ...masked.map(({ text }) => ["mask", text] as const),
    ...[...tokens.map((one) => one.token), ...(token === undefined ? [] : [token])].map(
      (one) => ["token", one] as const,
    ),
    ...(sealed === undefined ? [] : [["sealed", sealed.text] as const]),
  ];
}

describe("R18 in a run with every policy, a view, all commands and a damaged ledger", () => {
  it("R18 every member of every event is on the list, and core data are masks, tokens and sealed blobs alone", async () => {
    const { site, port, scanners } = await aSite();
    await probeRaw(site, scanners[0]!);
    const first = await start(site, scanners);
    await passAll(site, scanners);
    await command(site, "queue", "replay", "--from", "1", "--to", "2", "--broker", "central");
    await command(site, "keys", "rotate");
    await command(site, "erase", aWaybill(100));
    expect(await first.end("SIGTERM")).toBe(0);
    damage(site);

    const broker = await openMosquitto(["allow_anonymous true", "max_queued_messages 0"]);
    cleanups.push(() => broker.stop("SIGKILL"));
    const everybody = await listen(broker.port);
    const door = await openDoor(port, broker.port);
    cleanups.push(() => door.close());
    await start(site, scanners);
    await vi.waitFor(async () => {
      expect(kindsOf(everybody)).toEqual(new Set(Object.keys(eventFields)));
      for (const { queuedCount, salvagedCount } of (await askStatus(site)).brokers)
        expect([queuedCount, salvagedCount]).toEqual([0, 0]);
    }, 30_000);

    expect(new Set(everybody.events().flatMap(unlisted))).toEqual(new Set());
    const core = everybody
      .events()
      .flatMap((event) => [...labelsOf(event)].filter(([, label]) => label?.class === "core"));
    expect(new Set(core.map(([path]) => path))).toEqual(
      new Set(["data.masked[].text", "data.token", "data.tokens[].token", "data.sealed.text"]),
    );
    const values = everybody.events().flatMap(coreValues);
    expect(values.filter(([form, value]) => !forms[form]!.test(value))).toEqual([]);
    expect(new Set(values.map(([form]) => form))).toEqual(new Set(Object.keys(forms)));
    const search = createSecretSearch(Object.values(person));
    for (const { topic, text } of everybody.messages) expect(search.in(Buffer.from(text)), topic).toEqual([]);
  });
});

const document = readFileSync(new URL("../../docs/privacy.md", import.meta.url), "utf8");

/** The config of both brokers and the rights at them, as docs/privacy.md has them. */
function documented(): { readonly brokers: string; readonly rights: string } {
  const part = document.slice(document.indexOf("**One broker for both.**"), document.indexOf("**What two partners"));
  const [, brokers = ""] = /```toml\n([\s\S]*?)```/.exec(part) ?? [];
  const [, rights = ""] = /```\n(user [\s\S]*?)```/.exec(part) ?? [];
  return { brokers, rights };
}

/** A mosquitto with the rights that are documented, and a gateway that is configured as documented. */
async function aGuardedSite() {
  const { brokers, rights } = documented();
  const dir = mkdtempSync(join(tmpdir(), "sortgate-rights-"));
  const accounts = ["gateway", "gateway-partner", "centre", "partner"];
  writeFileSync(join(dir, "acl"), rights);
  writeFileSync(join(dir, "passwords"), "");
  for (const name of accounts)
    execFileSync("mosquitto_passwd", ["-b", join(dir, "passwords"), name, `${name} 1`], { stdio: "pipe" });
  const [broker, scanner] = await Promise.all([
    openMosquitto(["allow_anonymous false", `password_file ${dir}/passwords`, `acl_file ${dir}/acl`]),
    openTcpScanner(),
  ]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const rest = oneScanner(scanner.port).replace("[guard]", '[guard]\ncore = "mask"');
  const site = makeSite({ brokerUrl: url, rest });
  const [central] = /\[\[broker\]\]\n(?:.+\n)+/.exec(readFileSync(site.configPath, "utf8")) ?? [];
  const urls = brokers.replaceAll(/^url = .*$/gm, `url = "${url}"`);
  site.configure(readFileSync(site.configPath, "utf8").replace(central!, urls));
  for (const name of accounts.slice(0, 2))
    writeFileSync(join(site.dir, `${name}.password`), `${name} 1\n`, { mode: 0o600 });
  cleanups.push(
    () => rmSync(dir, { recursive: true }),
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => scanner.close(),
  );
  const account = (username: string): Account => ({ username, password: `${username} 1` });
  const [centre, partner] = await Promise.all(["centre", "partner"].map((name) => listen(broker.port, account(name))));
  const daemon = await start(site, [scanner]);
  return { site, scanner, daemon, centre: centre!, partner: partner! };
}

describe("R18 at one broker, with the rights of docs/privacy.md", () => {
  it("R18 a partner that asks for everything gets views alone, and the centre the events; neither gets the other's", async () => {
    const { site, scanner, daemon, centre, partner } = await aGuardedSite();
    scanner.send(framed(label(aWaybill(1))));
    scanner.send(framed(aWaybill(2)));
    await vi.waitFor(async () => {
      const { queue, brokers } = await askStatus(site);
      expect(brokers.map(({ name, deliveredTo }) => [name, deliveredTo])).toEqual([
        ["central", queue.last],
        ["partner", queue.last],
      ]);
      expect(centre.events().filter(({ type }) => type === "org.sortgate.read.v1")).toHaveLength(2);
      expect(partner.sequences()).toEqual(centre.sequences());
    }, 20_000);
    expect(centre.messages.filter(({ topic }) => !topic.startsWith("sortgate/HZ01/line-3/"))).toEqual([]);
    expect(partner.messages.filter(({ topic }) => !topic.startsWith("partner/HZ01/line-3/"))).toEqual([]);
    expect(kindsOf(partner)).toEqual(new Set(["epoch", "view"]));
    expect(kindsOf(centre)).not.toContain("view");
    const search = createSecretSearch([...Object.values(person), aWaybill(1), aWaybill(2)]);
    for (const { topic, text } of partner.messages) {
      expect(search.in(Buffer.from(text)), topic).toEqual([]);
      expect(text).not.toMatch(/"(?:masked|tokens|sealed|label)"/);
    }
    expect(centre.messages.some(({ text }) => text.includes('"masked"') && text.includes(aWaybill(1)))).toBe(true);

    // Neither connection takes the other's place.
    expect(logLines(daemon).filter(({ name }) => name === "broker/down")).toEqual([]);

    const forged = await partner.client.publishAsync("sortgate/HZ01/line-3/read/tunnel-1", "{}", { qos: 1 }).then(
      () => "taken",
      ({ code }: { code?: number }) => code,
    );
    expect(forged).toBe(135);
    expect(centre.messages.some(({ text }) => text === "{}")).toBe(false);
  });
});
