import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  askStatus,
  type Daemon,
  framed,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

type Members = Readonly<Record<string, string>>;

interface Told {
  readonly type: string;
  readonly sequence: string;
  readonly id: string;
  readonly data: { readonly gm?: Members; readonly reason?: string };
}

async function aRig(crypto: "intl" | "gm") {
  const [broker, scanner] = await Promise.all([openMosquitto(), openTcpScanner()]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  const site = makeSite({
    brokerUrl: url,
    rest: oneScanner(scanner.port).replace("[guard]", `[guard]\ncrypto = "${crypto}"`),
  });
  const daemons: Daemon[] = [];
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
    () => scanner.close(),
    () => Promise.all(daemons.map((daemon) => daemon.end("SIGKILL"))),
  );
  /** The events that the subscriber has, in order, as they were published. */
  const lines = (): string[] => {
    const events = subscriber.messages.filter(({ topic }) => !topic.endsWith("/status")).map(({ text }) => text);
    return events.sort((a, b) => Number(JSON.parse(a).sequence) - Number(JSON.parse(b).sequence));
  };
  const told = (kind: string): Told[] =>
    lines()
      .map((line) => JSON.parse(line) as Told)
      .filter(({ type }) => type === `org.sortgate.${kind}.v1`);
  /** One run of the daemon: reads some codes, and ends with a checkpoint; between them another key, if it is wanted. */
  async function run(waybills: readonly string[], rotates = false): Promise<void> {
    const daemon = await startDaemon(site);
    daemons.push(daemon);
    await scanner.connected();
    await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]?.state).toBe("up"), 10_000);
    const before = told("read").length;
    for (const [index, waybill] of waybills.entries()) {
      scanner.send(framed(waybill));
      await vi.waitFor(() => expect(told("read")).toHaveLength(before + index + 1), 10_000);
      if (!rotates || index > 0) continue;
      expect((await runCommand(["keys", "rotate", "--config", site.configPath])).code).toBe(0);
    }
    const checkpoints = told("checkpoint").length;
    expect(await daemon.end()).toBe(0);
    await vi.waitFor(() => expect(told("checkpoint").length).toBeGreaterThan(checkpoints), 10_000);
  }
  const path = (name: string): string => join(site.dir, name);
  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(path(name), content);
    return path(name);
  };
  const verify = (events: readonly string[]) => {
    const file = write("captured.jsonl", events.map((line) => `${line}\n`).join(""));
    return runCommand(["verify", file, "--trust", join(site.dataDir, "identity/device.crt")]);
  };
  return { run, lines, told, write, verify };
}

/** What `openssl` says, without our programs beside it. */
function openssl(args: readonly string[], input?: Uint8Array): Buffer {
  return execFileSync("openssl", args, { input, stdio: ["pipe", "pipe", "pipe"] });
}

const sm3 = (bytes: Uint8Array): Buffer => openssl(["dgst", "-sm3", "-binary"], bytes);

/** What is signed, spelled by hand: these names in this order. */
function statementOf({ gm }: Told["data"]): string {
  const { from, previous, profile, sm3, to } = gm!;
  return `{"chain":"CHAIN","from":"${from}","gateway":"line-3","previous":"${previous}","profile":"${profile}","site":"HZ01","sm3":"${sm3}","to":"${to}"}`;
}

describe("R09 on the built product, with the national algorithms,", () => {
  it("checkpoints are signed with SM2 over an SM3 chain of all events, as OpenSSL and verify find", async () => {
    const { run, lines, told, write, verify } = await aRig("gm");
    await run(["SF1385628716739", "SF1385628716740"], true);
    await run(["SF1385628716741"]);
    const [epochs, checkpoints, events] = [told("epoch"), told("checkpoint"), lines()];
    expect(epochs.map(({ data }) => data.reason)).toEqual(["new-ledger", "rotation", "start"]);
    expect(new Set(epochs.map(({ data }) => data.gm!.key)).size).toBe(3);
    // Each checkpoint by the key of its epoch, and over all that came since the one before it, or since the start.
    const spans = checkpoints.map(({ data }) => [Number(data.gm!.from), Number(data.gm!.to)]);
    expect(spans).toEqual([
      [1, Number(checkpoints[0]!.sequence) - 1],
      [Number(epochs[2]!.sequence), Number(checkpoints[1]!.sequence) - 1],
    ]);
    for (const [index, { data, id }] of checkpoints.entries()) {
      const { from, to, sm3: value, signature } = data.gm!;
      const digests = events.slice(Number(from) - 1, Number(to)).map((event) => sm3(Buffer.from(event)));
      const computed = digests.reduce((before, digest) => sm3(Buffer.concat([before, digest])), Buffer.alloc(32));
      expect(computed.toString("base64url")).toBe(value);
      const key = write("key.der", Buffer.from(epochs[index + 1]!.data.gm!.key!, "base64"));
      const isTaken = (statement: string, der: Buffer): boolean => {
        const args = ["dgst", "-sm3", "-verify", key, "-keyform", "DER", "-sigopt", "distid:1234567812345678"];
        const files = ["-signature", write("signature.der", der), write("statement.json", statement)];
        try {
          return openssl([...args, ...files]).includes("Verified OK");
        } catch {
          return false;
        }
      };
      const statement = statementOf(data).replace("CHAIN", id.split("/")[1]!);
      const der = Buffer.from(signature!, "base64");
      expect(isTaken(statement, der)).toBe(true);
      expect(isTaken(statement.replace(`"to":"${to}"`, `"to":"${to}0"`), der)).toBe(false);
      der[40]! ^= 1;
      expect(isTaken(statement, der)).toBe(false);
    }
    const whole = await verify(events);
    expect(whole.stdout).toContain("2 checkpoints signed by SM2, 2 proven by SM3");
    expect(whole.code).toBe(0);
  });

  it("an event that was altered breaks the SM3 chain too, and of a missing one only that it is missing is told", async () => {
    const { run, lines, verify } = await aRig("gm");
    await run(["SF1385628716739", "SF1385628716740"]);
    const events = lines();
    const read = events.findIndex((line) => line.includes("SF1385628716739"));
    const altered = await verify(events.with(read, events[read]!.replace("SF1385628716739", "SF1385628716738")));
    expect(altered.code).toBe(1);
    expect(altered.stdout).toMatch(/sequence \d+ \(line \d+\) altered/);
    expect(altered.stdout).toMatch(/sequence \d+ checkpoint does not fit the events before it \(SM3 chain\)/);
    expect(altered.stdout).toContain("1 checkpoint signed by SM2, 0 proven by SM3");
    const missing = await verify(events.toSpliced(read, 1));
    expect(missing.code).toBe(1);
    expect(missing.stdout).not.toContain("SM3 chain");
    expect(missing.stdout).toContain("1 checkpoint signed by SM2, 0 proven by SM3");
  });

  it("and with the default ones nothing of it is in any event", async () => {
    const { run, lines, verify } = await aRig("intl");
    await run(["SF1385628716739"]);
    expect(lines().filter((line) => line.includes('"gm"'))).toEqual([]);
    expect((await verify(lines())).stdout).not.toContain("SM2");
  });
});
