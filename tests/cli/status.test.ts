import { existsSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { aBroker, aDevice, aStatus, aView } from "../control/a-view.ts";
import { builtMain, runBuilt, runHere } from "./run-here.ts";
import { aConfig, aDaemon, aFolder } from "./with-daemon.ts";

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
    expect(stdout).toMatch(/^scanner-1 +tunnel-1 +serial +up for 1 min +100 +2\.5 +3 +1 +7 +400 ms ago$/m);
    expect(stdout).toMatch(/^tunnel-1 +100 +40 +58 +2 too-weak +3 +1$/m);
    expect(stdout).toMatch(/^central +up for 59 s +5 +0 .*mqtts:\/\/broker\.example:8883$/m);
    expect(stdout).toContain("2 events were destroyed before every broker had them");
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
    expect(stdout).toMatch(/down for 59 s +5 +12,345 +12 min 34 s/);
    expect(stdout).toContain("central: Connection refused");
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
    }
    const { stdout } = await runBuilt(["status", "--config", config, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "control/unreachable" } });
    folder.remove();
  });
});
