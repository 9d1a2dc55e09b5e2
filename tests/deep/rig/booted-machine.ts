import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { vi } from "vitest";
import type { Defer } from "./defer.ts";

const root = join(import.meta.dirname, "../../..");

/** A machine with this machine's /usr, an empty /etc and /var, no network, and systemd as its first process. */
export interface BootedMachine {
  /** Runs a command in it; gives what it wrote. Fails if it ends with anything but 0. */
  run(...words: string[]): string;
  /** Writes a file in it. */
  write(path: string, text: string): void;
  /** A property of the service, as `systemctl show` tells it. */
  show(property: string): string;
}

/** The program where the unit looks for it, started by the Node that runs the tests. */
const launcher = '#!/bin/sh\nexec /opt/node/node /opt/sortgate/dist/sortgate.js "$@"\n';

/**
 * Boots it in a container and waits until systemd answers. Everything in it is in memory, and goes with it.
 *
 * Fails:   where systemd is not installed, or containers are forbidden.
 */
export async function bootMachine(defer: Defer): Promise<BootedMachine> {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-machine-"));
  defer(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "usr/bin"), { recursive: true });
  for (const path of [folder, join(folder, "usr"), join(folder, "usr/bin")]) chmodSync(path, 0o755);
  writeFileSync(join(folder, "usr/bin/sortgate"), launcher, { mode: 0o755 });
  const container = spawn(
    "systemd-nspawn",
    [
      ..."--quiet --directory=/ --volatile=yes --register=no --keep-unit --private-network --console=pipe".split(" "),
      `--machine=sortgate-${process.pid}`,
      `--overlay=/usr:${join(folder, "usr")}:/usr`,
      `--bind-ro=${root}:/opt/sortgate`,
      `--bind-ro=${dirname(process.execPath)}:/opt/node`,
      "--boot",
      "systemd.unit=multi-user.target",
      "systemd.firstboot=off",
    ],
    { stdio: ["ignore", "pipe", "pipe"] },
  );
  const gone = once(container, "exit");
  let said = "";
  for (const stream of [container.stdout, container.stderr])
    stream.on("data", (chunk: Buffer) => {
      said += chunk.toString();
    });
  defer(async () => {
    // Asked twice, systemd-nspawn ends the machine without its shutting down.
    container.kill("SIGTERM");
    container.kill("SIGTERM");
    await gone;
  });
  let leader = "";
  const run = (...words: string[]): string =>
    execFileSync("nsenter", ["-t", leader, "-m", "-u", "-i", "-n", "-p", ...words], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
      timeout: 120_000,
    });
  // More than this no service needs; what else this machine has installed may take its time.
  await vi.waitFor(
    () => {
      if (container.exitCode !== null) throw new Error(`the machine ended: ${said}`);
      // The first child may be one that only prepares the machine.
      leader = leaderOf(container);
      run("systemctl", "is-active", "basic.target");
    },
    { timeout: 120_000, interval: 500 },
  );
  return {
    run,
    write(path, text) {
      // Below /proc this is the machine's own root, as its first process sees it.
      mkdirSync(dirname(`/proc/${leader}/root${path}`), { recursive: true });
      writeFileSync(`/proc/${leader}/root${path}`, text);
    },
    show: (property) => run("systemctl", "show", "sortgate", "--value", "-p", property).trim(),
  };
}

/** The machine's first process, as the host counts it. */
function leaderOf({ pid }: ChildProcess): string {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim();
  const [first = ""] = children.split(" ");
  if (first === "") throw new Error("the machine is not there yet");
  return first;
}
