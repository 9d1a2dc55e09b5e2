import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { openScriptedBroker } from "../deep/rig/broker.ts";
import { createSecretSearch, filesBelow } from "../fakes/canary.ts";
import {
  askStatus,
  framed,
  makeSite,
  oneScanner,
  openTcpScanner,
  runCommand,
  type Site,
  startDaemon,
} from "../fakes/gateway.ts";
import { labelOfPerson, scanned } from "../fakes/labels.ts";
import { makeCertificates } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const number = labelOfPerson.expect.code!;
const { secrets } = labelOfPerson;

/** A line that is tapped: all bytes that went over it, in both directions. */
async function openTap(to: number): Promise<{ readonly port: number; bytes(): Buffer }> {
  const parts: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((outside) => {
    const inside = connect(to, "127.0.0.1");
    for (const [from, into] of [
      [outside, inside],
      [inside, outside],
    ] as const) {
      sockets.add(from);
      from.on("data", (part: Buffer) => parts.push(part)).on("error", () => into.destroy());
      from.pipe(into);
    }
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { port: (server.address() as { port: number }).port, bytes: () => Buffer.concat(parts) };
}

interface Stage {
  readonly guard?: string;
  /** How it goes to the broker: with a certificate of its own, without one, or plain. */
  readonly way?: "mutual" | "without a certificate" | "plain";
}

/** A label passes a line whose wire to the broker is tapped. */
async function openStage({ guard = "", way = "mutual" }: Stage) {
  const { dir, ca, server, client } = makeCertificates();
  const tls = {
    ...{ cert: readFileSync(server.cert), key: readFileSync(server.key), ca: readFileSync(ca) },
    ...{ requestCert: true, rejectUnauthorized: true },
  };
  const broker = await openScriptedBroker(way === "plain" ? {} : { tls });
  cleanups.push(
    () => rmSync(dir, { recursive: true, force: true }),
    () => broker.close(),
  );
  const [tap, scanner] = await Promise.all([openTap(broker.port), openTcpScanner()]);
  const own = way === "mutual" ? `cert_file = "${client.cert}"\nkey_file = "${client.key}"\n` : "";
  const site: Site = makeSite({
    brokerUrl: `${way === "plain" ? "mqtt" : "mqtts"}://127.0.0.1:${tap.port}`,
    broker: way === "plain" ? "" : `ca_file = "${ca}"\n${own}`,
    rest: oneScanner(scanner.port) + guard,
  });
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  writeFileSync(join(site.dir, "centre.pem"), publicKey.export({ type: "spki", format: "pem" }));
  const daemon = await startDaemon(site);
  cleanups.push(
    () => site.remove(),
    () => scanner.close(),
    () => daemon.end("SIGKILL"),
  );
  await scanner.connected();
  scanner.send(framed(scanned(labelOfPerson).toString("latin1")));
  await vi.waitFor(async () => expect((await askStatus(site)).readPoints[0]!.openedCount).toBe(1), 20_000);
  const read = () =>
    [...broker.distinct().values()]
      .map((bytes) => JSON.parse(bytes.toString()) as { type: string; data: Record<string, unknown> })
      .find(({ type }) => type === "org.sortgate.read.v1");
  return { site, tap, broker, read };
}

describe("R07 a label with a person on it", () => {
  it("R07 when it is collected: nothing is taken up of it but the number of the parcel", async () => {
    const { read } = await openStage({});
    const { data } = await vi.waitFor(() => {
      expect(read()).toBeDefined();
      return read()!;
    }, 20_000);
    const { clock: _, device: __, readPoint: ___, firstReadAt: ____, passId: _____, ...taken } = data;
    expect(taken).toEqual({
      ...{ code: number, codeClass: "waybill", carriers: ["sf"], label: { format: "json" } },
      ...{ medium: "barcode", symbology: "]Q1" },
    });
  });

  it("R07 when it is stored: no file holds any of it in clear, nor the number where that is to be a token", async () => {
    const { site, read } = await openStage({ guard: 'core = "seal"\nbasic = "token"\nseal_key_file = "centre.pem"\n' });
    await vi.waitFor(() => expect(read()?.data).toMatchObject({ sealed: {}, token: expect.any(String) }), 20_000);
    const files = filesBelow(site.dataDir);
    const stored = Buffer.concat(files.map(({ bytes }) => bytes));
    expect(stored.includes(String(read()?.data.token))).toBe(true);
    expect(createSecretSearch([number, ...secrets]).in(stored)).toEqual([]);
  });

  it("R07 when it is sent: all goes under TLS with certificates on both sides, and shows on no wire", async () => {
    const { tap, read } = await openStage({});
    await vi.waitFor(() => expect(read()).toBeDefined(), 20_000);
    expect(tap.bytes().length).toBeGreaterThan(3_000);
    expect(createSecretSearch([number, "sortgate/HZ01", ...secrets]).in(tap.bytes())).toEqual([]);
  });

  it("R07 when it is sent: it shows on a wire without TLS, which only this machine may have", async () => {
    const { tap, read, site } = await openStage({ way: "plain" });
    await vi.waitFor(() => expect(read()).toBeDefined(), 20_000);
    expect(createSecretSearch([number]).in(tap.bytes())).not.toEqual([]);
    site.configure(readFileSync(site.configPath, "utf8").replace("mqtt://127.0.0.1", "mqtt://10.0.0.1"));
    const checked = await runCommand(["check", "--config", site.configPath]);
    expect([checked.code, checked.stdout + checked.stderr]).toEqual([1, expect.stringContaining("mqtts://")]);
  });

  it("R07 when it is sent: without a certificate of the gateway's own the broker gets nothing", async () => {
    const { site, read } = await openStage({ way: "without a certificate" });
    await vi.waitFor(async () => {
      const [state] = (await askStatus(site)).brokers;
      expect([state?.state, state?.problem]).toEqual(["down", expect.stringMatching(/TLS|closed the connection/)]);
    }, 20_000);
    expect(read()).toBeUndefined();
  });
});
