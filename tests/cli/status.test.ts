import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { configDigest, readConfig } from "../../src/config/index.ts";
import { aBroker, aDevice, aStatus, aView } from "../control/a-view.ts";
import { builtMain, runBuilt, runHere } from "./run-here.ts";
import { aConfig, aDaemon, aFolder } from "./with-daemon.ts";

const digestOf = async (path: string): Promise<string> => configDigest(await readConfig(path));

describe("sortgate status", () => {
  let view: ReturnType<typeof aView>;
  let daemon: Awaited<ReturnType<typeof aDaemon>>;
  beforeEach(async () => {
    view = aView();
    daemon = await aDaemon(view);
  });
  afterEach(() => daemon.close());
  const status = (...more: string[]) => runHere("status", "--config", daemon.config, ...more);

  test("shows gateway, devices, read points, brokers and disk, and ends with 0 when all is up", async () => {
    const { code, stdout, stderr } = await status();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("line-3 at HZ01: ready, up for 1 min 1 s, sortgate 0.1.0, 80.0 MB of memory");
    expect(stdout).toMatch(/^scanner-1 +tunnel-1 +up for 1 min +100 +2\.5 +3 +1 +400 ms ago$/m);
    expect(stdout).toMatch(/^tunnel-1 +100 +40 +58 +2 too-weak +3 +1$/m);
    expect(stdout).toMatch(/^central +up for 59 s +5 +0 +0 +12 +12$/m);
    expect(stdout).toContain("\ncentral is mqtts://broker.example:8883\n");
    expect(stdout).toContain("2 events were destroyed or refused before every broker had them");
    expect(stdout).toContain("events 1 to 12; 36.9 kB of 2.0 GB used");
  });

  test("ends with 1 and says why when a device is down", async () => {
    view.now = aStatus({ devices: [aDevice({ state: "down", problem: "Cannot read /dev/ttyUSB0: the port closed" })] });
    const { code, stdout } = await status();
    expect(code).toBe(1);
    expect(stdout).toContain("scanner-1: Cannot read /dev/ttyUSB0: the port closed");
  });

  test("ends with 1 when a broker is down, and shows what it lacks since when", async () => {
    view.now = aStatus({
      brokers: [
        aBroker({ state: "down", problem: "Connection refused", queuedCount: 12_345, oldestQueuedMs: 754_000 }),
      ],
    });
    const { code, stdout } = await status();
    expect(code).toBe(1);
    expect(stdout).toMatch(/down for 59 s +5 +12,345 +12 min/);
    expect(stdout).toContain("central: Connection refused");
  });

  test("shows when a broker will have all and when the disk is full, and nothing where that never happens", async () => {
    view.now = aStatus({
      brokers: [
        aBroker({ queuedCount: 5_000, hoursUntilDrained: 0.5 }),
        aBroker({ name: "away", state: "down", queuedCount: 5_000, hoursUntilDrained: null }),
        aBroker({ name: "idle", queuedCount: 0, hoursUntilDrained: 0 }),
      ],
    });
    const never = await status();
    expect(never.stdout).toContain("\ncentral: drained in 30 min\n");
    expect(never.stdout).not.toContain("away: drained");
    expect(never.stdout).not.toContain("idle: drained");
    expect(never.stdout).toContain("of files\n");
    expect(never.stdout).not.toContain("The queue will be full");
    view.now = aStatus({ queue: { ...aStatus().queue, hoursUntilFull: 7.5 } });
    const soon = await status();
    expect(soon.stdout).toContain("of files; full in 7 h\n");
    expect(soon.stdout).toMatch(/The queue will be full in 7 h 30 min[^\n]*\n {2}Try: bring the broker back/);
    const asJson = JSON.parse((await status("--json")).stdout);
    expect([asJson.queue.hoursUntilFull, asJson.brokers[0].hoursUntilDrained]).toEqual([7.5, 0]);
  });

  test("tells a device certificate that ends soon, and ends with 1 while it does not hold", async () => {
    const { chain } = aStatus();
    const put = (level: "problem" | "warning", onDisk?: { fingerprint: string; days?: { level: "problem" } }): void => {
      const days = {
        state: "ended",
        level,
        problem: "The device certificate ended",
        hint: "sortgate keys csr",
      } as const;
      const there = { ...chain.certificate, ...onDisk, days: onDisk?.days && { ...days, ...onDisk.days } };
      view.now = aStatus({ chain: { ...chain, certificate: { ...chain.certificate, days, onDisk: there } as never } });
    };
    put("problem");
    expect(await status()).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(
        `The device certificate ended\n  Try: sortgate keys csr --config ${daemon.config}\n`,
      ),
    });
    put("warning");
    expect(await status()).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("The device certificate ended\n"),
    });
    put("problem", { fingerprint: "12:34" });
    expect((await status()).stdout).toContain("The device certificate ended\n  Try: systemctl restart sortgate");
    put("problem", { fingerprint: "12:34", days: { level: "problem" } });
    expect((await status()).stdout).toContain(
      `The device certificate ended\n  Try: sortgate keys csr --config ${daemon.config}\n`,
    );
  });

  test("names in help and README every reason for which it ends with 1", async () => {
    const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
    const { stdout } = await runHere("help", "status");
    for (const text of [stdout, readme.split("\n").find((line) => line.includes("`status` ends with 1 while")) ?? ""])
      for (const reason of [
        "the signed policy is refused",
        "nothing can be sealed to the centre",
        "an order of the centre cannot come, be proven or be done",
        "events were lost",
        "the device certificate does not hold",
        "numbers today",
      ])
        expect(text.replaceAll(/\s+/g, " ")).toContain(reason);
  });

  test("says that the national algorithms are on, and nothing where they are not", async () => {
    view.now = aStatus({ policy: { hash: "A", crypto: "gm" } });
    expect((await status()).stdout).toMatch(/^National algorithms \(crypto = "gm"\): tokens by HMAC-SM3, .*SM2/m);
    expect(JSON.parse((await status("--json")).stdout).policy.crypto).toBe("gm");
    for (const policy of [{ hash: "A", crypto: "intl" } as const, { hash: "A" }]) {
      view.now = aStatus({ policy });
      expect((await status()).stdout).not.toContain("National");
    }
  });

  test("R04 ends with 1 while what is to be sealed is dropped, and says what to look at", async () => {
    view.now = aStatus({ sealing: "no-key" });
    const { code, stdout } = await status();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /Nothing can be sealed to the centre[^\n]*\n {2}Try: sortgate check --config \S+ looks at seal_key_file/,
    );
    view.now = aStatus({ sealing: "ready" });
    expect((await status()).code).toBe(0);
  });

  test("R41 ends with 1 while the signed policy is not in force, and shows the one that is", async () => {
    const hash = "A".repeat(43);
    view.now = aStatus({ policy: { hash, problem: "the policy is version 6", hint: "take the newest" } });
    const refused = await status();
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(
      /All codes leave as tokens, [^\n]*: the policy is version 6\n {2}Try: take the newest; then: systemctl restart sortgate/,
    );
    expect(refused.stdout).toContain(`Policy that lets out tokens alone; hash ${hash}`);
    view.now = aStatus({ policy: { hash, version: 7, file: "/etc/policy.jws", fileNow: "same", isOver: false } });
    const held = await status();
    expect([held.code, held.stdout]).toEqual([
      0,
      expect.stringContaining(`Policy version 7, signed by the centre; hash ${hash}`),
    ]);
    expect(held.stdout).not.toMatch(/policy\.jws|tokens/);
    view.now = aStatus({ policy: { hash, version: 7, notAfter: "2026-11-23T03:00:00.000Z", isOver: true } });
    const over = await status();
    expect([over.code, over.stdout]).toEqual([
      0,
      expect.stringMatching(
        /The signed policy ended on 2026-11-23T03:00:00.000Z: the next start lets out tokens alone\n {2}Try: /,
      ),
    ]);
  });

  test("R15 says what is sealed to, and when its file is another one, or gone", async () => {
    const sealKey = { file: "/etc/centre.pem", fingerprint: "0123456789abcdef".repeat(4), fileNow: "same" } as const;
    view.now = aStatus({ sealing: "ready", policy: { hash: "A" }, sealKey });
    const { code, stdout } = await status();
    expect([code, stdout]).toEqual([0, expect.stringContaining("Sealed to 0123 4567 89ab cdef (/etc/centre.pem)\n")]);
    view.now = aStatus({ sealing: "ready", sealKey: { ...sealKey, fileNow: "changed" } });
    expect((await status()).stdout).toMatch(
      /centre.pem is not what the daemon runs with: another key of the centre needs a restart\n {2}Try: /,
    );
    view.now = aStatus({ sealing: "ready", sealKey: { ...sealKey, fileNow: "gone" } });
    expect((await status()).stdout).toMatch(
      /centre.pem is gone: the daemon goes on with the key of the centre[^\n]*\n {2}Try: put it back/,
    );
  });

  test("R40 ends with 1 while somebody was given too many numbers today, and says who", async () => {
    view.now = aStatus({ reveals: [{ by: "alice", uid: "1000", count: 1_001, max: 1_000, day: "2026-11-23" }] });
    const { code, stdout } = await status();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^alice \(uid 1000\) was given 1,001 numbers in clear on 2026-11-23 \(UTC\); reveals_max is 1,000\n {2}Try: ask why; /m,
    );
  });

  test("R33 says by which broker orders come and which was the last, and ends with 1 while none can come or be done", async () => {
    const asked = { subscribed: true, problem: "" };
    const orders = { last: 12, waitingCount: 0, refusedCount: {} };
    view.now = aStatus({ brokers: [aBroker({ orders: asked }), aBroker({ name: "other" })], orders });
    const well = await status();
    expect(well.code).toBe(0);
    expect(well.stdout).toContain("\nOrders of the centre come by central: the last one carried out is 12\n");
    expect(well.stdout).not.toContain("refused since");
    view.now = aStatus({
      brokers: [
        aBroker({ orders: { subscribed: false, problem: "no orders come by it: it refuses", hint: "the ACL" } }),
      ],
      orders: { waitingCount: 0, refusedCount: { signature: 2, "too-many": 1 } },
    });
    const refused = await status();
    expect(refused.code).toBe(1);
    expect(refused.stdout).toContain("\nOrders of the centre come by central (not subscribed): none was carried out\n");
    expect(refused.stdout).toContain(
      "\nOrders refused since the start: 2 signature, 1 too-many; the log and the chain say more\n",
    );
    expect(refused.stdout).toContain("\ncentral: no orders come by it: it refuses\n  Try: the ACL\n");
    const delayed = { broker: "central", order: 13, problem: "There is no room", hint: "df -h" };
    view.now = aStatus({
      brokers: [aBroker({ orders: asked })],
      orders: { ...orders, waitingCount: 2, delayed, missing: 31 },
    });
    const late = await status();
    expect(late.code).toBe(1);
    expect(late.stdout).toContain("the last one carried out is 12, 2 not done yet\n");
    expect(late.stdout).toMatch(
      /Order 13 of the centre is not done yet[^\n]*: There is no room\n {2}Try: df -h; it is tried again/,
    );
    expect(late.stdout).toMatch(
      /found no room, or may have gone down in a flood, from number 31 on[^\n]*\n {2}Try: have the centre send order 31 again/,
    );
    expect(JSON.parse((await status("--json")).stdout).orders).toEqual({
      ...orders,
      waitingCount: 2,
      delayed,
      missing: 31,
    });
    view.now = aStatus();
    expect((await status()).stdout).not.toContain("Orders");
  });

  test("R33 ends with 1 while an order waits for the centre's key, and names its file; one that was refused is told alone", async () => {
    const brokers = [aBroker({ orders: { subscribed: true, problem: "" } })];
    const problem = "the centre's public key /etc/sortgate/centre.pem cannot be read (ENOENT)";
    const delayed = { broker: "central", problem, hint: "put it there" };
    view.now = aStatus({ brokers, orders: { waitingCount: 1, delayed, refusedCount: {} } });
    const { code, stdout } = await status();
    expect(code).toBe(1);
    expect(stdout).toContain(
      `\ncentral: an order cannot be judged yet, and later ones wait for it: ${problem}\n  Try: put it there; it is tried again each minute\n`,
    );
    // The first order may come in a year.
    view.now = aStatus({
      brokers,
      orders: { waitingCount: 0, keyProblem: { problem, hint: "put it there" }, refusedCount: {} },
    });
    const none = await status();
    expect(none.code).toBe(1);
    expect(none.stdout).toContain(`\nNo order of the centre can be proven: ${problem}\n  Try: put it there\n`);
    view.now = aStatus({ brokers, orders: { waitingCount: 0, refusedCount: { signature: 2, unsigned: 1, older: 1 } } });
    const refused = await status();
    expect(refused.code).toBe(0);
    expect(refused.stdout).toContain("\nOrders refused since the start: 2 signature, 1 unsigned, 1 older; ");
  });

  test("R53 says which labels show personal data, and nothing where none does", async () => {
    view.now = aStatus({ labels: [{ format: "text", labelCount: 9, leakingCount: 0 }] });
    expect((await status()).stdout).not.toContain("Labels");
    view.now = aStatus({ labels: [{ format: "url", labelCount: 7, leakingCount: 2 }] });
    const { code, stdout } = await status();
    expect(code).toBe(0);
    expect(stdout).toContain(
      "\nLabels printed with personal data in clear, since the start: url 2; the daily audit event says which\n",
    );
  });

  test("R20 ends with 1 for a day after events were lost for want of room, and says when; what was lost before is told alone", async () => {
    const lossOf = (lossAgoMs: number) => ({ queue: { ...aStatus().queue, lossAgoMs } });
    view.now = aStatus(lossOf(86_399_000));
    const lately = await status();
    expect(lately.code).toBe(1);
    expect(lately.stdout).toMatch(
      /^2 events were destroyed .*: the queue was full; the last loss was 23 h 59 min ago$/m,
    );
    expect(lately.stdout).toMatch(/^1 event did not reach the disk: .*; the last loss was 23 h 59 min ago$/m);
    view.now = aStatus(lossOf(86_400_000));
    const old = await status();
    expect([old.code, old.stdout]).toEqual([0, expect.stringContaining("the queue was full; the last loss was 1 d")]);
    view.now = aStatus();
    const before = await status();
    expect([before.code, before.stdout]).toEqual([0, expect.stringContaining("the queue was full\n")]);
  });

  test("suggests commands that read the same config file", async () => {
    view.now = aStatus({ devices: [] });
    expect((await status()).stdout).toContain(
      `\nNo device is configured. Try: sortgate devices --config ${daemon.config}\n`,
    );
  });

  test("ends with 1 when a broker is up and refuses what it is sent", async () => {
    view.now = aStatus({ brokers: [aBroker({ problem: "Broker does not take our read events" })] });
    expect((await status()).code).toBe(1);
  });

  const dayMs = 86_400_000;
  test.each([dayMs - 60_000, dayMs])("ends with 1 for a day (%d ms) after a broker refused for ever", async (agoMs) => {
    const lastRefused = { sequence: 3, reason: "0x99 it is not", at: new Date(Date.now() - agoMs).toISOString() };
    view.now = aStatus({ brokers: [aBroker({ refusedCount: 2, lastRefused })] });
    const stdout = expect.stringContaining("central: will never take 2 events, which stay in the ledger; the last");
    expect(await status()).toMatchObject({ code: agoMs < dayMs ? 1 : 0, stdout });
  });

  test("says of a device that is made to wait why, and what to do", async () => {
    view.now = aStatus({
      devices: [
        aDevice({ state: "paused", problem: "It is not read while the ledger is full", hint: "free the disk" }),
      ],
    });
    const { code, stdout } = await status();
    expect(code).toBe(1);
    expect(stdout).toMatch(/^scanner-1 +tunnel-1 +paused for 1 min/m);
    expect(stdout).toContain("scanner-1: It is not read while the ledger is full\n  Try: free the disk\n");
  });

  /** The names that a site of some size has, and numbers after some weeks. */
  const busy = () =>
    aStatus({
      devices: [
        aDevice({
          name: "scanner-tunnel-12",
          readPoint: "tunnel-12-left",
          state: "down",
          problem: "Cannot read /dev/ttyUSB0: the port closed",
          forMs: 3_555_000,
          readCount: 12_345_678,
          noReadCount: 123_456,
          malformedCount: 1_234,
          readsPerSecond: 123.4,
          quietMs: 3_555_000,
        }),
        aDevice({ name: "a-scanner-with-a-name-as-long-as-names-may-be-left", readPoint: "tunnel-12-left-and-right" }),
      ],
      brokers: [
        aBroker({
          name: "central-hangzhou",
          state: "connecting",
          forMs: 59_000,
          queuedCount: 1_234_567,
          oldestQueuedMs: 7_200_000,
          inFlightCount: 256,
          acknowledgedCount: 12_345_678,
          deliveredTo: 12_345_678,
        }),
      ],
    });

  test("keeps its tables within 100 columns with the names and numbers of a busy site", async () => {
    view.now = busy();
    const { stdout } = await status();
    const lines = stdout.split("\n");
    const tables = lines.filter((line, index) => / {2,}\S/.test(line) && !line.startsWith("  Try:") && index > 1);
    expect(tables.length).toBeGreaterThan(6);
    expect(tables.filter((line) => [...line].length > 100)).toEqual([]);
    expect(stdout).toMatch(/^scanner-tunnel-12 +tunnel-12-left +down for 59 min +12,345,678 +123\.4 /m);
    expect(stdout).toMatch(/^a-scanne…y-be-left +tunnel…d-right +up /m);
  });

  test.each([
    [
      "a device that is down",
      { devices: [aDevice({ state: "down", problem: "There is no /dev/ttyUSB0", hint: "check cable and power" })] },
      "scanner-1: There is no /dev/ttyUSB0\n  Try: check cable and power\n",
    ],
    [
      "a device whose frames do not fit",
      { devices: [aDevice({ malformedCount: 3, discardedByteCount: 1_200 })] },
      "scanner-1: frames that could not be decoded: 3, bytes that belonged to no frame: 1,200\n  Try: if they keep growing, ",
    ],
    [
      "a broker that cannot be reached",
      { brokers: [aBroker({ state: "down", problem: "Broker refuses the connection", queuedCount: 12 })] },
      "central: Broker refuses the connection; 12 events wait for it on disk\n  Try: check that the broker runs and that this box reaches it: nc -vz broker.example 8883\n",
    ],
    [
      "a broker that is not trusted",
      { brokers: [aBroker({ state: "down", problem: "Broker shows a certificate that has expired" })] },
      "\n  Try: check ca_file, cert_file, key_file, ",
    ],
    [
      "a broker that does not let us in",
      { brokers: [aBroker({ state: "down", problem: "Broker refuses the user name or password" })] },
      "\n  Try: check username and password_file, ",
    ],
    [
      "a broker that is up and too slow",
      { brokers: [aBroker({ queuedCount: 900, oldestQueuedMs: 120_000 })] },
      "central: 900 events wait for it on disk, the oldest for 2 min, although it is up\n  Try: run this again",
    ],
    [
      "one event that a broker will never have, and one that waits",
      { brokers: [aBroker({ state: "down" as const, queuedCount: 1, lostCount: { erased: 1 } })] },
      "central: will never have 1 event (erased)\ncentral: it is down; 1 event waits for it on disk\n",
    ],
    [
      "a clock that nobody sets",
      { gateway: { ...aStatus().gateway, clockSynced: false } },
      "and each event says so; until it is (or, with no time service, has run for a day without a step) no event is destroyed for its age\n  Try: timedatectl set-ntp true",
    ],
    [
      "a queue that fills",
      {
        brokers: [aBroker({ state: "down" as const, queuedCount: 9 })],
        queue: { ...aStatus().queue, usedBytes: 1_800_000_000 },
      },
      "The queue fills: undelivered events take 67 % of it\n  Try: bring the broker back, or raise bytes_max ",
    ],
    [
      "a queue that fills a disk with less room than bytes_max",
      {
        brokers: [aBroker({ state: "down" as const, queuedCount: 12 })],
        queue: { ...aStatus().queue, fileBytes: 6_000_000, usedBytes: 5_000_000, diskFreeBytes: 780_000 },
      },
      "The queue fills: undelivered events take 73 % of it; the disk of data_dir has 780 kB left, less than bytes_max allows\n  Try: bring the broker back, or free the disk: df -h; once it is full, when_full decides what is lost\n",
    ],
    [
      "a disk that is full soon",
      { queue: { ...aStatus().queue, diskFreeBytes: 780_000, hoursUntilFull: 1 } },
      "The queue will be full in 1 h, as things go; the disk of data_dir has 780 kB left, less than bytes_max allows\n  Try: bring the broker back, or free the disk: df -h",
    ],
    [
      "a disk that has less room than bytes_max, although nothing fills",
      { queue: { ...aStatus().queue, diskFreeBytes: 780_000 } },
      "used, 49.2 kB of files, and the disk has 780 kB left\n",
    ],
    [
      "a disk that has room",
      { queue: { ...aStatus().queue, diskFreeBytes: 2_000_000_000, hoursUntilFull: 1 } },
      "of files; full in 1 h\nThe queue will be full in 1 h, as things go\n",
    ],
    [
      "a broker that is up and refuses what it is sent",
      { brokers: [aBroker({ problem: "Broker does not take our read events", hint: "allow the topic" })] },
      "central: Broker does not take our read events\n  Try: allow the topic\n",
    ],
    [
      "a full disk",
      { queue: { ...aStatus().queue, full: "disk" as const, uncommittedCount: 9_367, hoursUntilFull: 0 } },
      "The queue is FULL: the disk of data_dir has no room, and the oldest events go, also those that a broker lacks; 9,367 events wait in memory: a stop saves what waits, and a power cut does not\n  Try: bring the broker back, or free the disk: df -h\n",
    ],
    [
      "a full quota",
      {
        queue: {
          ...aStatus().queue,
          full: "bytes_max" as const,
          whenFull: "drop-newest" as const,
          hoursUntilFull: 0,
        },
      },
      "The queue is FULL: bytes_max is reached, and new events are refused\n  Try: bring the broker back, or raise bytes_max under [queue] and restart\n",
    ],
    [
      "lost events",
      {},
      "2 events were destroyed or refused before every broker had them: the queue was full\n  Try: raise bytes_max under [queue] if that was reached, or keep the disk of data_dir free if it was full: df -h; the gap events",
    ],
    [
      "events lost for want of room on the disk",
      { queue: { ...aStatus().queue, full: "disk" as const } },
      "the queue was full\n  Try: free the disk of data_dir: df -h; the gap events",
    ],
    [
      "events lost while the disk has less room than bytes_max",
      { queue: { ...aStatus().queue, diskFreeBytes: 780_000 } },
      "the queue was full\n  Try: free the disk of data_dir: df -h; the gap events",
    ],
    [
      "events lost for want of room in bytes_max",
      { queue: { ...aStatus().queue, full: "bytes_max" as const } },
      "the queue was full\n  Try: raise bytes_max under [queue], if the disk has room; the gap events",
    ],
    ["events that did not reach the disk", {}, "1 event did not reach the disk: it was too slow or full\n  Try: df -h"],
  ])("tells the next step for %s", async (_fact, over, text) => {
    view.now = aStatus(over);
    expect((await status()).stdout).toContain(text);
  });

  test("has no fault to tell where everything is delivered, however full the disk is with what may go", async () => {
    view.now = aStatus({
      devices: [aDevice({ malformedCount: 0, discardedByteCount: 0 })],
      queue: { ...aStatus().queue, usedBytes: 1_999_000_000, lostCount: 0, droppedCount: 0 },
      gateway: { ...view.now.gateway, configDigest: await digestOf(daemon.config) },
    });
    expect((await status()).stdout).not.toContain("Try:");
  });

  test("says that an edited config needs a restart, and says nothing while it is the daemon's own", async () => {
    view.now = aStatus({ gateway: { ...view.now.gateway, configDigest: await digestOf(daemon.config) } });
    expect((await status()).stdout).not.toContain("needs a restart");
    writeFileSync(daemon.config, `# a comment is no change\n${readFileSync(daemon.config, "utf8")}`);
    expect((await status()).stdout).not.toContain("needs a restart");
    writeFileSync(daemon.config, `${readFileSync(daemon.config, "utf8")}[log]\nlevel = "debug"\n`);
    const { code, stdout } = await status();
    expect(code).toBe(0);
    expect(stdout).toContain(
      `${daemon.config} is not what the daemon runs with: an edit of the config needs a restart\n  Try: sortgate check --config ${daemon.config}, then: systemctl restart sortgate\n`,
    );
  });

  test("ends with 1 when the gateway is not ready", async () => {
    view.now = aStatus({ gateway: { ...view.now.gateway, ready: false } });
    expect(await status()).toMatchObject({ code: 1, stdout: expect.stringContaining("not ready") });
  });

  test("prints the whole status as one line of JSON, with the same exit code", async () => {
    const fine = await status("--json");
    expect(fine.code).toBe(0);
    expect(JSON.parse(fine.stdout)).toEqual(view.now);
    expect(fine.stdout.trimEnd()).not.toContain("\n");
    view.now = aStatus({ devices: [aDevice({ state: "opening" })] });
    expect((await status("--json")).code).toBe(1);
  });

  test("is not steered by what a device is said to be", async () => {
    view.now = aStatus({ devices: [aDevice({ problem: "\u001b[2J gone" })] });
    expect((await status()).stdout).not.toContain("\u001b");
  });

  test("says so when the daemon is of another version", async () => {
    view.status = async () => ({ hello: "world" }) as unknown as typeof view.now;
    expect(await status()).toMatchObject({ code: 1, stderr: expect.stringContaining("systemctl restart sortgate") });
  });
});

describe("with a typo in the config", () => {
  const asking = [
    ["status"],
    ["queue", "stats"],
    ["queue", "peek"],
    ["queue", "export", "--reason", "TICKET-1"],
    ["queue", "verify"],
    ["watch", "--seconds", "1"],
    ["keys", "show"],
    ["keys", "rotate"],
  ];

  test.each(asking.map((argv) => [argv.join(" "), argv] as const))(
    "%s still asks the daemon, after one line of warning",
    async (_title, argv) => {
      const daemon = await aDaemon();
      const fine = await runHere(...argv, "--config", daemon.config);
      const text = readFileSync(daemon.config, "utf8");
      for (const broken of [text.replace("site =", "sit ="), text.replace('"HZ01"', "HZ01")]) {
        writeFileSync(daemon.config, broken);
        const { code, stderr } = await runHere(...argv, "--config", daemon.config);
        expect(code).toBe(fine.code);
        expect(stderr.split("\n")[0]).toBe(
          `Warning: ${daemon.config} has problems; sortgate check --config ${daemon.config} names them. Asking the daemon all the same.`,
        );
        expect(stderr.match(/Warning/g)).toHaveLength(1);
      }
      await daemon.close();
    },
  );

  test("of the socket's own line the default is asked, and that is said", async () => {
    const folder = aFolder();
    const config = aConfig(folder.path, "", "control.sock");
    const { code, stderr } = await runHere("status", "--config", config);
    expect(code).toBe(3);
    expect(stderr).toMatch(
      /^Warning: .* names no control socket; .*\. Asking at \/run\/sortgate\/control\.sock\.\nError: /,
    );
    folder.remove();
  });
});

describe("without a daemon", () => {
  test("a config with credentials of the service is enough to ask for it", async () => {
    const folder = aFolder();
    const broker = '[[broker]]\nname = "second"\nurl = "mqtts://broker.example:8883"\n';
    const config = aConfig(
      folder.path,
      `${broker}username = "us"\npassword_file = "\${CREDENTIALS_DIRECTORY}/password"`,
    );
    expect((await runHere("status", "--config", config)).code).toBe(3);
    folder.remove();
  });

  test("the built program ends with 3 and says what to try", async () => {
    expect(existsSync(builtMain)).toBe(true);
    const folder = aFolder();
    const config = aConfig(folder.path);
    for (const command of [["status"], ["watch"], ["queue", "stats"], ["queue", "verify"]]) {
      const ran = await runBuilt([...command, "--config", config]);
      expect(ran.code, command.join(" ")).toBe(3);
      expect(ran.stderr).toMatch(/^Error: The daemon cannot be reached at .*\nTry: systemctl status sortgate, or/);
      expect(ran.stderr).toContain(`sortgate run --config ${config};`);
    }
    const { stdout } = await runBuilt(["status", "--config", config, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "control/unreachable" } });
    folder.remove();
  });
});
