import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdtempSync,
  openSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { serialDriver } from "../../../drivers/serial/driver.ts";
import { explainOpenFailure } from "../../../drivers/serial/open-failure.ts";
import type { SerialSettings } from "../../../drivers/serial/settings.ts";
import { failure, type Watched, watchedContext } from "../../contract/driver-contract.ts";
import { openPseudoTerminal, type PseudoTerminal, serialSettingsOf } from "./pseudo-terminal.ts";

const cleanUps: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

async function terminal(source?: string): Promise<PseudoTerminal> {
  const made = await openPseudoTerminal(source);
  cleanUps.push(() => made.dispose());
  return made;
}

async function open(settings: SerialSettings, watched: Watched = watchedContext()) {
  const session = await serialDriver.open(settings, watched.context);
  cleanUps.push(() => session.close());
  return { session, ...watched };
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "sortgate-serial-"));
  cleanUps.push(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe("a serial port that cannot be opened", () => {
  it("is told as not there", async () => {
    const error = await failure(open(serialSettingsOf("/dev/ttyUSB-absent")));
    expect(error.code).toBe("device/unplugged");
    expect(error.message).toContain("/dev/ttyUSB-absent");
  });

  it("is told as in use when another program holds it, and that one reads on", async () => {
    const { path, write } = await terminal();
    const { text } = await open(serialSettingsOf(path));
    const error = await failure(open(serialSettingsOf(path)));
    expect(error.code).toBe("device/refused");
    expect(error.hint).toContain(`fuser ${path}`);
    write(Buffer.from("still here"));
    await expect.poll(text).toBe("still here");
  });

  it("is told as no serial port: another kind of device, a folder, a pipe", async () => {
    const pipe = join(folder(), "pipe");
    execFileSync("mkfifo", [pipe]);
    for (const path of ["/dev/null", "/dev", pipe])
      expect((await failure(open(serialSettingsOf(path)))).code).toBe("device/misconfigured");
  });

  // Root may open everything, so what serialport says then is given here as it was seen on Debian 12.
  it("is told as forbidden, with the group that helps", () => {
    const error = explainOpenFailure("/dev/ttyS0", new Error("Error: Permission denied, cannot open /dev/ttyS0"));
    expect(error.code).toBe("device/refused");
    expect(error.hint).toContain("dialout");
  });

  it("is told as without hardware, or as unable to do the line settings", () => {
    const noHardware = new Error("Error: Input/output error setting custom baud rate of 9600");
    expect(explainOpenFailure("/dev/ttyS3", noHardware).code).toBe("device/unreachable");
    const noSuchSpeed = new Error("Error: Invalid argument || while setting custom baud rate of 1234");
    expect(explainOpenFailure("/dev/ttyS3", noSuchSpeed).code).toBe("device/misconfigured");
  });
});

describe("an open serial port", () => {
  it("notices that it was unplugged also while it is paused and bytes wait", async () => {
    const { path, write, unplug } = await terminal();
    const { session, text } = await open(serialSettingsOf(path, { flow_control: "hardware" }));
    write(Buffer.from("before"));
    await expect.poll(text).toBe("before");
    session.pause?.();
    write(Buffer.alloc(100_000, "x"));
    await unplug();
    expect((await session.ended).reason).toBe("unplugged");
    expect(text()).toBe("before");
  });

  // A pseudo-terminal keeps neither parity nor data bits, so those two are not seen here.
  it("has the line settings of the config", async () => {
    const { path } = await terminal();
    const words = (): string[] => execFileSync("stty", ["-F", path, "-a"], { encoding: "utf8" }).split(/[\s;]+/);
    const first = await open(serialSettingsOf(path, { baud_rate: 57_600, stop_bits: 2, flow_control: "software" }));
    expect(words()).toEqual(expect.arrayContaining(["57600", "cstopb", "ixon", "ixoff", "-crtscts"]));
    await first.session.close();
    const second = await open(serialSettingsOf(path, { baud_rate: 9_600, flow_control: "hardware" }));
    expect(words()).toEqual(expect.arrayContaining(["9600", "-cstopb", "-ixon", "-ixoff", "crtscts"]));
    await second.session.close();
    await open(serialSettingsOf(path));
    expect(words()).toEqual(expect.arrayContaining(["115200", "-cstopb", "-ixon", "-ixoff", "-crtscts"]));
  });

  it("ends as unplugged when its name leads to another node, although the old line still works", async () => {
    const [before, after] = [await terminal(), await terminal()];
    const name = join(folder(), "by-id");
    symlinkSync(realpathSync(before.path), name);
    const { session } = await open(serialSettingsOf(name));
    unlinkSync(name);
    symlinkSync(realpathSync(after.path), name);
    expect((await session.ended).reason).toBe("unplugged");
    const { text } = await open(serialSettingsOf(name));
    after.write(Buffer.from("replugged"));
    await expect.poll(text).toBe("replugged");
  });

  it("ends as unplugged when the line hung up under traffic, although its node is still there", async () => {
    for (let round = 0; round < 3; round += 1) {
      const flooded = await terminal("EXEC:yes SF1385628716739");
      // By this name the node is found even after the system has removed it.
      const held = openSync(flooded.path, constants.O_RDWR | constants.O_NOCTTY);
      cleanUps.push(() => closeSync(held));
      const name = `/proc/self/fd/${held}`;
      const { session, chunks } = await open(serialSettingsOf(name));
      await expect.poll(() => chunks.length).toBeGreaterThan(20);
      await flooded.unplug();
      expect((await session.ended).reason).toBe("unplugged");
      expect(statSync(name).isCharacterDevice()).toBe(true);
      expect((await failure(open(serialSettingsOf(name)))).code).toBe("device/unreachable");
    }
  });

  it("is found unplugged within 3 s each time it hangs up under full traffic", async () => {
    for (let round = 0; round < 5; round += 1) {
      const flooded = await terminal("EXEC:yes SF1385628716739");
      const { session, chunks } = await open(serialSettingsOf(flooded.path));
      await expect.poll(() => chunks.length).toBeGreaterThan(20);
      const unpluggedAtMs = performance.now();
      await flooded.unplug();
      expect((await session.ended).reason).toBe("unplugged");
      expect(performance.now() - unpluggedAtMs).toBeLessThan(3_000);
    }
  });
});
