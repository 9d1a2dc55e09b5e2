import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { imbalances } from "../../src/control/index.ts";
import { createSecretSearch, filesBelow } from "../fakes/canary.ts";
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
  type Subscriber,
  startDaemon,
} from "../fakes/gateway.ts";
import { type Mosquitto, openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const label = (waybill: string, mobile: string): string => framed(JSON.stringify({ waybillNo: waybill, tel: mobile }));
const [anna, berta] = ["13912345678", "13887654321"];

interface Published {
  readonly sequence: string;
  readonly type: string;
  readonly data: {
    readonly code?: string;
    readonly reason?: string;
    readonly action?: string;
    readonly sequences?: string[];
    readonly tokens?: { readonly token: string }[];
  };
}

const eventsOf = ({ messages }: Subscriber): Published[] =>
  messages.filter(({ topic }) => !topic.endsWith("/status")).map(({ text }) => JSON.parse(text));

async function aRig() {
  const [broker, scanner] = await Promise.all([openMosquitto(), openTcpScanner()]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  const rest = oneScanner(scanner.port).replace("[guard]", '[guard]\ncore = "token"');
  const site = makeSite({ brokerUrl: url, rest });
  const daemon = await startDaemon(site);
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => scanner.close(),
    () => daemon.end("SIGKILL"),
  );
  await scanner.connected();
  return { broker, url, scanner, subscriber, site, daemon };
}

/** Erases, and gives what the command says with --json and its exit code. */
async function erase(site: Site, subject: string): Promise<Record<string, unknown>> {
  const asked = ["erase", subject, "--config", site.configPath, "--reason", "TICKET-4711", "--json"];
  const { code, stdout, stderr } = await runCommand(asked);
  expect(stderr).toBe("");
  return { code, ...JSON.parse(stdout) };
}

async function exported(site: Site): Promise<string> {
  const { code, stdout } = await runCommand(["queue", "export", "--config", site.configPath, "--reason", "TICKET-1"]);
  expect(code).toBe(0);
  return stdout;
}

async function verdictOf(site: Site, text: string): Promise<{ readonly code: number | null; readonly stdout: string }> {
  const path = join(site.dir, "verified.jsonl");
  writeFileSync(path, text);
  return runCommand(["verify", path, "--trust", join(site.dataDir, "identity", "device.crt")]);
}

/** No file of the daemon holds any of these. */
function expectNoTrace(site: Site, ...secrets: string[]): void {
  const search = createSecretSearch(secrets);
  for (const { path, bytes } of filesBelow(site.dataDir)) expect(search.in(bytes), path).toEqual([]);
}

describe("R33 what belongs to one person", () => {
  it("is erased by its token: the ledger holds no trace of it, the chain is whole, and a second time nothing is found", async () => {
    const { scanner, subscriber, site, daemon } = await aRig();
    for (const [index, mobile] of [anna, berta, anna].entries()) scanner.send(label(aWaybill(index), mobile));
    const codes = [0, 1, 2].map(aWaybill);
    await vi.waitFor(() => expect(subscriber.codes()).toEqual(codes), 10_000);
    const reads = eventsOf(subscriber).filter(({ data }) => data.tokens !== undefined);
    const [token, other] = reads.map(({ data }) => data.tokens![0]!.token) as [string, string];
    expect(reads[2]!.data.tokens![0]!.token).toBe(token);
    expect(
      createSecretSearch([token]).in(Buffer.concat(filesBelow(site.dataDir).map(({ bytes }) => bytes))),
    ).not.toEqual([]);

    expect(await erase(site, token)).toMatchObject({ code: 0, count: 2, files: [], isOverwritten: true });
    expectNoTrace(site, token, codes[0]!, codes[2]!);
    const purged = eventsOf(subscriber).find(({ type }) => type === "org.sortgate.purge.v1");
    const sequences = [reads[0]!.sequence, reads[2]!.sequence];
    expect(purged?.data).toEqual({ count: 2, reason: "erased", sequences });
    const text = await exported(site);
    expect([text.includes(token), text.includes(other)]).toEqual([false, true]);
    expect(text.match(/^\{"erased":\{"digest":/gm)).toHaveLength(2);
    expect(await verdictOf(site, text)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^whole up to .*authentic/m),
    });
    // Without the record that they were erased, the same export is not whole.
    const untold = text.split("\n").filter((line) => !line.includes("purge.v1"));
    expect((await verdictOf(site, untold.join("\n"))).code).toBe(1);
    const trust = ["--trust", join(site.dataDir, "identity", "device.crt")];
    expect((await runCommand(["queue", "verify", "--config", site.configPath, ...trust])).code).toBe(0);

    expect(await erase(site, token)).toMatchObject({ code: 1, count: 0 });
    // Who asks has a telephone, in whichever spelling: as long as its key is there, so is its token.
    expect(await erase(site, "138-8765-4321")).toMatchObject({ code: 0, count: 1 });
    expect(await erase(site, codes[1]!)).toMatchObject({ code: 1, count: 0 });
    expectNoTrace(site, token, other, ...codes);
    await vi.waitFor(() => {
      const actions = eventsOf(subscriber).map(({ data }) => data.action);
      expect(actions.filter((action) => action === "erase-done")).toHaveLength(4);
    });
    const told = eventsOf(subscriber).filter(({ data }) => data.action?.startsWith("erase"));
    expect(createSecretSearch([token, other, ...codes]).in(Buffer.from(JSON.stringify(told)))).toEqual([]);

    expect(await daemon.end("SIGTERM")).toBe(0);
    expectNoTrace(site, token, other, ...codes);
    const again = await startDaemon(site);
    cleanups.push(() => again.end("SIGKILL"));
    const status = await askStatus(site);
    expect(status.queue.destroyedCount).toEqual({ erased: 3 });
    expect(imbalances(status)).toEqual([]);
    expect(await verdictOf(site, await exported(site))).toMatchObject({ code: 0 });
    const stats = await runCommand(["queue", "stats", "--config", site.configPath]);
    expect(stats.stdout).toMatch(/^Of \d+ events \d+ are live; destroyed: 3 erased$/m);
    await subscriber.close();
  });

  it("is erased from what a damaged ledger left too, and who has both chains misses nothing", async () => {
    const { broker, url, scanner, subscriber, site, daemon } = await aRig();
    await subscriber.close();
    await broker.stop("SIGKILL");
    await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]!.state).not.toBe("up"), 20_000);
    for (const index of [0, 1, 2]) scanner.send(framed(aWaybill(index)));
    await vi.waitFor(async () => expect((await askStatus(site)).devices[0]!.readCount).toBe(3), 10_000);
    expect(await daemon.end("SIGTERM")).toBe(0);
    const path = join(site.dataDir, "ledger.db");
    const bytes = readFileSync(path);
    bytes[0]! ^= 1;
    writeFileSync(path, bytes);

    const next = await startDaemon(site);
    cleanups.push(() => next.end("SIGKILL"));
    expect(await erase(site, aWaybill(1))).toMatchObject({ code: 0, count: 0, salvagedCount: 1 });
    // Else the daemon may be at the broker before the subscriber is.
    next.process.kill("SIGSTOP");
    const back = await openMosquitto(["allow_anonymous true", "max_queued_messages 0"], broker.port);
    const late = await openSubscriber(url);
    next.process.kill("SIGCONT");
    cleanups.push(
      () => back.stop("SIGKILL"),
      () => late.close(),
    );
    await vi.waitFor(() => expect(late.codes().sort()).toEqual([0, 2].map(aWaybill)), 30_000);
    await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]!.queuedCount).toBe(0), 10_000);
    const events = late.messages.filter(({ topic }) => !topic.endsWith("/status")).map(({ text }) => text);
    const verdict = await verdictOf(site, events.join("\n"));
    expect(verdict).toMatchObject({ code: 0 });
    expect(verdict.stdout).toMatch(/^whole up to the end of each chain above: 2 chains, .*authentic/m);
    // Without the gap event of the new chain it is missing in the old one.
    const untold = events.filter((text) => !text.includes("gap.v1"));
    expect((await verdictOf(site, untold.join("\n"))).stdout).toMatch(/missing/);
  });

  it("never reaches a broker that was away, and what that one has is whole by the purge event behind it", async () => {
    const { broker, url, scanner, subscriber, site } = await aRig();
    scanner.send(label(aWaybill(0), anna));
    await vi.waitFor(() => expect(subscriber.codes()).toEqual([aWaybill(0)]), 10_000);
    const token = eventsOf(subscriber).flatMap(({ data }) => data.tokens ?? [])[0]!.token;
    const had = subscriber.messages.map(({ text }) => text);
    await subscriber.close();
    await broker.stop("SIGKILL");
    await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]!.state).not.toBe("up"), 20_000);
    for (const index of [1, 2]) scanner.send(label(aWaybill(index), index === 1 ? anna : berta));
    await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]!.queuedCount).toBeGreaterThan(1), 10_000);
    expect(await erase(site, token)).toMatchObject({ code: 0, count: 2 });
    const back: Mosquitto = await openMosquitto(["allow_anonymous true"], broker.port);
    const late = await openSubscriber(url);
    cleanups.push(
      () => back.stop("SIGKILL"),
      () => late.close(),
    );
    await vi.waitFor(() => expect(late.codes()).toEqual([aWaybill(2)]), 30_000);
    await vi.waitFor(async () => {
      const status = await askStatus(site);
      expect(status.brokers[0]).toMatchObject({ queuedCount: 0, lostCount: { erased: 1 } });
      expect(imbalances(status)).toEqual([]);
    }, 10_000);
    const events = [...had, ...late.messages.map(({ text }) => text)].filter((text) => !text.includes('"online"'));
    expect(late.messages.some(({ text }) => text.includes(token))).toBe(false);
    expect(await verdictOf(site, events.join("\n"))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^whole/m),
    });
  });
});
