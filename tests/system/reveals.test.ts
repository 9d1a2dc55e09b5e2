import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import {
  aWaybill,
  type Finished,
  framed,
  logLines,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function aRig() {
  const [broker, scanner] = await Promise.all([openMosquitto(), openTcpScanner()]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  const site = makeSite({ brokerUrl: url, rest: oneScanner(scanner.port) });
  const daemon = await startDaemon(site);
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => scanner.close(),
    () => subscriber.close(),
    () => daemon.end("SIGKILL"),
  );
  await scanner.connected();
  const run = (words: string, user = "alice"): Promise<Finished> =>
    runCommand([...words.split(" "), "--config", site.configPath], { ...process.env, SUDO_USER: user });
  return { scanner, subscriber, site, daemon, run };
}

interface Told {
  readonly action?: string;
  readonly alarm?: string;
  readonly by?: string;
  readonly reason?: string;
}

it("R40 the 1,001st number raises the alarm, in the chain and in status; the next export wants --confirm, and the chain tells it", async () => {
  const { scanner, subscriber, site, daemon, run } = await aRig();
  const told = (kind: "alarm" | "audit"): Told[] =>
    subscriber.messages
      .filter(({ topic }) => topic.endsWith(`/log/${kind}`))
      .map(({ text }) => (JSON.parse(text) as { data: Told }).data);
  const pass = async (from: number, to: number): Promise<void> => {
    for (let number = from; number <= to; number += 1) scanner.send(framed(aWaybill(number)));
    await vi.waitFor(() => expect(subscriber.codes()).toHaveLength(to), 30_000);
  };
  const numbersIn = ({ stdout }: Finished): number => new Set(stdout.match(/"code":"SF1\d{12}"/g)).size;

  await pass(1, 1_000);
  for (const reason of ["T-1", "T-2"]) expect(numbersIn(await run(`queue export --reason ${reason}`))).toBe(1_000);
  expect((await run("status")).code).toBe(0);

  await pass(1_001, 1_001);
  const over = await run("queue export --reason T-3");
  expect([over.code, numbersIn(over)]).toEqual([0, 1_001]);
  await vi.waitFor(() => expect(told("alarm")).toHaveLength(1), 10_000);
  const day = expect.stringMatching(/^\d{4}-\d\d-\d\d$/);
  const by = expect.stringMatching(/^alice as /);
  expect(told("alarm")).toEqual([{ alarm: "reveals", by, uid: String(process.getuid!()), count: 1_001, day }]);
  const logged = logLines(daemon).filter(({ name }) => name === "control/revealed");
  expect(logged).toMatchObject([{ level: "warn", by, count: 1_001 }]);
  expect(JSON.stringify([told("alarm"), logged])).not.toContain("SF1");
  const status = await run("status");
  expect(status.code).toBe(1);
  expect(status.stdout).toMatch(
    /^alice as \S+ \(uid \d+\) was given 1,001 numbers in clear on .*\n {2}Try: ask why; /m,
  );

  const refused = await run("queue export --reason T-4");
  expect([refused.code, refused.stdout]).toEqual([1, ""]);
  expect(refused.stderr).toMatch(
    /was given more than 1000 different numbers .*must be confirmed\nTry: add --confirm, .*: sortgate queue export --config \S+ --confirm --reason /,
  );
  expect(numbersIn(await run("queue export --reason T-5 --confirm"))).toBe(1_001);
  // An auditor is not held up, and neither is anybody else.
  expect((await run("queue verify")).code).toBe(0);
  expect(numbersIn(await run("queue export --reason T-6 --to 100", "bob"))).toBeGreaterThan(90);

  await vi.waitFor(() => expect(told("audit").map(({ reason }) => reason)).toContain("T-6"), 10_000);
  const exports = told("audit").filter(({ action }) => action === "queue-export");
  expect(exports.map(({ reason }) => reason)).toEqual(["T-1", "T-2", "T-3", "T-5", "T-6"]);
  expect(exports.filter((audit) => "confirmed" in audit || "revealedBefore" in audit)).toMatchObject([
    { by, reason: "T-5", confirmed: true, revealedBefore: 1_001 },
  ]);
  expect(told("audit").find(({ action }) => action === "queue-verify")).toMatchObject({ by, revealedBefore: 2_002 });
  expect(told("alarm")).toHaveLength(1);

  const path = join(site.dir, "events.jsonl");
  const documented = "queue export --reason TICKET-4711 --confirm --output events.jsonl";
  expect((await run(documented.replace("events.jsonl", path))).code).toBe(0);
  const trust = ["--trust", join(site.dataDir, "identity", "device.crt")];
  const verified = await runCommand(["verify", path, ...trust]);
  expect(verified.stdout).toMatch(/^whole up to .*authentic/m);
}, 120_000);
