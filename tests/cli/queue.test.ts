import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { addKeysOnline } from "../../src/cli/commands/keys-online.ts";
import { createOutput } from "../../src/cli/output.ts";
import { SortgateError } from "../../src/model/error.ts";
import { aBroker, anEvent, aView, waybill } from "../control/a-view.ts";
import { runBuilt, runHere } from "./run-here.ts";
import { aDaemon } from "./with-daemon.ts";

let view: ReturnType<typeof aView>;
let daemon: Awaited<ReturnType<typeof aDaemon>>;
beforeEach(async () => {
  view = aView();
  daemon = await aDaemon(view);
});
afterEach(() => daemon.close());

const queue = (command: string, ...more: string[]) => runHere("queue", command, "--config", daemon.config, ...more);
const stored = (...sequences: number[]) =>
  sequences.map((sequence) => `${Buffer.from(anEvent(sequence).bytes).toString()}\n`).join("");

/** The chain that somebody who wrote no line of this program has signed. */
const captured = (name: string) =>
  readFileSync(join("tests/vectors/events", name), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line, index) => ({ ...anEvent(index + 1), bytes: Buffer.from(line) }));

describe("queue stats", () => {
  test("shows disk and brokers, and the same as JSON", async () => {
    const { code, stdout } = await queue("stats");
    expect(code).toBe(0);
    expect(stdout).toContain("On disk: events 1 to 12");
    expect(stdout).toMatch(/^central +up/m);
    const json = await queue("stats", "--json");
    expect(JSON.parse(json.stdout)).toEqual({ queue: view.now.queue, brokers: view.now.brokers, refused: {} });
  });

  test("lists what a broker will never take, with the reason", async () => {
    const refused = [12, 7].map((sequence) => ({
      sequence,
      reason: "0x99 it does not accept the content",
      at: "2026-11-23T03:10:11.000Z",
    }));
    view.now = { ...view.now, brokers: [aBroker({ refusedCount: 1_200, lastRefused: refused[0]! })] };
    view.refused = async () => ({ central: refused });
    const { stdout } = await queue("stats");
    expect(stdout).toMatch(/^central will never take 1[,_ ]?200 events.*0x99 it does not accept the content$/m);
    expect(stdout).toMatch(/^7 +2026-11-23T03:10:11.000Z +0x99 it does not accept the content$/m);
    expect(JSON.parse((await queue("stats", "--json")).stdout).refused).toEqual({ central: refused });
  });
});

describe("queue stats and queue replay", () => {
  test("suggest commands that read the same config file", async () => {
    view.now = { ...view.now, brokers: [aBroker({ problem: "It refuses the key", hint: "sortgate check says why" })] };
    expect((await queue("stats")).stdout).toContain(`\n  Try: sortgate check --config ${daemon.config} says why\n`);
    const { stderr } = await queue(
      "replay",
      "--from",
      "3",
      "--to",
      "5",
      "--broker",
      "central",
      "--reason",
      "TICKET-12",
    );
    expect(stderr).toContain(`sortgate queue stats --config ${daemon.config} shows how many are left`);
  });
});

describe("queue peek", () => {
  test("shows the newest events masked", async () => {
    const { stdout } = await queue("peek", "--limit", "2");
    expect(stdout.trimEnd().split("\n")).toEqual([
      expect.stringMatching(/^sequence +time/),
      expect.stringMatching(/^11 .*SF•+6739 {2}waybill$/),
      expect.stringMatching(/^12 .*SF•+6739 {2}waybill$/),
    ]);
    expect(stdout).not.toContain(waybill);
  });

  test("shows events from a sequence on, as JSON masked too", async () => {
    const { stdout } = await queue("peek", "--from", "3", "--limit", "1", "--json");
    expect(JSON.parse(stdout)).toMatchObject({ first: 1, last: 12, events: [{ sequence: "3" }] });
    expect(stdout).not.toContain(waybill);
  });

  test("names each alarm, and then says its state or what it is about", async () => {
    const alarms = [
      { alarm: "order-refused", reason: "older" },
      { alarm: "order-refused", reason: "signature" },
      { alarm: "reveals", count: 6 },
      { alarm: "unsealed" },
      { alarm: "ledger-fills", state: "raised", hours: 2.8 },
      { alarm: "clock-stepped", stepMs: -3_000 },
    ];
    const none = { code: undefined, codeClass: undefined, device: undefined, readPoint: undefined };
    view.events = async () =>
      alarms.map((data, index) => ({ ...anEvent(index + 1, { ...none, ...data }), kind: "alarm" }));
    const { stdout } = await queue("peek", "--from", "1", "--limit", "6");
    expect(stdout.trimEnd().split("\n").slice(1)).toEqual(
      [
        "order-refused  older",
        "order-refused  signature",
        "reveals  count 6",
        "unsealed",
        "ledger-fills  raised  2.8 h",
        "clock-stepped  -3000 ms",
      ].map((text) => expect.stringMatching(new RegExp(` alarm .* {2}${text}$`))),
    );
  });

  test("says which events there are when it shows none", async () => {
    expect((await queue("peek", "--from", "99")).stdout).toBe("There are events 1 to 12 only\n");
  });
});

describe("queue export", () => {
  test("writes the exact bytes to stdout, and who, what and why into the chain", async () => {
    const args = ["queue", "export", "--config", daemon.config, "--from", "3", "--to", "5", "--reason", "TICKET-1"];
    const { code, stdout, stderr } = await runBuilt(args, { env: { SUDO_USER: "" } });
    expect({ code, stdout }).toEqual({ code: 0, stdout: stored(3, 4, 5) });
    expect(stderr).toContain("3 events; the export stands in the chain");
    const { username, uid } = userInfo();
    expect(view.audits).toEqual([
      { action: "queue-export", detail: { by: username, uid: String(uid), reason: "TICKET-1", from: 3, to: 5 } },
    ]);
  });

  test("behind sudo names the person", async () => {
    await runBuilt(["queue", "export", "--config", daemon.config, "--reason", "x"], { env: { SUDO_USER: "alice" } });
    expect(view.audits[0]?.detail.by).toBe(`alice as ${userInfo().username}`);
  });

  test("does nothing without a reason", async () => {
    expect(await queue("export")).toMatchObject({ code: 2, stderr: expect.stringContaining("--reason") });
    expect(await queue("export", "--reason", " ")).toMatchObject({ code: 2 });
    expect(await queue("export", "--reason", `lost ${waybill}`)).toMatchObject({ code: 2 });
    expect(view.audits).toEqual([]);
  });

  test("writes a new file that only its owner may read, and never over another", async () => {
    const file = join(daemon.folder, "events.jsonl");
    expect(await queue("export", "--reason", "x", "--output", file, "--to", "2")).toMatchObject({
      code: 0,
      stdout: "",
    });
    expect(readFileSync(file, "utf8")).toBe(stored(1, 2));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    writeFileSync(file, "mine");
    expect(await queue("export", "--reason", "x", "--output", file)).toMatchObject({ code: 2 });
    expect(readFileSync(file, "utf8")).toBe("mine");
    expect(await queue("export", "--reason", "x", "--output", "/nowhere/events")).toMatchObject({ code: 2 });
  });

  test("says in the words of the command line what is wrong with a range or a reason", async () => {
    const tried = async (...argv: string[]): Promise<string> =>
      (await queue("export", "--reason", "x", ...argv)).stderr.trimEnd().split("\n").at(-1) ?? "";
    expect(await tried("--from", "9", "--to", "3")).toBe("Try: --from 1 --to 100");
    expect(await tried("--reason", " ")).toBe("Try: --reason TICKET-4711");
    expect(await tried("--reason", "for the police")).toBe(
      "Try: one word without a long number, for example TICKET-4711",
    );
    expect(await tried("--from", "99")).toBe(
      `Try: see which there are: sortgate queue stats --config ${daemon.config}`,
    );
    expect(await tried("--output", "/nowhere/events")).toContain("ls -ld /nowhere");
  });

  test("of a range without events leaves no empty file", async () => {
    const file = join(daemon.folder, "none.jsonl");
    expect(await queue("export", "--reason", "x", "--from", "99", "--output", file)).toMatchObject({ code: 2 });
    expect(existsSync(file)).toBe(false);
  });

  test("in every example of its help that pipes into verify, verifies", async () => {
    await daemon.close();
    view = aView(captured("whole.jsonl"));
    daemon = await aDaemon(view);
    const { stdout } = await runHere("queue", "export", "--help");
    const examples = [...stdout.matchAll(/^ {2}sortgate (queue export .*) \| sortgate (verify .*)$/gm)];
    expect(examples).toHaveLength(1);
    for (const [, first = "", second = ""] of examples) {
      const exported = await runBuilt([...first.split(" "), "--config", daemon.config]);
      const file = join(daemon.folder, "piped.jsonl");
      writeFileSync(file, exported.stdout);
      const argv = second.replace(" - ", ` ${file} `).replace("line-3.crt", "tests/vectors/events/cert.der").split(" ");
      expect(await runHere(...argv)).toMatchObject({ code: 0, stdout: expect.stringContaining("authentic") });
    }
  });

  test("that breaks off leaves no file that looks whole", async () => {
    view.events = async (from) => {
      if (from > 1) throw new Error("disk");
      return [anEvent(1)];
    };
    const file = join(daemon.folder, "events.jsonl");
    expect((await queue("export", "--reason", "x", "--output", file)).code).toBe(3);
    expect(existsSync(file)).toBe(false);
  });
});

describe("queue replay", () => {
  const asked = ["--from", "3", "--to", "5", "--broker", "central"];

  test("says how many events go again, and puts who, what and why into the chain", async () => {
    const { code, stdout } = await queue("replay", ...asked, "--reason", "TICKET-12");
    expect(code).toBe(0);
    expect(stdout).toContain("3 events go to central again");
    const detail = { by: expect.any(String), reason: "TICKET-12", broker: "central", from: 3, to: 5, count: 3 };
    expect(view.audits).toMatchObject([{ action: "queue-replay", detail }]);
    const json = await queue("replay", ...asked, "--reason", "TICKET-12", "--json");
    expect(JSON.parse(json.stdout)).toEqual({ count: 3 });
  });

  test("is refused without a reason, a broker or a range, and with a number of a parcel for a reason", async () => {
    expect((await queue("replay", ...asked)).code).toBe(2);
    expect((await queue("replay", "--from", "3", "--to", "5", "--reason", "TICKET-12")).code).toBe(2);
    expect((await queue("replay", "--broker", "central", "--reason", "TICKET-12")).code).toBe(2);
    expect((await queue("replay", ...asked, "--reason", waybill)).code).toBe(2);
    expect(view.audits).toEqual([]);
  });

  test("tells what the ledger has against it, and audits nothing", async () => {
    view.replay = async () => {
      throw new SortgateError("usage/unknown-name", "There is no broker", { hint: "one of central" });
    };
    expect(await queue("replay", ...asked, "--reason", "TICKET-12")).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("one of central"),
    });
    expect(view.audits).toEqual([]);
  });

  test("is seen in queue stats until it is over", async () => {
    view.now = { ...view.now, brokers: [aBroker({ replay: { from: 3, to: 5, leftCount: 2 } })] };
    expect((await queue("stats")).stdout).toContain("central: events 3 to 5 go out again, 2 are left");
  });
});

describe("queue verify", () => {
  async function verified(name: string, ...more: string[]) {
    await daemon.close();
    view = aView(captured(name));
    daemon = await aDaemon(view);
    return queue("verify", ...more);
  }

  test("finds a whole chain whole, and with the device's certificate authentic", async () => {
    const consistent = await verified("whole.jsonl");
    expect(consistent).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^whole up to sequence 10: .*consistent/m),
    });
    const authentic = await verified("whole.jsonl", "--trust", "tests/vectors/events/cert.der");
    expect(authentic).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^whole up to sequence 10: .*authentic/m),
    });
  });

  test("reads afresh what was destroyed while it was read, and says so where that never ends", async () => {
    for (const [times, code] of [
      [1, 0],
      [9, 1],
    ] as const) {
      await daemon.close();
      view = aView(captured("whole.jsonl"));
      const [{ events, status }, { queue: sound }] = [view, view.now];
      view.status = async () => {
        const isGone = view.audits.length <= times && view.audits.length > 0;
        return { ...(await status()), queue: isGone ? { ...sound, first: 9 } : sound };
      };
      view.events = async (from, to) => {
        const isGone = view.audits.length <= times && from > 3;
        return (await events(isGone ? Math.max(from, 9) : from, to, 1e6)).slice(0, 1);
      };
      daemon = await aDaemon(view);
      const judged = await queue("verify");
      expect([judged.code, view.audits.length]).toEqual([code, Math.min(times + 1, 5)]);
      expect(judged.stdout + judged.stderr).toMatch(
        code === 0 ? /^whole up to sequence 10/m : /were destroyed.*again/s,
      );
    }
  });

  test("holds no event whose key is not there: with a day of them it takes no more memory", async () => {
    await daemon.close();
    view = aView();
    const header = { alg: "Ed25519", kid: "k".repeat(43), typ: "sortgate-event+jws" };
    const signature = `${Buffer.from(JSON.stringify(header)).toString("base64url")}..${"A".repeat(86)}`;
    const last = 60_000;
    const textOf = (sequence: number): string =>
      JSON.stringify({
        data: { filler: "x".repeat(1_000) },
        id: `line-3/6f1c2a9be04d/${sequence}`,
        previous: "A".repeat(43),
        sequence: String(sequence),
        signature,
        source: "/sites/HZ01/gateways/line-3",
        specversion: "1.0",
        time: "2026-11-23T03:10:11.123Z",
        type: "org.sortgate.read.v1",
      });
    view.now = { ...view.now, queue: { ...view.now.queue, first: 1, last } };
    view.events = async (from, to) =>
      Array.from({ length: Math.min(600, to - from + 1) }, (_, index) => {
        return { ...anEvent(1), sequence: from + index, bytes: Buffer.from(textOf(from + index)) };
      });
    daemon = await aDaemon(view);
    const nodeArgv = ["--max-old-space-size=48"];
    const { code, stdout } = await runBuilt(["queue", "verify", "--config", daemon.config], { nodeArgv });
    expect(code).toBe(1);
    expect(stdout).toContain("chain 6f1c2a9be04d: events 1 to 60000");
  }, 30_000);

  test("takes several certificates to trust, in any order, and says so where one is missing", async () => {
    const cert = "tests/vectors/events/cert.der";
    const other = join(daemon.folder, "other.crt");
    const made = ["req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=other"];
    const pem = execFileSync("openssl", made, { stdio: "pipe" });
    writeFileSync(other, pem);
    expect(await verified("whole.jsonl", "--trust", cert, "--trust", cert)).toMatchObject({ code: 0 });
    writeFileSync(join(daemon.folder, "other.crt"), pem);
    for (const [first, second] of [
      [cert, join(daemon.folder, "other.crt")],
      [join(daemon.folder, "other.crt"), cert],
    ] as const)
      expect(await queue("verify", "--trust", first, "--trust", second)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^whole up to sequence 10: .*authentic/m),
      });
    expect(await queue("verify", "--trust", join(daemon.folder, "other.crt"))).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^Try: sortgate queue verify --config \S+ --trust OLD --trust NEW/m),
    });
  });

  test("without a certificate names its own command as the next step, not another", async () => {
    const { stdout } = await verified("whole.jsonl");
    expect(stdout).toContain(`Try: sortgate queue verify --config ${daemon.config} --trust CERTIFICATE`);
    expect(stdout).not.toContain("sortgate verify");
    expect(await queue("verify", "--trust", "/nowhere.crt")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /^Error: There is no file \/nowhere\.crt, given with --trust\nTry: give the gateway's cert/,
      ),
    });
  });

  test("finds the altered event, and ends with 1", async () => {
    const { code, stdout } = await verified("altered-3.jsonl", "--json");
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      verdict: "broken",
      chains: [{ findings: expect.arrayContaining([expect.objectContaining({ kind: "altered", sequence: 3 })]) }],
    });
  });

  test("tells the chain that it was looked at, and shows nothing of it", async () => {
    const { stdout, stderr } = await queue("verify");
    expect(stdout + stderr).not.toContain(waybill);
    expect(view.audits).toMatchObject([{ action: "queue-verify" }]);
  });

  test("of an empty ledger is a problem", async () => {
    await daemon.close();
    view = aView([]);
    daemon = await aDaemon(view);
    expect(await queue("verify")).toMatchObject({ code: 1, stderr: expect.stringContaining("no event on disk") });
  });
});

describe("keys", () => {
  async function keys(...argv: string[]): Promise<string> {
    let text = "";
    const stream = {
      write: (part: string) => {
        text += part;
      },
    };
    const program = new Command().exitOverride();
    addKeysOnline(program, createOutput({ stdout: stream, stderr: stream, json: argv.includes("--json") }));
    await program.parseAsync([...argv, "--config", daemon.config], { from: "user" });
    return text;
  }

  test("show tells the epoch key and the certificate with its file", async () => {
    const text = await keys("show");
    for (const fact of ["kid-of-the-epoch-key", "CN=line-3", "AB:CD", "2036-11-23", "identity/device.crt"])
      expect(text).toContain(fact);
    expect(JSON.parse(await keys("show", "--json"))).toMatchObject({ kid: "kid-of-the-epoch-key" });
  });

  test("show tells after an import what is in use now, and what after the restart", async () => {
    const { certificate } = view.now.chain;
    const onDisk = { subject: "O=site, CN=line-3", fingerprint: "12:34", notAfter: "2030-01-01T00:00:00.000Z" };
    view.now = { ...view.now, chain: { ...view.now.chain, certificate: { ...certificate, onDisk } } };
    const [, now = "", after = ""] =
      /^In use now\n([\s\S]*)\n\nIn use after the restart\n([\s\S]*)$/.exec(await keys("show")) ?? [];
    for (const fact of ["kid-of-the-epoch-key", "AB:CD", "2036-11-23", "device-*.crt"]) expect(now).toContain(fact);
    expect(now).not.toContain("device.crt");
    for (const fact of ["12:34", "O=site", "2030-01-01", "identity/device.crt", "Try: systemctl restart sortgate"])
      expect(after).toContain(fact);
    expect(after).toContain("--trust OLD --trust NEW");
  });

  test("show says so when the file of the certificate cannot be read", async () => {
    const { onDisk: _, ...certificate } = view.now.chain.certificate;
    view.now = { ...view.now, chain: { ...view.now.chain, certificate } };
    expect(await keys("show")).toMatch(/AB:CD[\s\S]*cannot be told/);
  });

  test("show tells that the certificate in use ended, and how to get another", async () => {
    const { chain } = view.now;
    const days = { state: "ended", level: "problem", problem: "It ended", hint: "sortgate keys csr" } as const;
    view.now = { ...view.now, chain: { ...chain, certificate: { ...chain.certificate, days } } };
    expect(await keys("show")).toMatch(/It ended\n {2}Try: sortgate keys csr\n$/);
  });

  test("rotate tells the new key and the event that begins with it", async () => {
    expect(await keys("rotate", "--reason", "TICKET-2")).toBe("Event 13 begins a new epoch; its key is new-kid\n");
    expect(view.audits).toMatchObject([{ action: "keys-rotate", detail: { reason: "TICKET-2" } }]);
  });
});
