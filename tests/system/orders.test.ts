import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { clockOff } from "../deep/rig/wrong-clock.ts";
import { createSecretSearch, filesBelow } from "../fakes/canary.ts";
import { anOrder, anOrderedSite, orderTopic, publishOrder, signOrder } from "../fakes/centre.ts";
import {
  askStatus,
  aWaybill,
  type Daemon,
  framed,
  isOfChain,
  logLines,
  openSubscriber,
  openTcpScanner,
  runCommand,
  type Site,
  startBelt,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";
import { aCentre } from "../fakes/policy.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const label = (waybill: string, mobile: string): string => framed(JSON.stringify({ waybillNo: waybill, tel: mobile }));
const [anna, berta] = ["13912345678", "13887654321"];

interface Told {
  readonly sequence: string;
  readonly type: string;
  readonly data: {
    readonly code?: string;
    readonly tokens?: { readonly token: string }[];
    readonly [member: string]: unknown;
  };
}

async function aRig(settings: { broker?: string; queue?: string } = {}) {
  const [broker, scanner] = await Promise.all([openMosquitto(), openTcpScanner()]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  const { site, centre } = anOrderedSite(url, scanner.port, settings);
  const daemons: Daemon[] = [];
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => scanner.close(),
    () => subscriber.close(),
    () => Promise.all(daemons.map((daemon) => daemon.end("SIGKILL"))),
  );
  const start = async (env = process.env, under: readonly string[] = []): Promise<Daemon> => {
    const daemon = await startDaemon(site, env, { under });
    daemons.push(daemon);
    await scanner.connected();
    await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]?.state).toBe("up"), 10_000);
    return daemon;
  };
  const told = (kind: string): Told[] =>
    subscriber.messages
      .filter(({ topic }) => isOfChain(topic))
      .map(({ text }) => JSON.parse(text) as Told)
      // Delivery is at least once.
      .filter(({ sequence }, index, all) => all.findIndex((one) => one.sequence === sequence) === index)
      .filter(({ type }) => type === `org.sortgate.${kind}.v1`);
  const audits = (action: string): Told["data"][] =>
    told("audit")
      .map(({ data }) => data)
      .filter((data) => data.action === action);
  const read = async (waybill: string, mobile: string): Promise<Told> => {
    const before = told("read").length;
    scanner.send(label(waybill, mobile));
    await vi.waitFor(() => expect(told("read")).toHaveLength(before + 1), 10_000);
    return told("read")[before]!;
  };
  const order = async (content: object): Promise<string> => {
    const signed = await signOrder(centre, content);
    await publishOrder(url, signed);
    return signed;
  };
  const until = (action: string, count: number): Promise<void> =>
    vi.waitFor(() => expect(audits(action)).toHaveLength(count), 20_000);
  return { broker, url, scanner, subscriber, site, centre, start, told, audits, read, order, until };
}

/** No file of the daemon holds any of these. */
function expectNoTrace(site: Site, ...secrets: string[]): void {
  const search = createSecretSearch(secrets);
  for (const { path, bytes } of filesBelow(site.dataDir)) expect(search.in(bytes), path).toEqual([]);
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

const memoryOf = (site: Site): string => join(site.dataDir, "identity/order.json");
const digestOf = (text: string): string => createHash("sha256").update(text).digest("hex");

describe("R33 an order of the centre", () => {
  it("erases what bears its tokens and numbers, and the chain tells the centre that it was done, and not of whom", async () => {
    const rig = await aRig();
    const { site, subscriber } = rig;
    const daemon = await rig.start();
    const codes = [0, 1, 2, 3].map(aWaybill);
    const reads: Told[] = [];
    for (const [index, mobile] of [anna, berta, anna, berta].entries())
      reads.push(await rig.read(codes[index]!, mobile));
    const [token, other] = reads.map(({ data }) => data.tokens![0]!.token) as [string, string];
    const signed = await rig.order(anOrder(7, [token, codes[1]!]));
    await rig.until("order-done", 1);
    const about = {
      broker: "central",
      order: 7,
      sha256: digestOf(signed),
      reason: "TICKET-4711",
      subjects: 2,
    };
    expect(rig.audits("order")).toEqual([{ action: "order", ...about }]);
    const done = { action: "order-done", ...about, count: 3, salvagedCount: 0, unreadableCount: 0 };
    expect(rig.audits("order-done")).toEqual([done]);
    const sequences = [0, 1, 2].map((index) => reads[index]!.sequence);
    expect(rig.told("purge").map(({ data }) => data)).toEqual([{ count: 3, reason: "erased", sequences }]);
    await vi.waitFor(() => expect(statSync(memoryOf(site)).mode & 0o777).toBe(0o600), 5_000);
    expect(JSON.parse(readFileSync(memoryOf(site), "utf8"))).toEqual({ order: 7, sha256: digestOf(signed) });
    expectNoTrace(site, token, codes[0]!, codes[1]!, codes[2]!);
    const text = await exported(site);
    expect([text.includes(token), text.includes(codes[3]!), text.includes(other)]).toEqual([false, true, true]);
    expect(text.match(/^\{"erased":\{"digest":/gm)).toHaveLength(3);
    expect(await verdictOf(site, text)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^whole/m) });
    // The centre sees it as any subscriber of the chain does; in what it captured the verifier takes the order for no event.
    const captured = subscriber.messages.map(({ topic, text: line }) => `${topic} ${line}`);
    expect(captured.some((line) => line.startsWith(`${orderTopic} eyJ`))).toBe(true);
    expect(await verdictOf(site, captured.join("\n"))).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^whole/m),
    });
    const toldOfIt = rig.told("audit").filter(({ data }) => String(data.action).startsWith("order"));
    const search = createSecretSearch([token, ...codes]);
    expect(search.in(Buffer.from(JSON.stringify(toldOfIt)))).toEqual([]);
    expect(search.in(Buffer.concat(daemon.output.chunks))).toEqual([]);
    expect(logLines(daemon).map(({ msg }) => msg)).toContain("Order 7 of the centre is carried out: 3 events erased");
    // Who asks the centre has a telephone: as long as its key is there, so is its token.
    await rig.order(anOrder(8, [berta]));
    await rig.until("order-done", 2);
    expect(rig.audits("order-done")[1]).toMatchObject({ order: 8, subjects: 1, count: 1 });
    expectNoTrace(site, other, codes[3]!, berta);
  });

  it("is done once: sent again, or retained for the next start, it does nothing and is not told", async () => {
    const rig = await aRig();
    const daemon = await rig.start();
    const first = await rig.read(aWaybill(0), anna);
    const token = first.data.tokens![0]!.token;
    const signed = await rig.order(anOrder(7, [token]));
    await rig.until("order-done", 1);
    // The same again, and a later one behind it: once that is done, the repeat has been judged.
    await publishOrder(rig.url, signed);
    await rig.order(anOrder(8, [token]));
    await rig.until("order-done", 2);
    expect(await daemon.end()).toBe(0);
    // Retained at the broker is order 8, which is done; what this parcel bears is not erased by it.
    const again = await rig.start();
    const kept = await rig.read(aWaybill(1), anna);
    await rig.order(anOrder(9, [aWaybill(5)]));
    await rig.until("order-done", 3);
    expect(rig.audits("order").map(({ order }) => order)).toEqual([7, 8, 9]);
    expect(rig.audits("order-refused")).toEqual([]);
    expect(rig.told("purge").flatMap(({ data }) => data.sequences)).toEqual([first.sequence]);
    expect(await exported(rig.site)).toContain(kept.data.tokens![0]!.token);
    // A cleared order is none.
    await publishOrder(rig.url, "");
    // One that was done long ago is refused, and told.
    await publishOrder(rig.url, signed, false);
    await rig.until("order-refused", 1);
    expect(rig.audits("order-refused")).toEqual([
      { action: "order-refused", broker: "central", reason: "older", order: 7, sha256: digestOf(signed) },
    ]);
    expect(
      logLines(again)
        .filter(({ name }) => name === "order/refused")
        .map(({ msg }) => msg),
    ).toEqual([
      expect.stringMatching(
        /order 7, and order 9 was carried out already; allowed: 10 or higher\. Try: .* as order 10$/,
      ),
    ]);
  });

  it("is refused with an alarm if the centre did not sign it, and told if it is for another gateway, ended, or malformed", async () => {
    const rig = await aRig();
    const daemon = await rig.start();
    const { data } = await rig.read(aWaybill(0), anna);
    const token = data.tokens![0]!.token;
    const forged = await signOrder(aCentre(), anOrder(7, [token]));
    const signed = await signOrder(rig.centre, anOrder(7, [token]));
    const [head, payload, signature] = signed.split(".") as [string, string, string];
    const altered = JSON.stringify(anOrder(8, [token]));
    const wrong: [message: string, reason: string][] = [
      [JSON.stringify(anOrder(7, [token])), "unsigned"],
      [`${head}.${payload}.`, "signature"],
      [`${head}.${Buffer.from(altered).toString("base64url")}.${signature}`, "signature"],
      [forged, "signature"],
      [await rig.centre.sign(anOrder(7, [token])), "unsigned"],
    ];
    const alarms = (): unknown[] => rig.told("alarm").filter((one) => one.data.alarm === "order-refused");
    for (const [index, [message]] of wrong.entries()) {
      await publishOrder(rig.url, message);
      await vi.waitFor(() => expect(alarms()).toHaveLength(index + 1), 10_000);
    }
    expect(alarms()).toEqual(
      wrong.map(([, reason]) =>
        expect.objectContaining({ data: { alarm: "order-refused", broker: "central", reason } }),
      ),
    );
    const refused: [order: object, reason: string][] = [
      [anOrder(7, [token], { site: "HZ02" }), "site"],
      [anOrder(7, [token], { gateway: "line-4" }), "gateway"],
      [anOrder(7, [token], { notAfter: "2020-01-01T00:00:00Z" }), "ended"],
      [anOrder(7, [token], { reason: `of ${anna}` }), "malformed"],
      [anOrder(7, [token, "of Anna"]), "malformed"],
    ];
    for (const [order] of refused) await rig.order(order);
    await rig.until("order-refused", refused.length);
    expect(rig.audits("order-refused").map(({ reason }) => reason)).toEqual(refused.map(([, reason]) => reason));
    const log = logLines(daemon).filter(({ name }) => name === "order/refused");
    expect(log.map(({ level }) => level)).toEqual([...Array(5).fill("error"), ...Array(5).fill("warn")]);
    for (const { msg } of log) expect(msg).toMatch(/^An order by broker "central" is refused: .*\. Try: .*[^…]$/);
    expect(createSecretSearch([token, anna, "Anna"]).in(Buffer.concat(daemon.output.chunks))).toEqual([]);
    expect([rig.told("purge"), rig.audits("order")]).toEqual([[], []]);
    expect(await exported(rig.site)).toContain(token);
  });

  it("of which the gateway was killed in the middle is done again by the next start, to its end", async () => {
    const rig = await aRig();
    const daemon = await rig.start();
    const codes = Array.from({ length: 400 }, (_, index) => aWaybill(index));
    for (const code of codes) rig.scanner.send(label(code, anna));
    await vi.waitFor(() => expect(rig.told("read")).toHaveLength(codes.length), 20_000);
    const token = rig.told("read")[0]!.data.tokens![0]!.token;
    const signed = await signOrder(rig.centre, anOrder(7, [token]));
    const begun = vi.waitFor(() => expect(rig.audits("order")).toHaveLength(1), { interval: 1, timeout: 20_000 });
    await publishOrder(rig.url, signed);
    await begun;
    expect(await daemon.end("SIGKILL")).toBe(null);
    await rig.start();
    await vi.waitFor(
      () => expect(JSON.parse(readFileSync(memoryOf(rig.site), "utf8")).sha256).toBe(digestOf(signed)),
      20_000,
    );
    await vi.waitFor(() => expect(rig.audits("order-done").length).toBeGreaterThan(0), 10_000);
    expectNoTrace(rig.site, token, codes[0]!, codes[399]!);
    const text = await exported(rig.site);
    expect(text.match(/^\{"erased":\{"digest":/gm)).toHaveLength(codes.length);
    expect(await verdictOf(rig.site, text)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^whole/m) });
  });

  it("of which the gateway was killed before it was remembered is done again, and once that is remembered never again", async () => {
    const rig = await aRig();
    const path = `${memoryOf(rig.site)}.new`;
    // Killed as it puts the memory in place: everything else is done and told.
    const traced = ["-f", "-o", "/dev/null", "-e", "trace=rename,renameat,renameat2", "-P", path];
    const inject = ["-e", "inject=rename,renameat,renameat2:signal=KILL"];
    // Started by name once: so a machine that lacks it is told.
    execFileSync("strace", ["-V"]);
    const daemon = await rig.start(process.env, ["strace", ...traced, ...inject]);
    const { data } = await rig.read(aWaybill(0), anna);
    await rig.order(anOrder(7, [data.tokens![0]!.token]));
    await daemon.gone();
    expect(() => readFileSync(memoryOf(rig.site))).toThrow("ENOENT");
    await rig.start();
    await rig.until("order-done", 2);
    expect(rig.audits("order-done").map(({ order, count }) => [order, count])).toEqual([
      [7, 1],
      [7, 0],
    ]);
    await vi.waitFor(() => expect(JSON.parse(readFileSync(memoryOf(rig.site), "utf8")).order).toBe(7), 5_000);
  });
});

describe("R33 an order of a thousand tokens and numbers", () => {
  it("holds up neither the belt nor delivery", async () => {
    const rig = await aRig();
    const daemon = await rig.start();
    const belt = startBelt(rig.scanner, 5);
    cleanups.push(() => belt.stop());
    await vi.waitFor(() => expect(rig.subscriber.codes().length).toBeGreaterThan(100), 10_000);
    const gone = Array.from({ length: 50 }, (_, index) => aWaybill(index));
    const others = Array.from({ length: 950 }, (_, index) => `t1.J8sQ0aZk.${String(index).padStart(22, "x")}`);
    await rig.order(anOrder(7, [...gone, ...others]));
    await rig.until("order-done", 1);
    expect(rig.audits("order-done")).toMatchObject([{ subjects: 1_000, count: 50 }]);
    const passed = belt.passedCount();
    await belt.passed(passed + 100);
    const codes = Array.from({ length: passed + 100 }, (_, index) => aWaybill(index));
    await vi.waitFor(() => expect(rig.subscriber.codes()).toEqual(codes), 10_000);
    expect(logLines(daemon).filter(({ level }) => level === "error")).toEqual([]);
    expectNoTrace(rig.site, ...gone);
  });
});

describe("R19 the events of a parcel", () => {
  it("go thirty days after its delivery by an order of the centre, also where the gateway was away: of each only its digests stay", async () => {
    // Else they would go by themselves that day.
    const rig = await aRig({ queue: "[queue]\nretain_days = 365" });
    const daemon = await rig.start();
    const delivered = await rig.read(aWaybill(0), anna);
    const other = await rig.read(aWaybill(1), berta);
    expect(await daemon.end()).toBe(0);
    // The centre alone knows when it was delivered, and by which number it knows it.
    await rig.order(anOrder(1, [aWaybill(0)], { reason: "DELIVERED-30D", notAfter: "2099-01-01T00:00:00Z" }));
    await rig.start(clockOff("+30d"));
    await rig.until("order-done", 1);
    expect(rig.audits("order-done")).toMatchObject([{ order: 1, reason: "DELIVERED-30D", subjects: 1, count: 1 }]);
    expectNoTrace(rig.site, aWaybill(0), ...delivered.data.tokens!.map(({ token }) => token));
    const text = await exported(rig.site);
    const lines = text.trim().split("\n");
    const left = lines.filter((line) => line.startsWith('{"erased":'));
    expect(left).toHaveLength(1);
    const was = rig.subscriber.messages.find(({ text: event }) =>
      event.includes(`"sequence":"${delivered.sequence}"`),
    )!;
    const digest = createHash("sha256").update(was.text).digest("base64url");
    const leaf = createHash("sha256").update(Buffer.of(0)).update(was.text).digest("base64url");
    expect(JSON.parse(left[0]!).erased).toMatchObject({ digest, leaf });
    expect(text).toContain(other.data.tokens![0]!.token);
    expect(await verdictOf(rig.site, text)).toMatchObject({ code: 0, stdout: expect.stringMatching(/^whole/m) });
  });
});
