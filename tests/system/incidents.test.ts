import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { carrierNames } from "../../src/guard/settings.ts";
import { createSecretSearch } from "../fakes/canary.ts";
import {
  askStatus,
  type Daemon,
  framed,
  logLines,
  makeSite,
  openSubscriber,
  openTcpScanner,
  runCommand,
  type Site,
  type Subscriber,
  startCommand,
  startDaemon,
  type TcpScanner,
} from "../fakes/gateway.ts";
import { labelKinds, scanned } from "../fakes/labels.ts";
import { freePort, openDoor, openMosquitto } from "../fakes/mosquitto.ts";
import { openSerialLine, type SerialLine } from "../fakes/serial-line.ts";

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, 60_000);

/** Numbers of parcels and what else stands on their labels; short numbers are found in everything. */
const search = createSecretSearch(
  labelKinds.flatMap(({ expect: { code }, secrets }) => [code ?? "", ...secrets]).filter((text) => text.length > 4),
);

interface Rig {
  readonly site: Site;
  readonly scanner: TcpScanner;
  readonly serial: SerialLine;
  readonly subscriber: Subscriber;
  readonly env: NodeJS.ProcessEnv;
  /** Lets the daemon to its broker. */
  readonly openDoor: () => Promise<void>;
}

async function openRig(): Promise<Rig> {
  const [port, scanner, serial, broker] = await Promise.all([
    freePort(),
    openTcpScanner(),
    openSerialLine(),
    openMosquitto(["allow_anonymous true", "max_queued_messages 0"]),
  ]);
  const subscriber = await openSubscriber(`mqtt://127.0.0.1:${broker.port}`);
  const device = (name: string, lines: string): string =>
    `[[read_point]]\nname = "at-${name}"\ndepart_ms = 50\n[[device]]\nname = "${name}"\nread_point = "at-${name}"\n${lines}\n`;
  const site = makeSite({
    brokerUrl: `mqtt://127.0.0.1:${port}`,
    rest: [
      `[log]\nlevel = "debug"\n[queue]\nretain_days = 0\n[guard]\ncarriers = ${JSON.stringify(carrierNames)}\ncore = "seal"\nseal_key_file = "none.pem"`,
      device("tcp", `driver = "tcp"\nhost = "127.0.0.1"\nport = ${scanner.port}\nprofile = "stx-etx-barcode"`),
      device("serial", `driver = "serial"\npath = "${serial.path}"\nprofile = "line-barcode"`),
    ].join("\n"),
  });
  const bin = join(site.dir, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "timedatectl"), "#!/bin/sh\necho NTP=yes\necho NTPSynchronized=yes\n");
  chmodSync(join(bin, "timedatectl"), 0o755);
  const rig: Rig = {
    ...{ site, scanner, serial, subscriber },
    env: { ...process.env, PATH: `${bin}:${process.env.PATH}` },
    openDoor: async () => {
      const door = await openDoor(port, broker.port);
      cleanups.push(() => door.close());
    },
  };
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
    () => scanner.close(),
    () => serial.close(),
  );
  return rig;
}

const daemons: Daemon[] = [];

async function start({ site, env, scanner }: Rig): Promise<Daemon> {
  const daemon = await startDaemon(site, env);
  daemons.push(daemon);
  cleanups.push(() => daemon.end("SIGKILL"));
  await scanner.connected();
  await deviceIs(site, "serial", "up");
  return daemon;
}

const deviceIs = (site: Site, name: string, state: string): Promise<void> =>
  vi.waitFor(async () => {
    expect((await askStatus(site)).devices.find((device) => device.name === name)).toMatchObject({ state });
  }, 60_000);

/** Every label past the scanner; some in pieces, one that breaks off, one too long. */
function passAll({ scanner, serial }: Rig): void {
  for (const label of labelKinds) {
    const code = scanned(label).toString("latin1");
    scanner.send(framed(code));
    scanner.send(`\x02${code}\x02`);
    scanner.send(framed(`${code}\x1b[31m`));
    serial.write(`${code.repeat(60)}\r\n`);
  }
}

interface StoredEvent {
  readonly type: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What the chain tells beside what was read. */
const incidents = ({ subscriber }: Rig): StoredEvent[] =>
  subscriber.messages
    .filter(({ topic }) => !topic.endsWith("/status"))
    .map(({ text }) => JSON.parse(text) as StoredEvent)
    .filter(({ type }) => !/\.(?:read|pass|noread)\.v1$/.test(type));

const settled = (rig: Rig): Promise<void> =>
  vi.waitFor(async () => {
    const { queue, brokers } = await askStatus(rig.site);
    expect([queue.uncommittedCount, brokers[0]!.queuedCount]).toEqual([0, 0]);
  }, 60_000);

/** One bit in an event of a number that was read. */
function damage({ site }: Rig): void {
  const path = join(site.dataDir, "ledger.db");
  const bytes = readFileSync(path);
  const number = labelKinds[0]!.expect.code!;
  expect(bytes.includes(number)).toBe(true);
  bytes[bytes.indexOf(number) + 5]! ^= 1;
  writeFileSync(path, bytes);
}

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
  // Its broker is away at first.
  const first = await start(rig);
  passAll(rig);
  await rig.serial.unplug();
  await deviceIs(rig.site, "serial", "down");
  await rig.serial.replug();
  await deviceIs(rig.site, "serial", "up");
  const args = ["probe", "tcp", "--count", "1", "--raw", "--reason", "TICKET-7", "--config", rig.site.configPath];
  const probing = startCommand(args, rig.env);
  await vi.waitFor(() => expect(probing.said.stderr).toContain("is open"), 30_000);
  passAll(rig);
  await probing.finished;
  expect((await runCommand(["keys", "rotate", "--reason", "TICKET-8", "--config", rig.site.configPath])).code).toBe(0);
  expect(await first.end()).toBe(0);
  // It was never at a broker: what is damaged now is lost, and told.
  damage(rig);
  const second = await start(rig);
  await rig.openDoor();
  passAll(rig);
  await settled(rig);
  await second.end("SIGKILL");
  // The next run knows what time it is, and what every broker has goes.
  await start(rig);
  await vi.waitFor(() => expect(incidents(rig).map(({ type }) => type)).toContain("org.sortgate.purge.v1"), 60_000);
  passAll(rig);
  await settled(rig);
  expect(await daemons[2]!.end()).toBe(0);
}, 300_000);

describe("R31 what is told of an incident", () => {
  it("R31 was told: alarms, audits, gaps, devices, purges, and lines of the log", () => {
    const types = new Set(incidents(rig).map(({ type }) => type.split(".")[2]));
    expect([...types]).toEqual(expect.arrayContaining(["alarm", "audit", "gap", "device", "purge", "epoch"]));
    const actions = new Set(incidents(rig).map(({ data }) => data.action));
    expect([...actions]).toEqual(expect.arrayContaining(["probe-raw", "labels"]));
    const names = new Set(daemons.flatMap((daemon) => logLines(daemon).map(({ name }) => name)));
    const expected = ["guard/unsealed", "device/down", "broker/down", "ledger/damaged", "ledger/purged"];
    expect([...names]).toEqual(expect.arrayContaining(expected));
  });

  it("R31 holds no number of a parcel in clear, and nothing of a label", () => {
    const found = incidents(rig).flatMap((event) =>
      search.in(Buffer.from(JSON.stringify(event))).map((what) => `${event.type}: ${what}`),
    );
    const lines = daemons.flatMap((daemon) => search.in(Buffer.concat([...daemon.output.chunks])));
    expect([...new Set(found), ...new Set(lines)]).toEqual([]);
  });

  it("R31 holds it in the events of what was read, so it was there", () => {
    const all = Buffer.from(rig.subscriber.messages.map(({ text }) => text).join("\n"));
    expect(search.in(all).some((what) => what.startsWith(labelKinds[0]!.expect.code!))).toBe(true);
  });
});
