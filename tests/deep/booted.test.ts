import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { aCentre } from "../fakes/policy.ts";
import { figure, seconds } from "../figures.ts";
import { type BootedMachine, bootMachine } from "./rig/booted-machine.ts";
import { defer } from "./rig/defer.ts";

const folder = join(import.meta.dirname, "../../systemd");
let unit: string;
beforeAll(() => {
  unit = readFileSync(join(folder, "sortgate.service"), "utf8");
});

/** Nothing that it names is there: no broker, no device, no network. */
const config = `
[gateway]
site = "HZ01"
id = "line-3"
data_dir = "/var/lib/sortgate"
[[broker]]
name = "central"
url = "mqtts://broker.example:8883"
[control]
socket = "/run/sortgate/control.sock"
[[read_point]]
name = "tunnel-1"
[[device]]
name = "scanner-1"
read_point = "tunnel-1"
driver = "serial"
path = "/dev/ttyUSB0"
profile = "line-barcode"
[guard]
carriers = ["sf"]
`;

/** A machine on which the service is installed as systemd/README.md says, and started. */
async function startService(text = unit): Promise<BootedMachine> {
  const machine = await installService(text);
  machine.run("systemctl", "start", "sortgate");
  expect(machine.show("ActiveState")).toBe("active");
  return machine;
}

async function installService(text = unit): Promise<BootedMachine> {
  const machine = await bootMachine(defer);
  machine.write("/etc/sysusers.d/sortgate.conf", readFileSync(join(folder, "sortgate.sysusers.conf"), "utf8"));
  machine.write("/etc/tmpfiles.d/sortgate.conf", readFileSync(join(folder, "sortgate.tmpfiles.conf"), "utf8"));
  machine.write("/etc/systemd/system/sortgate.service", text);
  machine.run("systemd-sysusers", "sortgate.conf");
  machine.run("systemd-tmpfiles", "--create", "sortgate.conf");
  machine.write("/etc/sortgate/sortgate.toml", config);
  machine.run("chown", "-R", "root:sortgate", "/etc/sortgate");
  machine.run("systemctl", "daemon-reload");
  return machine;
}

/** A scanner that calls the service at this port of the machine. */
const calledDevice = `driver = "tcp"
mode = "listen"
host = "127.0.0.1"
port = 2112
profile = "line-barcode"`;

/** The same line with a scanner that can be played, and more under `[guard]`. */
const playedConfig = (guard: string): string =>
  `${config.replace(/driver = "serial"[\s\S]*?"line-barcode"/, calledDevice)}${guard}`;

const journalOf = (machine: BootedMachine): string => machine.run("journalctl", "-u", "sortgate", "-o", "cat");

/** Has the service read one code, and waits until the event of it is on disk. */
async function takesParcel(machine: BootedMachine): Promise<void> {
  await vi.waitFor(() => machine.run("bash", "-c", "printf 'SF1385628716739\\r' >/dev/tcp/127.0.0.1/2112"), {
    timeout: 20_000,
    interval: 250,
  });
  await vi.waitFor(() => expect(machine.run("sortgate", "queue", "peek")).toContain("scanner-1"), {
    timeout: 20_000,
    interval: 500,
  });
}

const restartsOf = (machine: BootedMachine): number => Number(machine.show("NRestarts"));

/** Waits until the service was restarted once more and is ready again. */
async function isRestarted(machine: BootedMachine, before: number, timeout: number): Promise<void> {
  await vi.waitFor(
    () => {
      expect(restartsOf(machine)).toBeGreaterThan(before);
      expect(machine.show("ActiveState")).toBe("active");
    },
    { timeout, interval: 250 },
  );
}

const kill = (machine: BootedMachine, signal: string): void => {
  machine.run("systemctl", "kill", "--kill-whom=main", `--signal=${signal}`, "sortgate");
};

describe("G15 a service under a booted systemd", () => {
  it("G15 starts unprivileged, is restarted when it hangs, and never ends up failed however often it crashes", async () => {
    const machine = await startService();
    const pid = machine.show("MainPID");
    expect(machine.run("ps", "-o", "user=", "-p", pid).trim()).toBe("sortgate");
    // It ends with 1, because nothing of what the config names is there.
    expect(machine.run("sh", "-c", "sortgate status --json || true")).toContain('"ready":true');

    const hungAt = performance.now();
    kill(machine, "SIGSTOP");
    await isRestarted(machine, 0, 60_000);
    const hungMs = performance.now() - hungAt;
    expect(machine.run("journalctl", "-u", "sortgate", "-o", "cat")).toMatch(/[Ww]atchdog timeout/);
    expect(machine.show("MainPID")).not.toBe(pid);

    // Faster than the default of five in ten seconds, beyond which systemd gives up.
    machine.write("/etc/systemd/system/sortgate.service.d/fast.conf", "[Service]\nRestartSec=100ms\n");
    machine.run("systemctl", "daemon-reload");
    const crashes = 7;
    for (let crash = 0; crash < crashes; crash += 1) {
      const before = restartsOf(machine);
      kill(machine, "SIGKILL");
      await isRestarted(machine, before, 60_000);
    }
    machine.run("systemctl", "stop", "sortgate");
    expect(machine.show("Result")).toBe("success");
    figure(
      "G15",
      "systemd",
      `a hung process replaced after ${seconds(hungMs)} (watchdog 15 s); up again after ${crashes} crashes in a row`,
    );
  });

  it("G15 stays hung without the watchdog, and is given up with the default limit of starts", async () => {
    const careless = unit
      .replace(/^WatchdogSec=.*\n/m, "")
      .replace(/^StartLimitIntervalSec=.*\n/m, "StartLimitIntervalSec=600\n");
    const machine = await startService(careless.replace(/^RestartSec=.*$/m, "RestartSec=100ms"));
    kill(machine, "SIGSTOP");
    const hungAt = performance.now();
    await vi.waitFor(() => expect(performance.now() - hungAt).toBeGreaterThan(25_000), {
      timeout: 30_000,
      interval: 500,
    });
    expect(restartsOf(machine)).toBe(0);
    await vi.waitFor(
      () => {
        if (machine.show("ActiveState") === "active") kill(machine, "SIGKILL");
        expect(machine.show("ActiveState")).toBe("failed");
      },
      { timeout: 60_000, interval: 500 },
    );
    expect(machine.run("journalctl", "-u", "sortgate", "-o", "cat")).toContain("Start request repeated too quickly");
  });
});

describe("R41 what the service does with what the daemon lives with", () => {
  it("R41 comes up and takes a parcel with a policy that ended, and the journal holds the sentence of the check", async () => {
    const machine = await installService();
    const centre = aCentre();
    const ended = { version: 1, not_after: "2026-01-01T00:00:00Z", guard: {} };
    machine.write("/etc/sortgate/policy.jws", await centre.sign(ended));
    machine.write("/etc/sortgate/centre.pem", centre.publicKey.toString());
    const keys = 'policy_file = "policy.jws"\npolicy_key_file = "centre.pem"\n';
    machine.write("/etc/sortgate/sortgate.toml", playedConfig(keys));
    machine.run("systemctl", "start", "sortgate");
    await takesParcel(machine);
    expect(journalOf(machine)).toMatch(/guard > policy_file: the policy ended on 2026-01-01T00:00:00Z\n/);
    expect(restartsOf(machine)).toBe(0);
  });

  it("R41 comes up and takes a parcel without the key that it seals to, which comes later", async () => {
    const machine = await installService();
    machine.write("/etc/sortgate/sortgate.toml", playedConfig('core = "seal"\nseal_key_file = "seal.pem"\n'));
    machine.run("systemctl", "start", "sortgate");
    await takesParcel(machine);
    expect(journalOf(machine)).toMatch(/guard > seal_key_file: found "[^"]*seal\.pem", but there is no such file\n/);
    expect(restartsOf(machine)).toBe(0);
  });

  it("G15 says what is wrong with a broken config at each start, every 2 s, until it is mended", async () => {
    const machine = await installService();
    machine.write("/etc/sortgate/sortgate.toml", playedConfig('colour = "red"\n'));
    machine.run("sh", "-c", "systemctl start sortgate || true");
    const sentence = /^Error: .*sortgate\.toml:\d+:\d+ {2}guard > colour: .*$/gm;
    await vi.waitFor(() => expect(journalOf(machine).match(sentence)).toHaveLength(2), {
      timeout: 30_000,
      interval: 500,
    });
    expect(restartsOf(machine)).toBeGreaterThan(0);
    expect(machine.show("ActiveState")).not.toBe("failed");
    machine.write("/etc/sortgate/sortgate.toml", playedConfig(""));
    await takesParcel(machine);
  });
});
