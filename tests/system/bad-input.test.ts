import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { createRandom } from "../../simulator/belt/random.ts";
import { openVirtualPlc } from "../../simulator/virtual-plc.ts";
import {
  askStatus,
  aWaybill,
  type Belt,
  type Daemon,
  framed,
  type LogLine,
  logLines,
  makeSite,
  openSubscriber,
  openTcpScanner,
  runCommand,
  type Site,
  type Subscriber,
  startBelt,
  startCommand,
  startDaemon,
  type TcpScanner,
} from "../fakes/gateway.ts";
import { freePort, makeCertificates, openMosquitto } from "../fakes/mosquitto.ts";
import { openSerialLine, type SerialLine } from "../fakes/serial-line.ts";

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, 60_000);

interface Rig {
  readonly site: Site;
  readonly daemon: Daemon;
  readonly subscriber: Subscriber;
  readonly good: TcpScanner;
  readonly belt: Belt;
  readonly framed: TcpScanner;
  readonly lines: TcpScanner;
  readonly tags: TcpScanner;
  readonly serial: SerialLine;
}

const table = (name: string, keys: Readonly<Record<string, string | number>>): string =>
  [`[[${name}]]`, ...Object.entries(keys).map(([key, value]) => `${key} = ${JSON.stringify(value)}`)].join("\n");

const onTcp = (name: string, port: number, profile: string, more: Record<string, string | number> = {}): string =>
  table("device", { name, read_point: "bad", driver: "tcp", host: "127.0.0.1", port, profile, ...more });

const onOpcua = (name: string, endpoint: string, mode: "autoid" | "tags"): string =>
  table("device", { name, read_point: "bad", driver: "opcua", endpoint, mode, security: "none" });

async function openBrokers() {
  const dir = mkdtempSync(join(tmpdir(), "sortgate-bad-"));
  cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  const certificates = makeCertificates();
  cleanups.push(() => rmSync(certificates.dir, { recursive: true, force: true }));
  const passwords = join(dir, "passwords");
  execFileSync("mosquitto_passwd", ["-b", "-c", passwords, "sortgate", "the right one"], { stdio: "pipe" });
  const wrong = join(dir, "wrong");
  writeFileSync(wrong, "not the right one\n", { mode: 0o600 });
  const [central, locked, expired] = await Promise.all([
    openMosquitto(["allow_anonymous true", "max_queued_messages 0"]),
    openMosquitto(["allow_anonymous false", `password_file ${passwords}`]),
    openMosquitto([
      "allow_anonymous true",
      `certfile ${certificates.expired.cert}`,
      `keyfile ${certificates.expired.key}`,
    ]),
  ]);
  cleanups.push(
    () => central.stop("SIGKILL"),
    () => locked.stop("SIGKILL"),
    () => expired.stop("SIGKILL"),
  );
  const bad = [
    table("broker", {
      name: "locked",
      url: `mqtt://127.0.0.1:${locked.port}`,
      username: "sortgate",
      password_file: wrong,
    }),
    table("broker", { name: "expired", url: `mqtts://127.0.0.1:${expired.port}`, ca_file: certificates.ca }),
    table("broker", {
      name: "no-key",
      url: `mqtts://127.0.0.2:${expired.port}`,
      cert_file: certificates.server.cert,
      key_file: wrong,
    }),
    table("broker", {
      name: "other-key",
      url: `mqtts://127.0.0.3:${expired.port}`,
      cert_file: certificates.server.cert,
      key_file: certificates.client.key,
    }),
    table("broker", { name: "refusing", url: `mqtt://127.0.0.1:${await freePort()}` }),
  ];
  return { url: `mqtt://127.0.0.1:${central.port}`, bad: bad.join("\n") };
}

async function openPlc() {
  const dir = mkdtempSync(join(tmpdir(), "sortgate-plc-"));
  const plc = await openVirtualPlc({ port: 0, stateDir: dir });
  cleanups.push(
    () => rmSync(dir, { recursive: true, force: true }),
    () => plc.close(),
  );
  return plc;
}

/** One daemon with one good scanner and one good broker among everything that is wrong with the others. */
async function openRig(): Promise<Rig> {
  const [brokers, plc, serial, good, framedScanner, lines, tags] = await Promise.all([
    openBrokers(),
    openPlc(),
    openSerialLine(),
    openTcpScanner(),
    openTcpScanner(),
    openTcpScanner(),
    openTcpScanner(),
  ]);
  for (const scanner of [good, framedScanner, lines, tags, serial]) cleanups.push(() => scanner.close());
  const subscriber = await openSubscriber(brokers.url);
  cleanups.push(() => subscriber.close());
  const site = makeSite({
    brokerUrl: brokers.url,
    control: `http = "127.0.0.1:${framedScanner.port}"`,
    rest: [
      brokers.bad,
      '[guard]\ncarriers = ["sf"]\n[log]\nlevel = "debug"',
      table("read_point", { name: "good" }),
      table("read_point", { name: "bad", depart_ms: 50 }),
      onTcp("scanner", good.port, "stx-etx-barcode").replace('"bad"', '"good"'),
      onTcp("framed", framedScanner.port, "stx-etx-barcode"),
      onTcp("lines", lines.port, "line-barcode"),
      onTcp("tags", tags.port, "line-rfid"),
      table("device", {
        name: "serial",
        read_point: "bad",
        driver: "serial",
        path: serial.path,
        profile: "line-barcode",
      }),
      table("device", {
        name: "absent",
        read_point: "bad",
        driver: "serial",
        path: "/dev/ttyUSB-absent",
        profile: "line-barcode",
      }),
      onTcp("refused", await freePort(), "line-barcode"),
      onTcp("taken", good.port, "line-barcode", { mode: "listen" }),
      `${onOpcua("lacking", plc.endpoint, "tags")}\n${table("device.tag", { code: "ns=1;s=Not.There", sequence: "ns=1;s=Nor.This" })}`,
      onOpcua("not-a-reader", plc.endpoint, "autoid"),
      onOpcua("no-server", `opc.tcp://127.0.0.1:${await freePort()}`, "autoid"),
    ].join("\n"),
  });
  cleanups.push(() => site.remove());
  const daemon = await startDaemon(site);
  cleanups.push(() => daemon.end("SIGKILL"));
  await Promise.all([good, framedScanner, lines, tags].map((scanner) => scanner.connected()));
  await vi.waitFor(async () => expect(await deviceOf(site, "serial")).toMatchObject({ state: "up" }), 10_000);
  const belt = startBelt(good, 20);
  cleanups.push(() => belt.stop());
  return { site, daemon, subscriber, good, belt, framed: framedScanner, lines, tags, serial };
}

async function deviceOf(site: Site, name: string) {
  const device = (await askStatus(site)).devices.find((one) => one.name === name);
  if (device === undefined) throw new Error(`status does not name ${name}`);
  return device;
}

let rig: Rig;
beforeAll(async () => {
  rig = await openRig();
}, 60_000);

/** The daemon is the same process, answers, and the good scanner's parcels of right now arrive. */
async function expectUndisturbed(): Promise<void> {
  expect(rig.daemon.process.exitCode).toBeNull();
  expect((await askStatus(rig.site)).gateway.ready).toBe(true);
  const number = rig.belt.passedCount() + 10;
  await vi.waitFor(() => expect(rig.subscriber.codes()).toContain(aWaybill(number)), 10_000);
}

/** The first log line of that name about that device or broker; it must be one sentence with a next step. */
async function told(name: string, about: Readonly<Record<string, string>>): Promise<LogLine> {
  const line = await vi.waitFor(() => {
    const found = logLines(rig.daemon).find((one) =>
      Object.entries({ name, ...about }).every(([key, value]) => one[key] === value),
    );
    if (found === undefined) throw new Error(`no ${name} about ${JSON.stringify(about)} yet`);
    return found;
  }, 20_000);
  expect(line.level).toBe("warn");
  expect(line.msg).toMatch(/^[^\n]{10,200}[^.]\. Try: [^\n]{5,}$/);
  expect(line.msg).not.toMatch(/\bat .+:\d+:\d+|Error:|undefined|\[object/);
  return line;
}

describe("what a wire brings", () => {
  it("random bytes on a serial line and on TCP are counted and come to nothing", async () => {
    const random = createRandom(7);
    const garbage = Uint8Array.from({ length: 65_536 }, () => random.between(0, 255));
    const scanners = [rig.framed, rig.lines, rig.tags];
    for (const scanner of scanners) await scanner.flood(garbage, 500_000);
    for (let at = 0; at < garbage.length; at += 4_096) rig.serial.write(garbage.subarray(at, at + 4_096));
    for (const name of ["framed", "lines", "tags", "serial"])
      await vi.waitFor(async () => {
        const { malformedCount, discardedByteCount } = await deviceOf(rig.site, name);
        expect(malformedCount + discardedByteCount).toBeGreaterThan(100);
      }, 10_000);
    // Each is in step again at the next good frame.
    rig.framed.send(`\x03${framed(aWaybill(800_001))}`);
    rig.lines.send(`\r\n${aWaybill(800_002)}\r\n`);
    rig.serial.write(`\r\n${aWaybill(800_003)}\r\n`);
    for (const number of [800_001, 800_002, 800_003])
      await vi.waitFor(() => expect(rig.subscriber.codes()).toContain(aWaybill(number)), 10_000);
    await expectUndisturbed();
  }, 60_000);

  it.each([
    ["framed", "\x02"],
    ["lines", ""],
  ] as const)(
    "100 MB without a delimiter cost no memory (%s)",
    async (name, start) => {
      const endless = Buffer.alloc(262_144, "1234567890");
      const before = await deviceOf(rig.site, name);
      const rssBefore = rssBytes(rig.daemon);
      let rssMax = 0;
      const sampler = setInterval(() => {
        rssMax = Math.max(rssMax, rssBytes(rig.daemon));
      }, 50);
      cleanups.push(() => clearInterval(sampler));
      const passedBefore = rig.belt.passedCount();
      rig[name].send(start);
      await rig[name].flood(endless, 100_000_000);
      await vi.waitFor(async () => {
        const { discardedByteCount } = await deviceOf(rig.site, name);
        expect(discardedByteCount - before.discardedByteCount).toBeGreaterThan(99_000_000);
      }, 30_000);
      clearInterval(sampler);
      expect(rssMax - rssBefore).toBeLessThan(60_000_000);
      const during = rig.belt.passedCount();
      expect(during).toBeGreaterThan(passedBefore);
      const codes = Array.from({ length: during }, (_, number) => aWaybill(number));
      await vi.waitFor(() => expect(rig.subscriber.codes()).toEqual(expect.arrayContaining(codes)), 10_000);
      rig[name].send(`\x03\r\n${framed(aWaybill(800_010))}${aWaybill(800_011)}\r\n`);
      await vi.waitFor(
        () => expect(rig.subscriber.codes()).toContain(aWaybill(name === "framed" ? 800_010 : 800_011)),
        10_000,
      );
      await expectUndisturbed();
    },
    60_000,
  );

  it("a frame over the limit is discarded and counted, and the next one is read", async () => {
    const before = (await deviceOf(rig.site, "framed")).discardedByteCount;
    rig.framed.send(framed("9".repeat(5_000)) + framed(aWaybill(800_020)));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toContain(aWaybill(800_020)), 10_000);
    expect((await deviceOf(rig.site, "framed")).discardedByteCount - before).toBe(5_002);
    await expectUndisturbed();
  }, 30_000);

  it("NUL and terminal escapes make a frame malformed and reach no output", async () => {
    const before = (await deviceOf(rig.site, "framed")).malformedCount;
    const hostile = ["\0\0\0", "SF1\x00000000000001", "\x1b[2J\x1b[31mred", "\x1b]0;title\x07", "\x9b2J\x07"];
    rig.framed.send(hostile.map(framed).join(""));
    await vi.waitFor(async () => {
      expect((await deviceOf(rig.site, "framed")).malformedCount - before).toBe(hostile.length);
    }, 10_000);
    const status = await runCommand(["status", "--config", rig.site.configPath]);
    const peek = await runCommand(["queue", "peek", "--config", rig.site.configPath]);
    for (const text of [rig.daemon.output.stdout, rig.daemon.output.stderr, status.stdout, peek.stdout])
      expect([..."\0\x07\x1b\x9b"].filter((control) => text.includes(control))).toEqual([]);
    await expectUndisturbed();
  }, 30_000);

  it("invalid UTF-8 and JSON with __proto__ are codes like any other: a token and a length", async () => {
    const codes = [
      '{"__proto__":{"polluted":true}}',
      "\xff\xfe\xc3\x28 \xed\xa0\x80",
      '{"constructor":{"prototype":{}}}',
    ];
    const from = rig.subscriber.messages.length;
    rig.framed.send(codes.map(framed).join(""));
    const lengths = (): unknown[] =>
      rig.subscriber.messages
        .slice(from)
        .filter(({ topic }) => topic.endsWith("/read/bad"))
        .map(({ text }) => JSON.parse(text).data)
        .filter((data) => data.token !== undefined && data.code === undefined)
        .map((data) => data.length);
    await vi.waitFor(() => expect(lengths()).toEqual(codes.map((code) => code.length)), 10_000);
    expect(rig.subscriber.messages.some(({ text }) => text.includes("polluted"))).toBe(false);
    await expectUndisturbed();
  }, 30_000);

  it("JSON with __proto__ to the control socket is refused with a sentence", async () => {
    const answer = await new Promise<{ status: number; body: string }>((resolve, reject) => {
      const asked = request(
        { socketPath: rig.site.socketPath, path: "/keys/rotate", method: "POST", agent: false },
        (response) => {
          let body = "";
          response
            .on("data", (chunk) => (body += chunk))
            .on("end", () => resolve({ status: response.statusCode!, body }));
        },
      ).on("error", reject);
      asked.end('{"__proto__":{"reason":"x"},"by":{"__proto__":1}}');
    });
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toMatchObject({
      error: { code: "usage/invalid", sentence: expect.any(String), hint: expect.any(String) },
    });
    await expectUndisturbed();
  }, 30_000);
});

describe("what cannot be reached", () => {
  it.each([
    ["absent", "unplugged", /There is no \/dev\/ttyUSB-absent/],
    ["refused", "refused", /127\.0\.0\.1 refuses connections at port \d+/],
    ["taken", "refused", /Port \d+ on 127\.0\.0\.1 is in use/],
    ["lacking", "error", /has no usable code node "ns=1;s=Not\.There"/],
    ["not-a-reader", "error", /is not an AutoID reader/],
    ["no-server", "error", /Nothing listens at opc\.tcp:/],
  ])(
    "device %s is told with a next step, and stands in status",
    async (device, reason, sentence) => {
      expect((await told("device/down", { device, reason })).msg).toMatch(sentence);
      expect(await deviceOf(rig.site, device)).toMatchObject({
        state: "down",
        problem: expect.stringMatching(sentence),
      });
      await expectUndisturbed();
    },
    40_000,
  );

  it.each([
    ["locked", "broker/refused", /does not allow us in|refuses the user name or password/],
    ["expired", "broker/tls", /shows a certificate that has expired/],
    ["no-key", "broker/tls", /cert_file and key_file cannot be used/],
    ["other-key", "broker/tls", /cert_file and key_file cannot be used/],
    ["refusing", "broker/unreachable", /refuses the connection/],
  ])(
    "broker %s is told with a next step, and stands in status",
    async (broker, code, sentence) => {
      expect((await told("broker/down", { broker, code })).msg).toMatch(sentence);
      const found = (await askStatus(rig.site)).brokers.find(({ name }) => name === broker);
      expect(found).toMatchObject({ state: "down", problem: expect.stringMatching(sentence) });
      expect(rig.daemon.output.stdout).not.toContain("not the right one");
      await expectUndisturbed();
    },
    40_000,
  );

  it("an http port that is in use is told with a next step", async () => {
    const { msg } = await told("control/refused", { code: "control/unusable" });
    expect(msg).toMatch(/port \d+ is in use\. Try: ss /);
    await expectUndisturbed();
  }, 40_000);

  it("not one line about it is anything but JSON, and stderr is empty", () => {
    expect(logLines(rig.daemon).length).toBeGreaterThan(10);
    expect(rig.daemon.output.stderr).toBe("");
  });
});

describe("a config that is none", () => {
  let dir: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "sortgate-config-"));
    chmodSync(dir, 0o755);
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
  });

  const write = (name: string, content: string | Uint8Array): string => {
    const path = join(dir, name);
    writeFileSync(path, content);
    return path;
  };

  it.each([
    ["a directory", () => mkdtempSync(join(dir, "folder-")), /directory/],
    ["absent", () => join(dir, "absent.toml"), /no such file/],
    ["below a file", () => join(write("file.toml", "x"), "sortgate.toml"), /no such file/],
    ["empty", () => write("empty.toml", ""), /empty/],
    ["10 MB long", () => write("long.toml", Buffer.alloc(10_000_000, "# all of this is a comment\n")), /larger than/],
    ["binary", () => write("binary.toml", Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 0)), /NUL/],
    ["not UTF-8", () => write("latin1.toml", Buffer.from('[gateway]\nsite = "M\xfcnchen"\n', "latin1")), /UTF-8/],
    ["UTF-16", () => write("utf16.toml", Buffer.from("\ufeff[gateway]\n", "utf16le")), /UTF-16/],
    ["a key __proto__", () => write("proto.toml", "[__proto__]\npolluted = true\n[gateway]\n"), /__proto__|proto/],
  ])(
    "%s: run ends with one sentence and a next step, and check says the same",
    async (_, make, sentence) => {
      const path = make();
      const [run, check] = await Promise.all([
        runCommand(["run", "--config", path]),
        runCommand(["check", "--config", path]),
      ]);
      expect([run.code, check.code]).toEqual([1, 1]);
      expect(run.stderr).toMatch(/^Error: [^\n]+\nTry: [^\n]+\n$/);
      expect(run.stderr).toMatch(sentence);
      expect(check.stdout).toMatch(sentence);
      expect(check.stdout).toContain("Try: ");
      expect(run.stdout + check.stderr).toBe("");
    },
    30_000,
  );

  it("that may not be read says whose right is missing", async () => {
    const path = write("secret.toml", "[gateway]\n");
    chmodSync(path, 0o000);
    const { code, stderr } = await asNobody(["run", "--config", path]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: [^\n]*may not read the file\nTry: [^\n]+\n$/);
  }, 30_000);
});

/** Runs a command as a user without rights; root would read everything. */
async function asNobody(args: readonly string[]): Promise<{ code: number | null; stderr: string }> {
  if (process.getuid?.() !== 0) return runCommand(args);
  const running = startCommand(args, process.env, ["setpriv", "--reuid", "65534", "--clear-groups"]);
  return running.finished;
}

function rssBytes({ process: { pid } }: Daemon): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
  return Number(kilobytes) * 1_024;
}
