import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { aPerson, createSecretSearch, personalCodes } from "../fakes/canary.ts";
import { askStatus, aWaybill, type Daemon, framed } from "../fakes/gateway.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { type Line, openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";

const person = aPerson(23);
const search = createSecretSearch(Object.values(person));

/** A daemon that has read labels with personal data, and may leave a dump as large as it likes in its site's folder. */
async function openBusyLine(main?: string): Promise<{ line: Line; daemon: Daemon }> {
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  const line = await openLine({ brokerUrl: broker.url }, defer);
  const unlimited = ["sh", "-c", 'ulimit -c unlimited && cd "$0" && exec "$@"', line.site.dir];
  const daemon = await line.start({ under: unlimited, ...(main === undefined ? {} : { main }) });
  for (const code of personalCodes(person)) line.scanner.send(framed(code));
  line.scanner.send(framed(aWaybill(1)));
  await vi.waitFor(() => expect(broker.codes()).toContain(aWaybill(1)));
  // A frame that never ends: its bytes are held.
  line.scanner.send(`\x02${person.mobile} ${person.latinName}`);
  await askStatus(line.site);
  return { line, daemon };
}

/** What stands in the dump of a daemon that was made to abort, of which there must be one. */
async function foundInDump({ line, daemon }: { line: Line; daemon: Daemon }): Promise<string[]> {
  const pattern = readFileSync("/proc/sys/kernel/core_pattern", "utf8");
  expect(pattern, "the kernel writes dumps into the folder of the process, not to a program").toMatch(/^core/);
  await daemon.end("SIGABRT");
  const dumps = readdirSync(line.site.dir).filter((name) => name.startsWith("core"));
  expect(dumps).toHaveLength(1);
  return search.in(readFileSync(join(line.site.dir, dumps[0]!)));
}

describe("R39 a crash where dumps are allowed", () => {
  it("R39 leaves one in which no memory is", async () => {
    const busy = await openBusyLine();
    expect(readFileSync(`/proc/${busy.daemon.process.pid}/coredump_filter`, "utf8").trim()).toBe("00000000");
    expect(await foundInDump(busy)).toEqual([]);
  });

  it("R39 leaves what was read in it, where the kernel is told nothing", async () => {
    const broken = breakProgram({
      file: "src/cli/memory.js",
      from: 'coredump_filter", "0"',
      to: 'coredump_filter", "0x33"',
    });
    defer(() => broken.remove());
    expect((await foundInDump(await openBusyLine(broken.main))).length).toBeGreaterThan(0);
  });
});

describe("R39 the signal that lets a debugger in", () => {
  const listening = /Debugger listening|Starting inspector/;

  it("R39 lets none in: the daemon goes on as if nothing was", async () => {
    const { line, daemon } = await openBusyLine();
    for (let count = 0; count < 20; count += 1) {
      daemon.process.kill("SIGUSR1");
      await askStatus(line.site);
    }
    expect(await daemon.end()).toBe(0);
    expect(daemon.output.stderr).not.toMatch(listening);
  });

  it("R39 lets one in, where nobody listens to it", async () => {
    const broken = breakProgram({ file: "src/cli/memory.js", from: 'process.on("SIGUSR1", () => { });', to: "" });
    defer(() => broken.remove());
    const { daemon } = await openBusyLine(broken.main);
    daemon.process.kill("SIGUSR1");
    await vi.waitFor(() => expect(daemon.output.stderr).toMatch(listening));
  });
});
