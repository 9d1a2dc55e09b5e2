import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { openVirtualReader, type VirtualReader } from "../../simulator/virtual-reader.ts";
import type { DeviceStatus } from "../../src/control/index.ts";
import {
  aPerson,
  asGb18030,
  asTagMemory,
  asUtf8,
  createSecretSearch,
  filesBelow,
  type Person,
  personalCodes,
  vCard,
} from "../fakes/canary.ts";
import {
  askStatus,
  aWaybill,
  type Daemon,
  framed,
  logLines,
  makeSite,
  openTcpScanner,
  type Running,
  runCommand,
  type Said,
  type Site,
  startCommand,
  startDaemon,
  type TcpScanner,
} from "../fakes/gateway.ts";
import { freePort, type Mosquitto, openMosquitto } from "../fakes/mosquitto.ts";
import { openSerialLine, type SerialLine } from "../fakes/serial-line.ts";

/** On a busy machine a device may open only at the third attempt; nothing here is about time. */
const patienceMs = 90_000;

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, 60_000);

/** One for each time that everything is planted, one whose data name the reader, and one in requests and arguments. */
const people = [11, 12, 13, 14, 15].map(aPerson);
const [readerPerson, askingPerson] = [aPerson(16), aPerson(17)];
const passwords = { broker: "Pz7-geheim-broker-41", reader: "Qx9-geheim-reader-52" };
const search = createSecretSearch([
  ...[...people, readerPerson, askingPerson].flatMap((person) => Object.values(person)),
  ...Object.values(passwords),
]);

interface Rig {
  readonly site: Site;
  readonly env: NodeJS.ProcessEnv;
  readonly httpPort: number;
  readonly brokerLines: readonly string[];
  readonly brokerDir: string;
  readonly serial: SerialLine;
  readonly tcp: TcpScanner;
  readonly rfid: TcpScanner;
  readonly reader: VirtualReader;
  broker: Mosquitto;
}

/** All that was written anywhere, by where. */
const written: { readonly where: string; readonly bytes: Buffer }[] = [];
const keep = (where: string, bytes: Uint8Array | string): void => {
  written.push({ where, bytes: Buffer.from(bytes as string) });
};
const keepSaid = (where: string, { chunks }: Said): void => keep(where, Buffer.concat(chunks));
const everything = (prefix: string): string =>
  written
    .filter(({ where }) => where.startsWith(prefix))
    .map(({ bytes }) => bytes.toString())
    .join("\n");

const folder = (name: string): string => {
  const dir = mkdtempSync(join(tmpdir(), `sortgate-${name}-`));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
};

async function openBroker() {
  const [dir, secrets] = [folder("broker"), folder("passwords")];
  const file = join(secrets, "passwords");
  const login = ["-b", "-c", file, "sortgate", passwords.broker];
  execFileSync("mosquitto_passwd", login, { stdio: "pipe" });
  const lines = [
    `password_file ${file}`,
    "allow_anonymous false",
    "max_queued_messages 0",
    "persistence true",
    `persistence_location ${dir}/`,
  ];
  writeFileSync(join(secrets, "broker"), `${passwords.broker}\n`, { mode: 0o600 });
  writeFileSync(join(secrets, "reader"), `${passwords.reader}\n`, { mode: 0o600 });
  return { dir, secrets, lines, broker: await openMosquitto(lines) };
}

async function openRig(): Promise<Rig> {
  const readerDir = folder("reader");
  const [{ dir: brokerDir, secrets, lines: brokerLines, broker }, serial, tcp, rfid, reader, httpPort] =
    await Promise.all([
      openBroker(),
      openSerialLine(),
      openTcpScanner(),
      openTcpScanner(),
      openVirtualReader({
        port: 0,
        name: `${readerPerson.hanName} ${readerPerson.mobile} ${readerPerson.email}`,
        stateDir: readerDir,
        security: "sign-and-encrypt",
        login: { username: "sortgate", password: passwords.reader },
      }),
      freePort(),
    ]);
  cleanups.push(
    () => reader.close(),
    () => serial.close(),
    () => tcp.close(),
    () => rfid.close(),
  );
  const device = (name: string, lines: string): string =>
    `[[read_point]]\nname = "at-${name}"\ndepart_ms = 50\n[[device]]\nname = "${name}"\nread_point = "at-${name}"\n${lines}\n`;
  const onTcp = (port: number, profile: string): string =>
    `driver = "tcp"\nhost = "127.0.0.1"\nport = ${port}\nprofile = "${profile}"`;
  const site = makeSite({
    brokerUrl: `mqtt://127.0.0.1:${broker.port}`,
    broker: `username = "sortgate"\npassword_file = "${join(secrets, "broker")}"`,
    control: `http = "127.0.0.1:${httpPort}"`,
    rest: [
      '[log]\nlevel = "debug"',
      '[guard]\ncarriers = ["sf", "yto", "zto", "sto", "yunda", "jd", "jt", "ems", "deppon", "cainiao", "ups", "usps", "fedex", "s10", "sscc"]',
      device("serial", `driver = "serial"\npath = "${serial.path}"\nprofile = "line-barcode"`),
      device("tcp", onTcp(tcp.port, "stx-etx-barcode")),
      device("rfid", onTcp(rfid.port, "line-rfid")),
      device(
        "opcua",
        `driver = "opcua"\nendpoint = "${reader.endpoint}"\nserver_cert_file = "${reader.certificateFile}"\nscan_start = true\nusername = "sortgate"\npassword_file = "${join(secrets, "reader")}"`,
      ),
    ].join("\n"),
  });
  cleanups.push(() => site.remove());
  // Whatever a library writes beside the data directory is to be found too.
  const env = { ...process.env, HOME: join(site.dir, "home"), TMPDIR: join(site.dir, "tmp") };
  for (const dir of [env.HOME, env.TMPDIR]) mkdirSync(dir);
  const rig = { site, env, httpPort, brokerLines, brokerDir, serial, tcp, rfid, reader, broker };
  cleanups.push(() => rig.broker.stop("SIGKILL"));
  return rig;
}

/** Follows every topic of the broker; what it says when it is away is kept for it. */
async function followBroker({ broker }: Rig): Promise<void> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, {
    username: "sortgate",
    password: passwords.broker,
    protocolVersion: 5,
    clientId: "canary",
    clean: false,
    properties: { sessionExpiryInterval: 3_600 },
    reconnectPeriod: 100,
  });
  cleanups.push(() => client.endAsync(true));
  client.on("error", () => {});
  client.on("message", (topic, payload, packet) => {
    keep("mqtt topic", topic);
    keep("mqtt payload", payload);
    keep("mqtt properties", JSON.stringify(packet.properties ?? {}));
  });
  await client.subscribeAsync("#", { qos: 1 });
}

/** How many events with a token each device must have made by now. */
const planted = { serial: 0, tcp: 0, rfid: 0, opcua: 0 };
let waybillCount = 0;

/**
 * Sends all personal data of somebody over every wire: as codes, and as what comes to nothing.
 *
 * No device sends a code twice: whether that is one pass or two hangs on how long the machine stalls in between.
 */
function plant({ serial, tcp, rfid, reader }: Rig, person: Person): void {
  const { hanName, latinName, mobile, tagMobile, landline, identity, card, address, email } = person;
  const codes = personalCodes(person);
  const card_ = vCard(person);
  const all = asUtf8(Object.values(person).join(" "));
  const junk = [
    `${mobile}\0${latinName}`,
    `\x1b[31m${all}`,
    `${all} `.repeat(40).padEnd(4_200, "-"),
    asGb18030(address),
  ];
  const waybill = aWaybill(waybillCount++);

  for (const code of [...codes, ...card_.split("\r\n"), waybill]) serial.write(`${code}\r\n`);
  for (const text of junk.slice(0, 3)) serial.write(`${text}\r\n`);
  planted.serial += codes.length + card_.split("\r\n").length;

  for (const code of [...codes, card_, waybill]) tcp.send(framed(code));
  for (const text of junk.slice(0, 3)) tcp.send(framed(text));
  for (const text of junk) tcp.send(`${text}\r\n`);
  // Two labels that break off, and one that does not.
  tcp.send(`\x02${identity}\x02${all}\x02${card}${mobile}\x03\r\n`);
  planted.tcp += codes.length + 2;

  const tags = [
    asTagMemory(tagMobile),
    `${asTagMemory(mobile)},1,-55.5`,
    `tag_id=${asTagMemory(landline)}, owner=${asUtf8(hanName)}, antenna=${mobile}, rssi=${card}, ${identity}=${email}`,
    identity.padEnd(24, "0"),
    identity,
    landline,
  ];
  for (const line of [...tags, mobile, email, asUtf8(address), ...junk.slice(0, 3)]) rfid.send(`${line}\r\n`);
  planted.rfid += tags.length;

  reader.raise([{ epcHex: asTagMemory(tagMobile), antenna: 1, rssiDbm: -50 }]);
  reader.raiseOptical(codes.map((text) => ({ text, codeType: `${hanName}${mobile}`, symbology: email })));
  reader.raiseOptical([hanName, address, card_, `${identity}\0`].map((text) => ({ text: `${text}\x07` })));
  planted.opcua += 1 + codes.length;
}

interface StoredEvent {
  readonly sequence: string;
  readonly type: string;
  readonly data: {
    readonly device?: string;
    readonly token?: string;
    readonly code?: string;
    readonly codeClass?: string;
    readonly label?: object;
  };
}

/** What the ledger holds, by what an export of it says. */
async function storedEvents({ site, env }: Rig): Promise<StoredEvent[]> {
  const exported = await runCommand(["queue", "export", "--reason", "TICKET-1", "--config", site.configPath], env);
  expect(exported.code).toBe(0);
  keepSaid("command export", exported);
  return exported.stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as StoredEvent);
}

/** Labels that left as a token; of one with an SSCC that number is taken out, and nothing else of it. */
function labelsByDevice(events: readonly StoredEvent[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { data } of events)
    if ((data.token !== undefined || data.label !== undefined) && data.device !== undefined)
      counts[data.device] = (counts[data.device] ?? 0) + 1;
  return counts;
}

/** What the runs of the daemon before this one had opened, which its counters no longer tell. */
const openedBefore = { serial: 0, tcp: 0, rfid: 0, opcua: 0 };

/** Waits until everything that was planted has become an event, and is on disk. */
async function settled({ site }: Rig): Promise<void> {
  const expected = { ...planted, serial: planted.serial + waybillCount, tcp: planted.tcp + waybillCount };
  await vi.waitFor(async () => {
    const { readPoints, queue } = await askStatus(site);
    const opened = { ...openedBefore };
    for (const { name, openedCount } of readPoints) opened[name.slice(3) as keyof typeof opened] += openedCount;
    expect(opened).toEqual(expected);
    expect(queue.uncommittedCount).toBe(0);
  }, patienceMs);
}

function searchFiles({ site, brokerDir }: Rig, when: string): void {
  for (const { path, bytes } of [...filesBelow(site.dir), ...filesBelow(brokerDir)])
    keep(`file ${when} ${path}`, bytes);
}

/** The environment and command line of a process and its children. */
function keepProcess(pid: number): void {
  for (const name of ["environ", "cmdline"]) keep(`process ${name}`, readFileSync(`/proc/${pid}/${name}`));
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const children = readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean);
    for (const child of children) keepProcess(Number(child));
  }
}

/** One request, byte by byte as given; keeps the whole answer. */
async function ask(where: { readonly path: string } | { readonly port: number }, bytes: string): Promise<string> {
  const socket = connect({ host: "127.0.0.1", ...where });
  const parts: Buffer[] = [];
  socket.on("data", (part) => parts.push(part)).on("error", () => {});
  // Not half closed: the daemon would take that for a client that has gone.
  socket.write(Buffer.from(bytes, "utf8"));
  await once(socket, "close");
  keep("answer", Buffer.concat(parts));
  return Buffer.concat(parts).toString();
}

/** Puts personal data into every part of a request. */
async function askWith({ site, httpPort }: Rig, { email, ...others }: Person): Promise<void> {
  const socket = { path: site.socketPath };
  const get = (target: string, more = ""): string =>
    `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${more}\r\n`;
  const post = (body: unknown): string => {
    const text = JSON.stringify(body);
    return `POST /keys/rotate HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`;
  };
  for (const secret of [...Object.values(others), email]) {
    const quoted = encodeURIComponent(secret);
    for (const where of [socket, { port: httpPort }])
      for (const bytes of [
        get(`/${quoted}`),
        get(`/status?${quoted}=1`),
        get("/healthz", `X-Name: ${secret}\r\n`),
        get("/metrics", `Host: ${secret}\r\n`),
        `${secret} / HTTP/1.1\r\n\r\n`,
        `${secret}\r\n\r\n`,
      ])
        await ask(where, bytes);
    for (const field of ["from", "limit"]) await ask(socket, get(`/queue/peek?${field}=${quoted}`));
    expect(await ask(socket, get(`/queue/events?reason=${quoted}`))).toContain(" 400 ");
    expect(await ask(socket, get(`/queue/events?reason=TICKET-1&purpose=${quoted}`))).toContain(" 400 ");
    expect(await ask(socket, post({ reason: secret }))).toContain(" 400 ");
    expect(await ask(socket, post({ [secret]: secret }))).toContain(" 400 ");
  }
  // A login may look like an e-mail address; nothing else of a person can be one.
  for (const secret of Object.values(others)) {
    const quoted = encodeURIComponent(secret);
    await ask(socket, get(`/queue/events?reason=TICKET-1&from=1&to=1&by=${quoted}&uid=${quoted}`));
  }
  expect(await ask(socket, post({ by: others.mobile, uid: others.identity }))).toContain(" 200 ");
}

/** Runs every command that asks the daemon, also with personal data where none belongs. */
async function commandWith({ site, env }: Rig, person: Person): Promise<void> {
  const { hanName, latinName, mobile, landline, email, address } = person;
  const sound = [["status"], ["status", "--json"], ["queue", "peek"], ["queue", "peek", "--json"], ["queue", "stats"]];
  const odd = [
    ["queue", "peek", "--from", mobile],
    ["queue", "peek", "--limit", hanName],
    ["queue", "export", "--from", latinName, "--reason", "TICKET-1"],
    ["queue", "export", "--reason", hanName],
    ["queue", "export", "--reason", `parcel of ${latinName}`],
    ["queue", "export", "--reason", landline],
    ["keys", "rotate", "--reason", `${address} ${email}`],
    ["watch", "--count", email],
    ["status", mobile],
  ];
  const run = async (args: readonly string[]): Promise<number | null> => {
    const done = await runCommand([...args, "--config", site.configPath], env);
    keepSaid(`command ${args.slice(0, 2).join(" ")}`, done);
    return done.code;
  };
  for (const args of [...sound, ["devices"], ["check"], ["queue", "verify"], ["keys", "show"]])
    expect([args, await run(args)]).toEqual([args, 0]);
  const [first, ...others] = odd;
  expect(await run(first!)).toBe(0);
  for (const args of others) expect([args, await run(args)]).toEqual([args, 2]);
}

/** A daemon whose named files hold personal data instead of certificates, keys and passwords. */
async function runWithWrongFiles({ env, reader }: Rig, person: Person): Promise<void> {
  const file = join(folder("wrong-files"), "file.pem");
  writeFileSync(file, Object.values(person).join("\n"), { mode: 0o600 });
  const site = makeSite({
    brokerUrl: `mqtts://127.0.0.1:${await freePort()}`,
    broker: ["username", "ca_file", "cert_file", "key_file", "password_file"]
      .map((key) => `${key} = "${file}"`)
      .join("\n"),
    rest: [
      '[[read_point]]\nname = "tunnel-1"\n[log]\nlevel = "debug"',
      `[[device]]\nname = "opcua"\nread_point = "tunnel-1"\ndriver = "opcua"\nendpoint = "${reader.endpoint}"\nserver_cert_file = "${file}"`,
    ].join("\n"),
  });
  cleanups.push(() => site.remove());
  for (const more of [[], ["--json"]]) {
    const checked = await runCommand(["check", ...more, "--config", site.configPath], env);
    expect(checked.code).toBe(1);
    keepSaid("command check of wrong files", checked);
  }
  const daemon = await startDaemon(site, env);
  cleanups.push(() => daemon.end("SIGKILL"));
  for (const name of ["broker/down", "device/down"])
    await vi.waitFor(() => expect(logLines(daemon).map((line) => line.name)).toContain(name), patienceMs);
  expect(await daemon.end()).toBe(0);
  keepSaid("daemon with wrong files", daemon.output);
  for (const { path, bytes } of filesBelow(site.dir)) keep(`file ${path}`, bytes);
}

async function startRun(rig: Rig): Promise<{ daemon: Daemon; watching: Running[] }> {
  const daemon = await startDaemon(rig.site, rig.env);
  cleanups.push(() => daemon.end("SIGKILL"));
  const watching = [[], ["--json"]].map((more) =>
    startCommand(["watch", ...more, "--config", rig.site.configPath], rig.env),
  );
  for (const { process } of watching) cleanups.push(() => process.kill("SIGKILL"));
  await Promise.all([rig.tcp.connected(), rig.rfid.connected()]);
  await vi.waitFor(async () => {
    const { devices, brokers } = await askStatus(rig.site);
    expect([...devices, ...brokers].filter(({ state }) => state !== "up")).toEqual([]);
  }, patienceMs);
  return { daemon, watching };
}

async function endRun({ daemon, watching }: { daemon: Daemon; watching: Running[] }, signal: NodeJS.Signals) {
  keepProcess(daemon.process.pid!);
  const code = await daemon.end(signal);
  keepSaid("daemon", daemon.output);
  for (const { process, finished } of watching) {
    process.kill("SIGTERM");
    keepSaid("command watch", await finished);
  }
  return code;
}

const deliveredTo = async ({ site }: Rig): Promise<void> => {
  await vi.waitFor(
    async () => expect((await askStatus(site)).brokers[0]).toMatchObject({ queuedCount: 0 }),
    patienceMs,
  );
};

let rig: Rig;
let events: StoredEvent[];
let lastDevices: readonly DeviceStatus[];
beforeAll(async () => {
  rig = await openRig();
  await followBroker(rig);
  let run = await startRun(rig);

  plant(rig, people[0]!);
  await settled(rig);
  searchFiles(rig, "while it runs");
  await commandWith(rig, askingPerson);
  await askWith(rig, askingPerson);

  await rig.broker.stop();
  plant(rig, people[1]!);
  await settled(rig);
  searchFiles(rig, "while the broker is away");
  rig.broker = await openMosquitto(rig.brokerLines, rig.broker.port);
  await deliveredTo(rig);

  plant(rig, people[2]!);
  await settled(rig);
  // Half a frame each is in memory when it dies.
  rig.serial.write(`${people[3]!.mobile} ${people[3]!.latinName}`);
  rig.tcp.send(`\x02${people[3]!.identity}`);
  await endRun(run, "SIGKILL");
  searchFiles(rig, "after kill -9");
  Object.assign(openedBefore, planted);
  for (const device of ["serial", "tcp"] as const) openedBefore[device] += waybillCount;

  run = await startRun(rig);
  // The half line may have stayed in the terminal; with this it is no code.
  rig.serial.write("\0\r\n");
  plant(rig, people[4]!);
  await settled(rig);
  events = await storedEvents(rig);
  lastDevices = (await askStatus(rig.site)).devices;
  await deliveredTo(rig);
  expect(await endRun(run, "SIGTERM")).toBe(0);
  searchFiles(rig, "after the stop");
  await rig.broker.stop();
  searchFiles(rig, "after the broker's stop");
  await runWithWrongFiles(rig, askingPerson);
}, 600_000);

describe("the search", () => {
  it("finds each secret in each form where it was written on purpose", () => {
    const dir = folder("proof");
    for (const [index, { bytes }] of search.needles.entries())
      writeFileSync(join(dir, String(index)), Buffer.concat([Buffer.alloc(7, "x"), bytes, Buffer.alloc(5, 0xff)]));
    const missed = filesBelow(dir).filter(({ path, bytes }) => {
      const { what } = search.needles[Number(path.slice(path.lastIndexOf("/") + 1))]!;
      return !search.in(bytes).includes(what);
    });
    expect(search.needles.length).toBeGreaterThan(500);
    expect(missed).toEqual([]);
  });

  it("looks where the traffic was: the waybills, which may be seen, are in every place that shows codes", () => {
    const waybill = aWaybill(0);
    for (const place of [
      "command export",
      "mqtt payload",
      "file while it runs",
      "file after kill -9",
      "file after the stop",
    ])
      expect([place, everything(place).includes(waybill)]).toEqual([place, true]);
    const tokens = [...new Set(events.map(({ data }) => data.token).filter((token) => token !== undefined))];
    for (const place of ["mqtt payload", "command watch", "command queue peek"])
      expect([place, tokens.some((token) => everything(place).includes(token!))]).toEqual([place, true]);
    expect(everything("daemon")).toContain('"gateway/ready"');
    expect(everything("process environ")).toContain(rig.site.dir);
    expect(everything("answer")).toContain("sortgate_device_up");
    expect(everything("mqtt topic")).toContain("sortgate/HZ01/line-3/status");
  });
});

describe("personal data that came in over every wire", () => {
  it("R05 went all the way: each label is an event with a token, or with the SSCC on it alone, by device", () => {
    expect(labelsByDevice(events)).toEqual(planted);
    expect(events.filter(({ data }) => data.code !== undefined && data.label === undefined)).toHaveLength(
      2 * waybillCount,
    );
    expect(new Set(events.flatMap(({ data }) => (data.label === undefined ? [] : [data.codeClass])))).toEqual(
      new Set(["sscc"]),
    );
    for (const { name, malformedCount } of lastDevices) expect([name, malformedCount]).not.toEqual([name, 0]);
  });

  it("is nowhere in what was written: files, logs, commands, answers, topics, payloads, processes", () => {
    const places = written.filter(({ bytes }) => bytes.length > 0);
    expect(places.length).toBeGreaterThan(500);
    const found = places.flatMap(({ where, bytes }) => search.in(bytes).map((what) => `${where}: ${what}`));
    expect([...new Set(found)]).toEqual([]);
  }, 60_000);
});

describe("probe on a device whose labels hold personal data", () => {
  const probe = async (...more: string[]): Promise<Said> => {
    const person = people[3]!;
    const codes = [...personalCodes(person), vCard(person)];
    const args = ["probe", "tcp", "--count", String(codes.length), "--config", rig.site.configPath, ...more];
    const running = startCommand(args, rig.env);
    await vi.waitFor(() => expect(running.said.stderr).toContain("is open"), patienceMs);
    for (const code of codes) rig.tcp.send(framed(code));
    return running.finished;
  };

  it(
    "shows nothing of it, as text and as JSON",
    async () => {
      for (const more of [[], ["--json"]]) {
        const said = await probe(...more);
        expect(said.stdout.length).toBeGreaterThan(1_000);
        expect(search.in(Buffer.concat([...said.chunks]))).toEqual([]);
        expect(search.in(Buffer.from(said.stdout.replaceAll(/(?<=[0-9A-F]{2}) (?=[0-9A-F]{2})/g, "")))).toEqual([]);
      }
    },
    2 * patienceMs,
  );

  it(
    "shows it with --raw, so it was there",
    async () => {
      const { stdout } = await probe("--raw", "--reason", "TICKET-7");
      const found = search.in(Buffer.from(stdout.replaceAll(/(?<=[0-9A-F]{2}) (?=[0-9A-F]{2})/g, "")));
      expect(found.some((what) => what.startsWith(people[3]!.mobile))).toBe(true);
      expect(found.some((what) => what.startsWith(people[3]!.hanName))).toBe(true);
    },
    patienceMs,
  );
});
