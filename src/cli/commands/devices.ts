import { networkInterfaces } from "node:os";
import type { Command } from "commander";
import { type Config, checkConfig, problemText } from "../../config/index.ts";
import { isTerminal } from "../../lib/terminal.ts";
import { SortgateError } from "../../model/error.ts";
import { exitCodes } from "../exit-code.ts";
import type { Output } from "../output.ts";
import { configOption, jsonOption } from "../program.ts";
import { findSerialPorts, type SerialPortFound } from "../serial-ports.ts";
import { deviceAddress } from "./check.ts";

type Device = Config["devices"][number];

interface DeviceLine {
  readonly name: string;
  readonly driver: string;
  readonly address: string;
  readonly readPoint: string;
  /** What can be said without touching the device. */
  readonly state: "present" | "absent" | "not asked";
}

function ownAddresses(): string[] {
  try {
    return Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ address }) => address));
  } catch {
    // Under a unit without AF_NETLINK the system refuses to tell.
    return [];
  }
}

async function stateOf(device: Device, addresses: readonly string[]): Promise<DeviceLine["state"]> {
  if (device.driver === "serial") return (await isTerminal(device.path).catch(() => false)) ? "present" : "absent";
  if (device.driver !== "tcp" || device.mode !== "listen" || addresses.length === 0) return "not asked";
  const isOurs = ["0.0.0.0", "::", "localhost", ...addresses].includes(device.host);
  return isOurs ? "present" : "absent";
}

async function configured(devices: readonly Device[]): Promise<DeviceLine[]> {
  const addresses = ownAddresses();
  return Promise.all(
    devices.map(async (device) => ({
      name: device.name,
      driver: device.driver,
      address: deviceAddress(device),
      readPoint: device.read_point,
      state: await stateOf(device, addresses),
    })),
  );
}

function tellDevices(devices: readonly DeviceLine[], output: Output): void {
  output.line("Configured devices", "strong");
  const tones = { present: "good", absent: "bad", "not asked": "dim" } as const;
  output.table(
    devices.map(({ name, driver, address, readPoint, state }) => [
      name,
      readPoint,
      driver,
      address,
      { text: state, tone: tones[state] },
    ]),
    ["name", "read point", "driver", "address", "state"],
  );
  output.line();
}

function tellPorts(ports: readonly SerialPortFound[], devices: readonly DeviceLine[], output: Output): void {
  output.line("Serial ports of this machine", "strong");
  if (ports.length === 0) output.line("none found; plug the scanner in and look again", "dim");
  for (const { node, stable, description } of ports) {
    const user = devices.find(({ address }) => address === node || stable.includes(address));
    output.line(
      `${node}${description === "" ? "" : `  ${description}`}${user === undefined ? "" : `  used by ${user.name}`}`,
    );
    for (const link of stable) output.line(`  path = ${JSON.stringify(link)}`);
    if (stable.length === 0) output.line(`  path = ${JSON.stringify(node)}`);
  }
}

async function listDevices(file: string, isChosen: boolean, output: Output): Promise<void> {
  const checked = await checkConfig(file);
  const first = checked.ok ? undefined : checked.problems[0];
  if (first?.code === "config/unreadable" && isChosen)
    throw new SortgateError(first.code, problemText(first), { hint: first.hint });
  const devices = checked.ok ? await configured(checked.config.devices) : [];
  const ports = await findSerialPorts();
  const isBroken = first !== undefined && first.code !== "config/unreadable";
  if (isBroken) output.exitCode = exitCodes.problem;
  if (output.asJson) {
    const state = checked.ok ? "fine" : isBroken ? "invalid" : "absent";
    return output.json({ config: { file, state }, devices, serialPorts: ports });
  }
  if (checked.ok) tellDevices(devices, output);
  tellPorts(ports, devices, output);
  if (isBroken)
    output.note(`${file} has problems, so its devices are not listed. Try: sortgate check --config ${file}`);
  else if (!checked.ok) output.note(`There is no config at ${file} yet. Try: sortgate init`);
}

/** `sortgate devices`: what is configured, and what this machine has. */
export function addDevices(program: Command, output: Output): void {
  program
    .command("devices")
    .description("list configured devices, and the serial ports of this machine")
    .addOption(configOption())
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nOpens nothing: to touch a device, use sortgate probe. Works without a config file.\n" +
        "\nExamples:\n  sortgate devices\n  sortgate devices --config ./sortgate.toml\n  sortgate devices --json\n",
    )
    .action((options: { config: string }, command: Command) =>
      listDevices(options.config, command.getOptionValueSource("config") === "cli", output),
    );
}
