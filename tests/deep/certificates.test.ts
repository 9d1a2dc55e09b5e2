import { copyFileSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { askStatus, startBelt } from "../fakes/gateway.ts";
import { type Certificates, makeCertificates } from "../fakes/mosquitto.ts";
import { count, figure } from "../figures.ts";
import { openScriptedBroker, type ScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { type Line, openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";

/** One authority after the other, each with its own server and client. */
let generations: Certificates[];
beforeAll(() => {
  generations = Array.from({ length: 3 }, () => makeCertificates());
});
afterAll(() => {
  for (const { dir } of generations) rmSync(dir, { recursive: true, force: true });
});

const secrets = ({ server, ca }: Certificates, { cert, key } = server) => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
  ca: readFileSync(ca),
  requestCert: true,
  rejectUnauthorized: true,
});

/** Puts the files of one generation where the config names them. */
function install({ ca, client }: Certificates, folder: string): void {
  copyFileSync(ca, join(folder, "ca.pem"));
  copyFileSync(client.cert, join(folder, "client.pem"));
  copyFileSync(client.key, join(folder, "client.key"));
}

async function openRig(main?: string): Promise<{ broker: ScriptedBroker; line: Line }> {
  const first = generations[0]!;
  const broker = await openScriptedBroker({ tls: secrets(first) });
  defer(() => broker.close());
  const line = await openLine({ brokerUrl: broker.url, broker: `keepalive_s = 5\n${tlsKeys("DIR")}` }, defer);
  line.site.configure(readFileSync(line.site.configPath, "utf8").replaceAll("DIR", line.site.dir));
  install(first, line.site.dir);
  await line.start(main === undefined ? {} : { main });
  await vi.waitFor(() => expect(broker.connectionCount).toBe(1), 20_000);
  return { broker, line };
}

const tlsKeys = (folder: string): string =>
  `ca_file = "${folder}/ca.pem"\ncert_file = "${folder}/client.pem"\nkey_file = "${folder}/client.key"`;

const isUp = ({ site }: Line, timeout: number): Promise<void> =>
  vi.waitFor(async () => expect((await askStatus(site)).brokers[0]?.state).toBe("up"), { timeout, interval: 100 });

const isDown = ({ site }: Line, problem: RegExp): Promise<void> =>
  vi.waitFor(
    async () => {
      const [state] = (await askStatus(site)).brokers;
      expect(state?.state).toBe("down");
      expect(state?.problem).toMatch(problem);
    },
    { timeout: 40_000, interval: 100 },
  );

describe("G20 certificates", () => {
  it("G20 are changed under load, wrong and expired in between, without a restart and without loss", async () => {
    const { broker, line } = await openRig();
    const belt = startBelt(line.scanner, 10);
    defer(() => belt.stop());
    const shown = new Set<string>();
    broker.onConnection = (socket) => shown.add((socket as TLSSocket).getPeerCertificate().fingerprint256);

    for (const generation of generations.slice(1)) {
      // The broker first: until the gateway's files follow, neither knows the other.
      broker.useTls(secrets(generation));
      broker.cut();
      await isDown(line, /certificate/i);
      install(generation, line.site.dir);
      await isUp(line, 60_000);
    }
    expect(shown.size).toBe(2);

    const last = generations[2]!;
    broker.useTls(secrets(last, last.expired));
    broker.cut();
    await isDown(line, /expired/i);
    broker.useTls(secrets(last));
    await isUp(line, 60_000);

    const passed = belt.passedCount();
    await belt.passed(passed);
    await vi.waitFor(() => expect(broker.codes().size).toBe(passed), 20_000);
    figure(
      "G20",
      "rotation",
      `2 authorities changed and one certificate expired under load, one process: all of ${count(passed)} parcels delivered`,
    );
  });

  it("G20 that were changed are never used where files are read once", async () => {
    const once = breakProgram({
      file: "src/forward/mqtt-link.js",
      from: "return readSmallFile(path)",
      to: "return (globalThis.files ??= new Map()).get(path) ?? globalThis.files.set(path, readSmallFile(path)).get(path)",
    });
    defer(() => once.remove());
    const { broker, line } = await openRig(once.main);
    broker.useTls(secrets(generations[1]!));
    broker.cut();
    await isDown(line, /certificate/i);
    install(generations[1]!, line.site.dir);
    await expect(isUp(line, 10_000)).rejects.toThrow();
  });
});
