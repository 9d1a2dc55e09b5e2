import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
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
import { openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A box whose clock a time server sets, as far as its command says: only then events grow old. */
function boxWithTime(dir: string): NodeJS.ProcessEnv {
  const bin = join(dir, "bin");
  mkdirSync(bin);
  const command = join(bin, "timedatectl");
  writeFileSync(command, "#!/bin/sh\necho NTP=yes\necho NTPSynchronized=yes\n");
  chmodSync(command, 0o755);
  return { ...process.env, PATH: `${bin}:${process.env.PATH}` };
}

type Counts = { readonly [reason: string]: number };

/** What a subscriber was told to be destroyed, by reason. */
function purgesAt({ messages }: Subscriber): Counts {
  const sums: Record<string, number> = {};
  for (const { topic, text } of messages) {
    if (!topic.endsWith("/log/purge")) continue;
    const { reason, count } = (JSON.parse(text) as { data: { reason: string; count: number } }).data;
    sums[reason] = (sums[reason] ?? 0) + count;
  }
  return sums;
}

async function accountOf(site: Site) {
  const { code, stdout } = await runCommand(["queue", "stats", "--json", "--config", site.configPath]);
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { queue: { last: number; liveCount: number; destroyedCount: Counts } }).queue;
}

describe("R20 the account of all events on the built product", () => {
  it("R20 is created = live + destroyed, by reason what the purge events of the chain add up to", async () => {
    const [broker, scanner] = await Promise.all([openMosquitto(), openTcpScanner()]);
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const subscriber = await openSubscriber(url);
    const site = makeSite({ brokerUrl: url, rest: `[queue]\nretain_days = 0\n${oneScanner(scanner.port)}` });
    const first = await startDaemon(site);
    cleanups.push(
      () => site.remove(),
      () => broker.stop("SIGKILL"),
      () => scanner.close(),
      () => subscriber.close(),
      () => first.end("SIGKILL"),
    );
    await scanner.connected();
    const codes = [1, 2, 3, 4].map(aWaybill);
    for (const code of codes) scanner.send(framed(code));
    await vi.waitFor(() => expect(subscriber.codes()).toEqual(codes), 10_000);
    const words = ["erase", codes[1]!, "--reason", "TICKET-1", "--config", site.configPath];
    expect((await runCommand(words)).code).toBe(0);
    await vi.waitFor(() => expect(purgesAt(subscriber)).toEqual({ erased: 1 }));
    const before = await accountOf(site);
    expect(before).toMatchObject({ destroyedCount: { erased: 1 }, liveCount: before.last - 1 });
    // What stays begins with the event that tells its key.
    expect((await runCommand(["keys", "rotate", "--config", site.configPath])).code).toBe(0);
    expect(await first.end()).toBe(0);

    // The next run knows what time it is: what every broker has goes.
    const next = await startDaemon(site, boxWithTime(site.dir));
    cleanups.push(() => next.end("SIGKILL"));
    await vi.waitFor(async () => {
      const { last, liveCount, destroyedCount } = await accountOf(site);
      expect(Object.keys(destroyedCount).sort()).toEqual(["erased", "retention"]);
      const { erased = 0, retention = 0 } = purgesAt(subscriber);
      expect({ erased, retention }).toEqual(destroyedCount);
      expect(liveCount + erased + retention).toBe(last);
      expect(retention).toBeGreaterThanOrEqual(codes.length - 1);
    }, 30_000);
  });
});
