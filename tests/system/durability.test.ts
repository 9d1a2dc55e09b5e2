import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  aWaybill,
  framed,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  type Site,
  type Subscriber,
  startDaemon,
  type TcpScanner,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openRig(): Promise<{ scanner: TcpScanner; subscriber: Subscriber; site: Site }> {
  const broker = await openMosquitto();
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const scanner = await openTcpScanner();
  const subscriber = await openSubscriber(url);
  const site = makeSite({ brokerUrl: url, rest: oneScanner(scanner.port) });
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => scanner.close(),
    () => subscriber.close(),
  );
  return { scanner, subscriber, site };
}

/** Follows the system calls of a process and all its threads; `inject` makes one of them fail. */
async function trace(pid: number, path: string, options: readonly string[]): Promise<() => Promise<void>> {
  const strace = spawn("strace", ["-f", "-y", "-p", String(pid), "-o", path, ...options], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const gone = once(strace, "exit");
  await new Promise<void>((resolve, reject) => {
    let said = "";
    strace.stderr.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      if (said.includes("attached")) resolve();
    });
    strace.once("error", reject);
    strace.once("exit", () => reject(new Error(`strace ended: ${said}`)));
  });
  const stop = async (): Promise<void> => {
    strace.kill("SIGINT");
    await gone;
  };
  cleanups.push(stop);
  return stop;
}

describe("an event at a subscriber", () => {
  it("was synced to the disk before: one fsync of the write-ahead log for each commit", async () => {
    const { scanner, subscriber, site } = await openRig();
    const daemon = await startDaemon(site);
    cleanups.push(() => daemon.end("SIGKILL"));
    await scanner.connected();
    const path = join(site.dir, "calls");
    const stop = await trace(daemon.process.pid!, path, ["-e", "trace=fsync,fdatasync"]);
    for (let number = 0; number < 15; number += 1) {
      scanner.send(framed(aWaybill(number)));
      // Each is waited for, so that each has a commit of its own.
      await vi.waitFor(() => expect(subscriber.codes()).toContain(aWaybill(number)), 10_000);
    }
    await stop();
    const syncs = readFileSync(path, "utf8")
      .split("\n")
      .filter((line) => /f(data)?sync\(\d+<[^>]*ledger\.db-wal>/.test(line));
    expect(syncs.length).toBeGreaterThanOrEqual(15);
  });
});

describe("a storage error", () => {
  it("ends the daemon with code 74 and a sentence, and the next one goes on with the chain", async () => {
    const { scanner, subscriber, site } = await openRig();
    const daemon = await startDaemon(site);
    cleanups.push(() => daemon.end("SIGKILL"));
    await scanner.connected();
    scanner.send(framed(aWaybill(1)));
    await vi.waitFor(() => expect(subscriber.codes()).toContain(aWaybill(1)), 10_000);
    await trace(daemon.process.pid!, "/dev/null", ["-e", "trace=fsync", "-e", "inject=fsync:error=EIO"]);
    const gone = once(daemon.process, "exit") as Promise<[number | null]>;
    scanner.send(framed(aWaybill(2)));
    expect(await gone).toEqual([74, null]);
    expect(daemon.output.stdout).toContain('"ledger/failed"');
    expect(daemon.output.stderr).toContain("Try: ");
    const suspect = join(site.dataDir, "ledger.db.suspect");
    expect(existsSync(suspect)).toBe(true);
    const next = await startDaemon(site);
    cleanups.push(() => next.end("SIGKILL"));
    // It has read the whole ledger, and found nothing: no file was moved.
    expect(existsSync(suspect)).toBe(false);
    expect(readdirSync(site.dataDir).filter((name) => name.includes("damaged"))).toEqual([]);
    await scanner.connected();
    scanner.send(framed(aWaybill(3)));
    await vi.waitFor(() => expect(subscriber.codes()).toContain(aWaybill(3)), 10_000);
    // What was on disk and not delivered comes as backlog, behind the live event.
    await vi.waitFor(
      () => expect(subscriber.verdict().chains).toMatchObject([{ verdict: "whole", epochCount: 2 }]),
      10_000,
    );
  });
});
