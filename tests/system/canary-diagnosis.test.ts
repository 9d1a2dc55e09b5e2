import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { commands } from "../../src/cli/commands/index.ts";
import { aPerson, asUtf8, createSecretSearch, filesBelow, type Person, personalCodes, vCard } from "../fakes/canary.ts";
import {
  askStatus,
  aWaybill,
  type Daemon,
  framed,
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
import { freePort, openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterAll(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
}, 60_000);

/** What becomes of core data and of the number, each at a read point of its own. */
const policies = ["drop", "mask", "token", "seal"] as const;
type PolicyName = (typeof policies)[number];

const people = [31, 32, 33, 34].map(aPerson);
const search = createSecretSearch(people.flatMap((person) => Object.values(person)));

interface Rig {
  readonly site: Site;
  readonly env: NodeJS.ProcessEnv;
  readonly httpPort: number;
  readonly scanners: Readonly<Record<PolicyName, TcpScanner>>;
  readonly subscriber: Subscriber;
  daemon: Daemon;
}

/** All that was said anywhere, by where. */
const written: { readonly where: string; readonly bytes: Buffer }[] = [];
const keep = (where: string, bytes: Uint8Array | string): void =>
  void written.push({ where, bytes: Buffer.from(bytes as string) });

/** A box whose clock a time server sets, as far as its command says: only then events grow old. */
function boxWithTime(dir: string): NodeJS.ProcessEnv {
  const [bin, home, tmp] = ["bin", "home", "tmp"].map((name) => join(dir, name)) as [string, string, string];
  for (const folder of [bin, home, tmp]) mkdirSync(folder);
  const command = join(bin, "timedatectl");
  writeFileSync(command, "#!/bin/sh\necho NTP=yes\necho NTPSynchronized=yes\n");
  chmodSync(command, 0o755);
  return { ...process.env, PATH: `${bin}:${process.env.PATH}`, HOME: home, TMPDIR: tmp, SORTGATE_DEBUG: "1" };
}

const sections = (name: PolicyName, port: number): string => `
[[read_point]]
name = "at-${name}"
depart_ms = 50
[[device]]
name = "${name}"
read_point = "at-${name}"
driver = "tcp"
host = "127.0.0.1"
port = ${port}
profile = "stx-etx-barcode"
[[guard.policy]]
read_point = "at-${name}"
core = "${name}"
basic = "${name === "drop" ? "clear" : name}"
`;

async function openRig(): Promise<Rig> {
  const broker = await openMosquitto(["allow_anonymous true", "max_queued_messages 0"]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const [subscriber, httpPort, ...opened] = await Promise.all([
    openSubscriber(url),
    freePort(),
    ...policies.map(() => openTcpScanner()),
  ]);
  const scanners = Object.fromEntries(policies.map((name, index) => [name, opened[index]!])) as Rig["scanners"];
  const site = makeSite({
    brokerUrl: url,
    control: `http = "127.0.0.1:${httpPort}"`,
    rest: [
      '[log]\nlevel = "debug"\n[queue]\nretain_days = 0\n[guard]\ncarriers = ["sf", "s10", "sscc"]\nseal_key_file = "centre.pem"',
      ...policies.map((name) => sections(name, scanners[name].port)),
    ].join("\n"),
  });
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  writeFileSync(join(site.dir, "centre.pem"), publicKey.export({ type: "spki", format: "pem" }));
  const env = boxWithTime(site.dir);
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
    ...opened.map((scanner) => () => scanner.close()),
  );
  return { site, env, httpPort, scanners, subscriber, daemon: await startOn(site, env, opened) };
}

/** Starts a daemon that may leave a dump as large as it likes, in the folder of its site. */
async function startOn(site: Site, env: NodeJS.ProcessEnv, scanners: readonly TcpScanner[]): Promise<Daemon> {
  const under = ["sh", "-c", 'ulimit -c unlimited && cd "$0" && exec "$@"', site.dir];
  const daemon = await startDaemon(site, env, { under });
  cleanups.push(() => daemon.end("SIGKILL"));
  await Promise.all(scanners.map((scanner) => scanner.connected()));
  return daemon;
}

let parcelCount = 0;

/** Sends all personal data of somebody past every read point, alone and on labels with a number. */
async function plant({ scanners, subscriber }: Rig, person: Person): Promise<void> {
  const { hanName, mobile, address, email, identity } = person;
  const reads = subscriber.codes().length;
  const label = { receiver: { name: hanName, tel: mobile, address }, email, id: identity };
  let sentCount = 0;
  for (const name of policies) {
    const waybillNo = aWaybill(parcelCount++);
    const labelled = asUtf8(JSON.stringify({ waybillNo, ...label }));
    const codes = [
      ...personalCodes(person),
      vCard(person),
      labelled,
      `${asUtf8(hanName)} ${mobile} ${aWaybill(parcelCount++)}`,
    ];
    for (const code of codes) scanners[name].send(framed(code));
    sentCount += codes.length;
  }
  await vi.waitFor(() => expect(subscriber.codes().length).toBe(reads + sentCount), 30_000);
}

/** Commands that ask a box that runs, or look at its files; each is run twice, for a person and for a program. */
const diagnosis =
  "status;queue stats;queue peek;queue verify;queue replay --from 1 --to 9 --broker central --reason T-1;devices;check;policy show;keys show;keys csr;keys rotate".split(
    ";",
  );

/** All that somebody does who looks for what is wrong with a box, or is asked to erase. */
async function diagnose({ site, env, httpPort, scanners }: Rig): Promise<void> {
  const run = async (line: string, where = ["--config", site.configPath]): Promise<string> => {
    const done = await runCommand([...line.split(" "), ...where], env);
    keep(`command ${line}`, Buffer.concat([...done.chunks]));
    expect({ line, code: done.code, said: done.chunks.length > 0 }).toEqual({ line, code: 0, said: true });
    return done.stdout;
  };
  // A number of somebody who has a token, and two of parcels.
  for (const line of [`erase ${people[0]!.mobile}`, `erase ${aWaybill(0)}`, `erase ${aWaybill(1)} --json`])
    await run(`${line} --reason TICKET-1`);
  for (const line of diagnosis) for (const more of ["", " --json"]) await run(line + more);
  for (const more of ["", " --json"]) {
    const watching = startCommand(
      ["watch", "--count", "8", ...more.split(" ").filter(Boolean), "--config", site.configPath],
      env,
    );
    cleanups.push(() => watching.process.kill("SIGKILL"));
    const probing = startCommand(
      ["probe", "drop", "--count", "2", ...more.split(" ").filter(Boolean), "--config", site.configPath],
      env,
    );
    cleanups.push(() => probing.process.kill("SIGKILL"));
    await vi.waitFor(() => expect(probing.said.stderr).toContain("is open"), 30_000);
    await vi.waitFor(() => {
      for (const name of policies) for (const code of personalCodes(people[1]!)) scanners[name].send(framed(code));
      expect(watching.process.exitCode).toBe(0);
    }, 30_000);
    keep(`command watch${more}`, Buffer.concat([...(await watching.finished).chunks]));
    keep(`command probe${more}`, Buffer.concat([...(await probing.finished).chunks]));
  }
  const exported = join(site.dir, "export.jsonl");
  writeFileSync(exported, await run("queue export --reason TICKET-1"));
  const trust = ["--trust", join(site.dataDir, "identity/device.crt")];
  for (const line of ["verify", "verify --json"]) await run(line, [exported, ...trust]);
  for (const path of ["metrics", "healthz", "readyz"])
    keep(`answer ${path}`, await (await fetch(`http://127.0.0.1:${httpPort}/${path}`)).text());
}

const dataOf = ({ subscriber }: Rig, type: string): Record<string, unknown>[] =>
  subscriber.messages
    .filter(({ topic }) => !topic.endsWith("/status"))
    .map(({ text }) => JSON.parse(text) as { type: string; data: Record<string, unknown> })
    .filter((event) => event.type === `org.sortgate.${type}.v1`)
    .map(({ data }) => data);

let rig: Rig;
let files: ReturnType<typeof filesBelow>;
beforeAll(async () => {
  rig = await openRig();
  await plant(rig, people[0]!);
  await diagnose(rig);
  expect(await rig.daemon.end()).toBe(0);
  keep("daemon", Buffer.concat([...rig.daemon.output.chunks]));
  // What every broker has goes as soon as the next run knows what time it is; secrets flow meanwhile.
  rig.daemon = await startOn(rig.site, rig.env, Object.values(rig.scanners));
  await plant(rig, people[2]!);
  const retention = expect.objectContaining({ reason: "retention" });
  await vi.waitFor(() => expect(dataOf(rig, "purge")).toContainEqual(retention), 30_000);
  await plant(rig, people[3]!);
  for (const { path, bytes } of filesBelow(rig.site.dataDir)) keep(`file ${path}`, bytes);
  rig.daemon.process.kill("SIGUSR1");
  await askStatus(rig.site);
  // A label that breaks off is in memory when it crashes.
  rig.scanners.seal.send(`\x02${people[3]!.mobile} ${people[3]!.latinName}`);
  await askStatus(rig.site);
  await rig.daemon.end("SIGABRT");
  files = filesBelow(rig.site.dir);
  keep("daemon", Buffer.concat([...rig.daemon.output.chunks]));
  for (const { path, bytes } of files) keep(`file ${path}`, bytes);
  for (const { topic, text } of rig.subscriber.messages) keep(`mqtt ${topic}`, text);
}, 300_000);

describe("R05 personal data through policies, a diagnosis, a purge and a crash", () => {
  it("R05 went all the way: as masks, tokens and sealed blobs, each at its own read point, and some of it was destroyed", () => {
    const reads = dataOf(rig, "read");
    const pointsWith = (member: string): unknown[] =>
      [...new Set(reads.filter((data) => member in data).map(({ readPoint }) => readPoint))].sort();
    expect(pointsWith("masked")).toEqual(["at-mask"]);
    expect(pointsWith("tokens")).toEqual(["at-token"]);
    expect(pointsWith("sealed")).toEqual(["at-seal"]);
    expect(pointsWith("code")).toEqual(["at-drop"]);
    expect(dataOf(rig, "purge")).toContainEqual(expect.objectContaining({ reason: "retention" }));
  });

  it("R05 met every command that asks a box: what is left makes files, signs, opens or runs elsewhere", () => {
    const met = new Set(written.flatMap(({ where }) => /^command (\w+)/.exec(where)?.[1] ?? []));
    const others = Object.keys(commands).filter((name) => !met.has(name));
    expect(others).toEqual(["init", "run", "order", "open", "simulate", "demo", "version"]);
  });

  it("R05 is nowhere: no file, dump, log, command, answer or event holds a piece of it", () => {
    expect(written.length).toBeGreaterThan(50);
    const found = written.flatMap(({ where, bytes }) => search.in(bytes).map((what) => `${where}: ${what}`));
    expect([...new Set(found)]).toEqual([]);
  }, 120_000);

  it("R39 the crash left a dump without memory in it, or none, and no signal wrote or opened anything", () => {
    const names = files.map(({ path }) => path.slice(rig.site.dir.length + 1));
    for (const { path, bytes } of files)
      if (/^core/.test(path.slice(rig.site.dir.length + 1))) expect(bytes.length).toBeLessThan(1_000_000);
    expect(names.filter((name) => /heapsnapshot|\.cpuprofile|report\.|isolate/.test(name))).toEqual([]);
    expect(rig.daemon.output.stderr).not.toMatch(/Debugger|inspector/i);
    expect(readFileSync(join(rig.site.dir, "sortgate.toml"), "utf8")).toContain("at-seal");
  });
});
