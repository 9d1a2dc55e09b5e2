import { chmodSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import {
  askStatus,
  type Daemon,
  framed,
  logLines,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  startCommand,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";
import { aCentre } from "../fakes/policy.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Told {
  readonly type: string;
  readonly sequence: string;
  readonly data: Readonly<Record<string, unknown>>;
}

async function aRig() {
  const centre = aCentre();
  const [broker, scanner] = await Promise.all([openMosquitto(), openTcpScanner()]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  const names = 'policy_file = "policy.jws"\npolicy_key_file = "centre.pem"\n';
  const site = makeSite({ brokerUrl: url, rest: oneScanner(scanner.port).replace("[guard]", `[guard]\n${names}`) });
  writeFileSync(join(site.dir, "centre.pem"), centre.publicKey);
  const daemons: Daemon[] = [];
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
    () => scanner.close(),
    () => Promise.all(daemons.map((daemon) => daemon.end("SIGKILL"))),
  );
  const take = async (policy: unknown): Promise<void> =>
    writeFileSync(join(site.dir, "policy.jws"), await centre.sign(policy));
  const start = async (): Promise<Daemon> => {
    const daemon = await startDaemon(site);
    daemons.push(daemon);
    await scanner.connected();
    // A stop waits only for brokers that are there.
    await vi.waitFor(async () => expect((await askStatus(site)).brokers[0]?.state).toBe("up"), 10_000);
    return daemon;
  };
  const told = (kind: string): Told[] =>
    subscriber.messages
      .filter(({ topic }) => !topic.endsWith("/status"))
      .map(({ text }) => JSON.parse(text) as Told)
      .filter(({ type }) => type === `org.sortgate.${kind}.v1`);
  /** Sends a code, and gives its event. */
  const read = async (waybill: string): Promise<Told["data"]> => {
    const before = told("read").length;
    scanner.send(framed(waybill));
    await vi.waitFor(() => expect(told("read")).toHaveLength(before + 1), 10_000);
    return told("read")[before]!.data;
  };
  /** Stops it, and waits for the checkpoint that it ends with. */
  const stop = async (daemon: Daemon): Promise<Told["data"]> => {
    const before = told("checkpoint").length;
    expect(await daemon.end()).toBe(0);
    await vi.waitFor(() => expect(told("checkpoint").length).toBeGreaterThan(before), 10_000);
    return told("checkpoint").at(-1)!.data;
  };
  const command = (...args: string[]) => runCommand([...args, "--config", site.configPath]);
  return { site, scanner, subscriber, take, start, told, read, stop, command };
}

/** Root may read any file, so root asks as nobody; anybody else has the right taken away. */
const isRoot = process.getuid?.() === 0;
const asNobody = isRoot ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"] : [];

const tokensOnly = { core: "drop", basic: "token" };

describe("R41 a policy that the centre signed", () => {
  it("is in force, goes before the config, and stands in each checkpoint with its hash and version", async () => {
    const { site, subscriber, take, start, read, stop, command } = await aRig();
    await take({ version: 7, site: "HZ01", guard: tokensOnly });
    const shown = JSON.parse((await command("policy", "show", "--json")).stdout);
    const daemon = await start();
    const { code, token, length } = await read("SF1385628716739");
    expect([code, token, length]).toEqual([undefined, expect.stringMatching(/^t1\./), 15]);
    expect((await askStatus(site)).policy).toMatchObject({ hash: shown.hash, version: 7, fileNow: "same" });
    const status = await command("status");
    expect(status.stdout).toContain(`Policy version 7, signed by the centre; hash ${shown.hash}`);
    expect(await stop(daemon)).toMatchObject({ policy: shown.hash, policyVersion: 7, policyKey: shown.signer });
    const { chains } = subscriber.verdict(join(site.dataDir, "identity/device.crt"));
    expect(chains).toMatchObject([{ verdict: "whole" }]);
    const memory = join(site.dataDir, "identity/policy.json");
    expect([JSON.parse(readFileSync(memory, "utf8")).version, statSync(memory).mode & 0o777]).toEqual([7, 0o600]);
  });

  it("is refused when an older one comes back: only tokens leave, the chain has an alarm before any parcel, and parcels go on", async () => {
    const { site, take, start, told, read, stop, command } = await aRig();
    const old = { version: 6, guard: { basic: "clear" } };
    await take(old);
    const first = await start();
    expect((await read("SF1385628716739")).code).toBe("SF1385628716739");
    await stop(first);
    await take({ version: 7, guard: tokensOnly });
    await stop(await start());
    await take(old);
    const daemon = await start();
    const dropped = await read("SF1385628716740");
    expect([dropped.code, dropped.token]).toEqual([undefined, expect.stringMatching(/^t1\./)]);
    const [alarm, ...others] = told("alarm").filter(({ data }) => data.alarm === "policy-refused");
    expect([alarm?.data, others]).toEqual([{ alarm: "policy-refused", reason: "older" }, []]);
    expect(Number(alarm?.sequence)).toBeLessThan(Number(told("read").at(-1)?.sequence));
    const logged = logLines(daemon).filter(({ name }) => name === "guard/policy-refused");
    expect(logged.map(({ msg }) => msg)).toEqual([
      expect.stringMatching(/version 6, and version 7 was used.*Try: .*version 8$/),
    ]);
    const status = await command("status");
    expect([status.code, status.stdout]).toEqual([
      1,
      expect.stringMatching(
        /All codes leave as tokens, .*version 6, .*\n {2}Try: .*version 8; then: systemctl restart/,
      ),
    ]);
    expect((await command("check")).code).toBe(1);
    const checkpoint = await stop(daemon);
    const { policy, policyVersion, policyKey } = checkpoint;
    expect([typeof policy, policyVersion, policyKey]).toEqual(["string", undefined, undefined]);
    // The lawful way back: the old content, signed again.
    await take({ ...old, version: 8 });
    const last = await start();
    expect((await read("SF1385628716741")).code).toBe("SF1385628716741");
    expect((await askStatus(site)).policy).toMatchObject({ version: 8 });
    await stop(last);
  });

  it("that is not there, or is changed by one bit, lets out tokens alone", async () => {
    const { site, take, start, told, read, stop } = await aRig();
    await stop(await start());
    await take({ version: 1, guard: {} });
    const path = join(site.dir, "policy.jws");
    const bytes = readFileSync(path);
    bytes[bytes.length - 9] = bytes.at(-9) === 65 ? 66 : 65;
    writeFileSync(path, bytes);
    const daemon = await start();
    expect((await read("SF1385628716739")).code).toBeUndefined();
    await stop(daemon);
    const reasons = told("alarm").flatMap(({ data }) => (data.alarm === "policy-refused" ? [data.reason] : []));
    expect(reasons).toEqual(["unreadable", "signature"]);
  });

  it("that is changed under the running daemon counts from the next start, and status says so", async () => {
    const { site, take, start, read, command } = await aRig();
    await take({ version: 1, guard: {} });
    await start();
    await take({ version: 2, guard: tokensOnly });
    expect((await read("SF1385628716739")).code).toBe("SF1385628716739");
    const changed = (await command("status")).stdout;
    expect(changed).toMatch(
      /policy\.jws is not what the daemon runs with: another policy needs a restart\n {2}Try: sortgate check/,
    );
    rmSync(join(site.dir, "policy.jws"));
    expect((await command("status")).stdout).toMatch(
      /policy\.jws is gone: the daemon goes on with the policy that it read/,
    );
    expect((await askStatus(site)).policy).toMatchObject({ version: 1, fileNow: "gone" });
  });

  it("says what a probe may show: nothing that it would not let out in clear", async () => {
    const { site, scanner, take } = await aRig();
    const probe = async (): Promise<string> => {
      const { said, finished } = startCommand(["probe", "scanner-1", "--seconds", "2", "--config", site.configPath]);
      await scanner.connected();
      await vi.waitFor(() => expect(said.stderr).toContain("is open; listening"), 10_000);
      scanner.send(framed("SF1385628716739"));
      return (await finished).stdout;
    };
    await take({ version: 1, guard: {} });
    expect(await probe()).toContain("read SF•••••••••6739\n");
    await take({ version: 1, guard: { carriers: ["zto"] } });
    expect(await probe()).toMatch(/read •+ {2}masked, 15 bytes/);
    rmSync(join(site.dir, "policy.jws"));
    expect(await probe()).toMatch(/read •+ {2}masked, 15 bytes/);
  });

  it("may be an older one for all that a user knows who may not read what was used: check says so", async () => {
    const { site, take, start } = await aRig();
    await take({ version: 1, guard: {} });
    await start();
    chmodSync(site.dir, 0o755);
    if (!isRoot) chmodSync(join(site.dataDir, "identity/policy.json"), 0);
    const args = ["check", "--config", site.configPath, "--json"];
    const { code, stdout } = await startCommand(args, process.env, asNobody).finished;
    const { warnings } = JSON.parse(stdout) as { warnings: { key: string; sentence: string }[] };
    expect(code).toBe(0);
    // Whoever may not look into data_dir at all is told of the device key as well.
    expect(warnings.map(({ key, sentence }) => `${key}: ${sentence}`)).toContain(
      "guard > policy_file: whether the policy is older than the last one that was used cannot be told by this user",
    );
  });
});

describe("R37 the level of security", () => {
  it("is told as it is: the device key lies in a file, in each epoch event and by keys show", async () => {
    const { take, start, told, command, stop } = await aRig();
    await take({ version: 1, guard: {} });
    const daemon = await start();
    const shown = await command("keys", "show");
    expect(shown.stdout).toMatch(/^device key +software: a file of this box; no TPM holds it$/m);
    expect(JSON.parse((await command("keys", "show", "--json")).stdout).keyStorage).toBe("software");
    await command("keys", "rotate");
    await stop(daemon);
    expect(told("epoch").map(({ data }) => [data.reason, data.keyStorage])).toEqual([
      ["new-ledger", "software"],
      ["rotation", "software"],
    ]);
  });
});
