import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { aPerson, personalCodes } from "../fakes/canary.ts";
import { askStatus, aWaybill, type Daemon, framed, runCommand } from "../fakes/gateway.ts";
import { freePort } from "../fakes/mosquitto.ts";
import { openSerialLine } from "../fakes/serial-line.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { type Line, openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";

/** Calls that make, change or rename a file, or put a socket's name down. Not each is on every machine. */
const calls = [
  ..."open openat openat2 creat mknod mknodat truncate memfd_create rename renameat renameat2".split(" "),
  ..."link linkat symlink symlinkat unlink unlinkat mkdir mkdirat bind".split(" "),
];

/** A daemon whose every such call is written down, from its first instruction on. */
async function startTraced(line: Line, trace: string, main?: string): Promise<Daemon> {
  const expression = `trace=${calls.map((call) => `?${call}`).join(",")}`;
  const under = ["strace", "-D", "-f", "--seccomp-bpf", "-s", "256", "-o", trace, "-e", expression];
  return line.start({ under, ...(main === undefined ? {} : { main }) });
}

/** Paths that were written to, made or renamed, each once: of a file that is only read there is none. */
function writtenPaths(trace: string): string[] {
  const paths = readFileSync(trace, "utf8")
    .split("\n")
    .filter((line) => /^\d+ +\w+\(/.test(line))
    .filter((line) => !/^\d+ +open(?:at2?)?\(/.test(line) || /O_WRONLY|O_RDWR|O_CREAT|O_TMPFILE/.test(line))
    .filter((line) => !/^\d+ +bind\(/.test(line) || line.includes("AF_UNIX"))
    .flatMap((line) => [...line.matchAll(/"([^"]*)"/g)].map(([, path]) => path!));
  return [...new Set(paths)].sort();
}

/** What the daemon may write: its ledger, its identity, its socket, its own switch in /proc, and what is no file. */
function isDeclared(path: string, { site }: Line): boolean {
  const files = [/^ledger\.db(?:-wal|-shm|-journal|-reserve|-open)?$/, /^identity(?:$|\/)/];
  if (path === site.dataDir || path === site.socketPath) return true;
  if (/^\/proc\/self\/coredump_filter$|^\/dev\/(?:null|tty|pts\/\d+)$/.test(path)) return true;
  return path.startsWith(`${site.dataDir}/`) && files.some((file) => file.test(path.slice(site.dataDir.length + 1)));
}

/** Labels, an outage, an export and a stop; gives what was written. */
async function live(
  main?: string,
): Promise<{ readonly line: Line; readonly serialPath: string; readonly paths: string[] }> {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-traces-"));
  defer(() => rmSync(folder, { recursive: true, force: true }));
  const port = await freePort();
  const first = await openScriptedBroker({ port });
  const serial = await openSerialLine();
  defer(() => serial.close());
  const more = `core = "mask"\n[[device]]\nname = "serial"\nread_point = "tunnel-1"\ndriver = "serial"\npath = "${serial.path}"\nprofile = "line-barcode"\n`;
  const line = await openLine({ brokerUrl: first.url, more }, defer);
  const trace = join(folder, "trace");
  const daemon = await startTraced(line, trace, main);
  await vi.waitFor(async () =>
    expect((await askStatus(line.site)).devices.map(({ state }) => state)).toEqual(["up", "up"]),
  );
  /** Labels over TCP, and others over the serial line. */
  const pass = (parcel: number): void => {
    for (const code of [...personalCodes(aPerson(parcel + 2)), aWaybill(parcel + 2)]) serial.write(`${code}\r\n`);
    for (const code of personalCodes(aPerson(parcel))) line.scanner.send(framed(code));
    line.scanner.send(framed(aWaybill(parcel)));
  };
  pass(1);
  await vi.waitFor(() => expect([...first.codes()]).toEqual(expect.arrayContaining([1, 3].map(aWaybill))));
  await first.close();
  pass(2);
  const second = await openScriptedBroker({ port });
  defer(() => second.close());
  await vi.waitFor(() => expect([...second.codes()]).toEqual(expect.arrayContaining([2, 4].map(aWaybill))));
  const words = ["queue", "export", "--reason", "TICKET-1", "--output", join(folder, "export")];
  expect((await runCommand([...words, "--config", line.site.configPath])).code).toBe(0);
  expect(await daemon.end()).toBe(0);
  // The tracer ends behind the daemon: its last line is that the daemon is gone.
  await vi.waitFor(() =>
    expect(readFileSync(trace, "utf8")).toMatch(new RegExp(`^${daemon.process.pid} .*exited`, "m")),
  );
  return { line, serialPath: serial.path, paths: writtenPaths(trace) };
}

describe("R39 copies of what was read", () => {
  it("R39 there are none: through labels over TCP and a serial line, an outage, an export and a stop no file is written but the declared ones", async () => {
    const { line, serialPath, paths } = await live();
    // The line itself is opened to be written to.
    expect(paths.filter((path) => !isDeclared(path, line))).toEqual([serialPath]);
    for (const path of [join(line.site.dataDir, "ledger.db-wal"), line.site.socketPath]) expect(paths).toContain(path);
  });

  it("R39 one that is written is found", async () => {
    const broken = breakProgram({
      file: "src/cli/memory.js",
      from: 'process.on("SIGUSR1", () => { });',
      to: 'process.on("SIGUSR1", () => { }); writeFileSync(process.argv.at(-1) + ".copy", "");',
    });
    defer(() => broken.remove());
    const { line, serialPath, paths } = await live(broken.main);
    const copy = `${line.site.configPath}.copy`;
    expect(paths.filter((path) => !isDeclared(path, line))).toEqual([serialPath, copy].sort());
  });
});
