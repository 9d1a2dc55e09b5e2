import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { loadDriver, loadProfile } from "../../../drivers/index.ts";
import { type Config, readConfig } from "../../config/index.ts";
import { createControlClient, type Status } from "../../control/index.ts";
import { createSystemClock } from "../../lib/clock.ts";
import { SortgateError, systemCode } from "../../model/error.ts";
import { statusOf } from "../daemon.ts";
import type { Output } from "../output.ts";
import { createProbe, type Heard, heardLines, type Probe } from "../probe/probe.ts";
import { configOption, jsonOption } from "../program.ts";
import { createStopping, type Stopping } from "../stopping.ts";
import { wholeNumber } from "../whole-number.ts";

interface ProbeOptions {
  readonly config: string;
  readonly seconds: number;
  readonly count?: number;
  readonly raw?: boolean;
}

type Device = Config["devices"][number];
type Session = Awaited<ReturnType<Awaited<ReturnType<typeof loadDriver>>["open"]>>;
type SessionEnd = Awaited<Session["ended"]>;

/** A terminal that is slower than the device misses lines; what waits for it is bounded. */
const waitingBytesMax = 1_048_576;

function deviceOf({ devices }: Config, name: string): Device {
  const device = devices.find((one) => one.name === name);
  if (device !== undefined) return device;
  const names = devices.map((one) => one.name).join(", ");
  throw new SortgateError("usage/unknown-name", `There is no device ${name} in the config`, {
    hint: names === "" ? "add a [[device]] to the config; sortgate devices shows the ports" : `one of ${names}`,
  });
}

/** What the running daemon has of this device; nothing if there is no daemon, or it does not have it. */
async function heldByDaemon({ control }: Config, name: string): Promise<Status["devices"][number] | undefined> {
  try {
    const { devices } = await statusOf(createControlClient(control.socket));
    return devices.find((device) => device.name === name);
  } catch {
    // Not reachable, or not ours to ask: the device itself will tell whether it is free.
    return undefined;
  }
}

async function makeStateDir({ gateway }: Config, device: Device): Promise<string> {
  const path = join(gateway.data_dir, "devices", device.name);
  // Only OPC UA keeps something there: the certificates that make this gateway known to the reader.
  if (device.driver !== "opcua") return path;
  try {
    await mkdir(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new SortgateError("device/misconfigured", `${path} cannot be made (${systemCode(error)})`, {
      hint: "run the probe as the daemon's user: sudo -u sortgate sortgate probe …",
      cause: error,
    });
  }
  return path;
}

function explainOpen(error: unknown, name: string, isHeld: boolean): unknown {
  if (!isHeld || !(error instanceof SortgateError)) return error;
  return new SortgateError(error.code, `${error.message}; the running daemon has ${name}`, {
    hint: `stop the daemon first: systemctl stop sortgate; then sortgate probe ${name}; then systemctl start sortgate`,
    cause: error,
  });
}

/** Shows what is heard, and ends the probe after so many frames. */
function createScreen(options: ProbeOptions, stopping: Stopping, output: Output) {
  let heardCount = 0;
  let missedCount = 0;
  const tell = (heard: Heard): void => {
    if (output.asJson) output.json({ at: new Date().toISOString(), ...heard });
    else for (const line of heardLines(heard)) output.line(line);
  };
  return {
    hear(heard: Heard): void {
      if (stopping.signal.aborted) return;
      if (process.stdout.writableLength > waitingBytesMax) missedCount += 1;
      else tell(heard);
      if (heard.kind !== "frame" && heard.kind !== "values") return;
      heardCount += 1;
      if (heardCount === options.count) stopping.stop();
    },
    heardCount: () => heardCount,
    missedCount: () => missedCount,
  };
}

const endCodes = {
  closed: "device/closed",
  unplugged: "device/unplugged",
  refused: "device/refused",
  timeout: "device/silent",
  silent: "device/silent",
  error: "device/closed",
} as const;

/** Nothing could be decoded: says what came instead, and where to look. */
function nothingHeard(
  device: Device,
  probe: Probe,
  isHeld: boolean,
  ended: SessionEnd | undefined,
  output: Output,
): SortgateError {
  const { hex, text } = probe.rest();
  const byteCount = probe.byteCount();
  const stop = isHeld ? "; the running daemon reads it too, so stop that first: systemctl stop sortgate" : "";
  if (byteCount > 0) {
    if (!output.asJson && hex !== "") for (const line of [hex, `  ${text}`]) output.line(line);
    return new SortgateError("device/misconfigured", `${device.name} sent ${byteCount} bytes and no whole frame`, {
      hint: `compare how the frames end with the profile ${device.profile ?? ""}, and the line settings with the device; --raw shows the bytes${stop}`,
    });
  }
  if (ended !== undefined)
    return new SortgateError(endCodes[ended.reason], ended.sentence.replace(/\.$/, ""), {
      hint: `check the device, then: sortgate probe ${device.name}${stop}`,
    });
  const look =
    device.driver === "serial"
      ? "hold a label under the scanner, check cable, power and baud_rate"
      : device.driver === "tcp"
        ? "hold a label under the scanner, check that it sends to this port"
        : "hold a tag before the reader, check that it is scanning (scan_start)";
  return new SortgateError("device/silent", `${device.name} is open and sent nothing`, { hint: `${look}${stop}` });
}

async function probeDevice(name: string, options: ProbeOptions, output: Output): Promise<void> {
  const config = await readConfig(options.config);
  const device = deviceOf(config, name);
  const [driver, profile, stateDir] = await Promise.all([
    loadDriver(device.driver),
    loadProfile(device),
    makeStateDir(config, device),
  ]);
  const isHeld = (await heldByDaemon(config, name))?.state === "up";
  if (options.raw === true)
    output.note("Showing all bytes: what is on a label may be data of a person. Do not copy it from here.");
  const stopping = createStopping();
  const screen = createScreen(options, stopping, output);
  const probe = createProbe({
    profile,
    carriers: config.guard.carriers,
    isRaw: options.raw === true,
    hear: screen.hear,
  });
  const context = {
    device: name,
    receive: probe.receive,
    signal: stopping.signal,
    clock: createSystemClock(),
    tell: ({ message }: { readonly message: string }) => output.note(message),
    stateDir,
  };
  let session: Session;
  try {
    session = await driver.open(device, context);
  } catch (error) {
    stopping.release();
    if (stopping.signal.aborted) return;
    throw explainOpen(error, name, isHeld);
  }
  output.note(`${name} is open; listening for ${options.seconds} s, Ctrl-C ends it. Nothing is forwarded.`);
  const timer = setTimeout(stopping.stop, options.seconds * 1_000);
  const stopped = new Promise<undefined>((resolve) => {
    if (stopping.signal.aborted) resolve(undefined);
    stopping.signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const ended = await Promise.race([session.ended, stopped]);
  clearTimeout(timer);
  stopping.stop();
  stopping.release();
  await session.close();
  if (screen.missedCount() > 0) output.note(`${screen.missedCount()} frames came too fast to be shown`);
  if (screen.heardCount() === 0) throw nothingHeard(device, probe, isHeld, ended, output);
  if (ended !== undefined) output.note(ended.sentence);
}

/** `sortgate probe`: touches one device and shows what it says. */
export function addProbe(program: Command, output: Output): void {
  program
    .command("probe")
    .description("open one device and show its raw frames beside what they decode to; forwards nothing")
    .argument("<device>", "name of a [[device]] in the config")
    .addOption(configOption())
    .option("--seconds <number>", "listen for this time", wholeNumber(1, 86_400), 30)
    .option("-n, --count <number>", "stop after this many frames", wholeNumber(1, 1_000_000_000))
    .option("--raw", "show all bytes, also codes that may be data of a person")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nA device that the running daemon has open can seldom be opened twice: systemctl stop sortgate before.\n" +
        "Codes of no carrier under [guard] are shown as dots.\n" +
        "\nExamples:\n  sortgate probe scanner-1\n  sortgate probe scanner-1 --count 1 --raw\n  sortgate probe rfid-1 --seconds 10 --json\n",
    )
    .action((device: string, options: ProbeOptions) => probeDevice(device, options, output));
}
