import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { aWaybill, startBelt, startCommand } from "../fakes/gateway.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { openLine } from "./rig/line.ts";

const commandCount = 100;

/** Commands that ask the running daemon, or read what it made; each must leave the ledger alone. */
const commands = (configPath: string): string[][] =>
  [
    ["status"],
    ["status", "--json"],
    ["queue", "stats"],
    ["queue", "peek"],
    ["queue", "verify"],
    ["queue", "export", "--reason", "TICKET-1", "--output"],
    ["keys", "show"],
    ["keys", "rotate"],
    ["devices"],
    ["check"],
  ].map((words) => [...words, "--config", configPath]);

/** Files of a ledger among what a process and its threads opened, from what strace wrote. */
function ledgerFilesOpened(trace: string): string[] {
  return readFileSync(trace, "utf8")
    .split("\n")
    .filter((line) => /open(?:at)?\([^"]*"[^"]*ledger\.db/.test(line));
}

describe("G22 the command line", () => {
  it("G22 runs 100 commands under load, opens no ledger, and no parcel is late or lost for it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "sortgate-traces-"));
    defer(() => rmSync(folder, { recursive: true, force: true }));
    const broker = await openScriptedBroker();
    defer(() => broker.close());
    const { site, scanner, start } = await openLine({ brokerUrl: broker.url, control: "reveals_max = 0" }, defer);
    const daemon = await start();
    const belt = startBelt(scanner, 20);
    defer(() => belt.stop());
    // A follower that stands still must not hold up anybody either.
    const follower = startCommand(["watch", "--config", site.configPath]);
    defer(() => follower.process.kill("SIGKILL"));
    await vi.waitFor(() => expect(follower.said.stdout).not.toBe(""), 20_000);
    follower.process.kill("SIGSTOP");

    const all = commands(site.configPath);
    let next = 0;
    const traces: string[] = [];
    const refused: string[] = [];
    const runSome = async (): Promise<void> => {
      while (next < commandCount) {
        const number = next++;
        const command = all[number % all.length]!;
        const file = join(folder, `export-${number}`);
        const args = command.flatMap((word) => (word === "--output" ? [word, file] : [word]));
        // Every command once under strace: that sees each file, where a look into /proc would have to be lucky.
        const trace = join(folder, String(number));
        const isTraced = number < all.length;
        const under = isTraced ? ["strace", "-f", "-e", "trace=open,openat", "-o", trace] : [];
        const { code, stderr } = await startCommand(args, process.env, under).finished;
        if (isTraced) traces.push(trace);
        if (code !== 0) refused.push(`${args.join(" ")}: ${code} ${stderr}`);
      }
    };
    await Promise.all([runSome(), runSome(), runSome()]);
    expect(refused).toEqual([]);
    expect(traces).toHaveLength(all.length);
    expect(traces.flatMap(ledgerFilesOpened)).toEqual([]);
    // The look itself works: the daemon has the ledger open, and it alone.
    expect(holdersOf(join(site.dataDir, "ledger.db"))).toEqual([daemon.process.pid]);

    const passed = belt.passedCount();
    await belt.passed(passed);
    // What passed before the broker was there comes behind what is new.
    const expected = Array.from({ length: passed }, (_, number) => aWaybill(number)).sort();
    await vi.waitFor(() => expect([...broker.codes()].sort()).toEqual(expected), 20_000);
    expect(broker.connectionCount).toBe(1);
    figure(
      "G22",
      "commands",
      `${commandCount} commands and a stopped follower beside ${count(passed)} parcels: none lost, no second handle on the ledger`,
    );
  }, 400_000);
});

/** Processes that have this file open. */
function holdersOf(path: string): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).some((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`) === path);
      } catch {
        // It ended meanwhile, or the descriptor was closed.
        return false;
      }
    });
}
