import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findSerialPorts } from "../../src/cli/serial-ports.ts";
import { contractExample, smallest } from "../config/sound.ts";
import { runHere } from "./run-here.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-devices-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string): string {
  const path = join(folder, "sortgate.toml");
  writeFileSync(path, text);
  return path;
}

/** A machine with a USB scanner, a fitted and an unfitted port on the board, and a virtual console. */
function aMachine(): string {
  const root = mkdtempSync(join(folder, "root-"));
  const usb = join(root, "sys/devices/usb1/1-2");
  for (const path of [
    join(usb, "1-2:1.0/ttyUSB0/tty/ttyUSB0"),
    join(root, "sys/devices/serial0"),
    join(root, "sys/class/tty"),
  ])
    mkdirSync(path, { recursive: true });
  writeFileSync(join(usb, "product"), "Scanner \u001b[31m9000\n");
  writeFileSync(join(usb, "manufacturer"), "Maker\n");
  writeFileSync(join(usb, "serial"), "0001\n");
  symlinkSync("../../../ttyUSB0", join(usb, "1-2:1.0/ttyUSB0/tty/ttyUSB0/device"));
  symlinkSync("../../devices/usb1/1-2/1-2:1.0/ttyUSB0/tty/ttyUSB0", join(root, "sys/class/tty/ttyUSB0"));
  for (const [name, type] of [
    ["ttyS0", "4"],
    ["ttyS1", "0"],
  ] as const) {
    mkdirSync(join(root, "sys/class/tty", name));
    writeFileSync(join(root, "sys/class/tty", name, "type"), `${type}\n`);
    symlinkSync("../../../devices/serial0", join(root, "sys/class/tty", name, "device"));
  }
  mkdirSync(join(root, "sys/class/tty/tty0"));
  for (const [kind, name, target] of [
    ["by-id", "usb-Maker_Scanner_0001-if00", "ttyUSB0"],
    ["by-path", "pci-0000:00-usb-0:2", "ttyUSB0"],
    ["by-id", "usb-Elsewhere", "ttyACM3"],
  ] as const) {
    mkdirSync(join(root, "dev/serial", kind), { recursive: true });
    symlinkSync(`../../${target}`, join(root, "dev/serial", kind, name));
  }
  return root;
}

test("ports with hardware behind them are found, with names that stay and what they say of themselves", async () => {
  expect(await findSerialPorts(aMachine())).toEqual([
    { node: "/dev/ttyS0", stable: [], description: "" },
    {
      node: "/dev/ttyUSB0",
      stable: ["/dev/serial/by-id/usb-Maker_Scanner_0001-if00", "/dev/serial/by-path/pci-0000:00-usb-0:2"],
      description: "Maker, Scanner \u001b[31m9000, serial number 0001",
    },
    { node: "/dev/ttyACM3", stable: ["/dev/serial/by-id/usb-Elsewhere"], description: "" },
  ]);
});

test("a machine without /sys has no ports and no error", async () => {
  expect(await findSerialPorts(mkdtempSync(join(folder, "bare-")))).toEqual([]);
});

test("configured devices are listed with what can be seen of them", async () => {
  const listening = contractExample
    .replace("/dev/serial/by-id/usb-Maker_Scanner_0001-if00", "/dev/pts/ptmx")
    .replace('host = "10.1.4.20"', 'mode = "listen"\nhost = "127.0.0.1"');
  const { code, stdout } = await runHere("devices", "--json", "--config", written(listening));
  expect(code).toBe(0);
  expect(JSON.parse(stdout).devices).toEqual([
    { name: "scanner-1", driver: "serial", address: "/dev/pts/ptmx", readPoint: "tunnel-1", state: "present" },
    { name: "scanner-2", driver: "tcp", address: "listens on 127.0.0.1:2112", readPoint: "tunnel-1", state: "present" },
    { name: "rfid-1", driver: "opcua", address: "opc.tcp://10.1.4.30:4840", readPoint: "tunnel-1", state: "not asked" },
  ]);
});

test("a serial port that is not there is absent, and so is an address of another machine to listen on", async () => {
  const text = `${smallest}[[device]]\nname = "b"\nread_point = "tunnel-1"\ndriver = "tcp"\nmode = "listen"\nhost = "192.0.2.7"\nport = 9\nprofile = "line-rfid"\n`;
  const { stdout } = await runHere("devices", "--json", "--config", written(text));
  expect(JSON.parse(stdout).devices.map(({ state }: { state: string }) => state)).toEqual(["absent", "absent"]);
});

test("what is there and is no serial port is absent", async () => {
  for (const path of ["/dev/null", "/dev/pts"]) {
    const text = smallest.replace("/dev/serial/by-id/usb-a", path);
    const { stdout } = await runHere("devices", "--json", "--config", written(text));
    expect(JSON.parse(stdout).devices, path).toMatchObject([{ address: path, state: "absent" }]);
  }
});

test("for people there is a table", async () => {
  const { stdout } = await runHere("devices", "--config", written(smallest));
  expect(stdout).toMatch(/^name +read point +driver +address +state$/m);
  expect(stdout).toMatch(/^scanner-1 +tunnel-1 +serial +\/dev\/serial\/by-id\/usb-a +absent$/m);
  expect(stdout).toContain("Serial ports of this machine");
});

test("a broken config does not hide the ports, and ends with 1", async () => {
  const { code, stdout, stderr } = await runHere("devices", "--config", written("x ="));
  expect(code).toBe(1);
  expect(stdout).toContain("Serial ports of this machine");
  expect(stderr).toContain("sortgate check --config");
});

test("a config that was named and is not there is an error", async () => {
  const { code, stderr } = await runHere("devices", "--config", join(folder, "none.toml"));
  expect(code).toBe(1);
  expect(stderr).toMatch(/^Error: .*there is no such file\nTry: /);
});
