import { statSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import { loadDriver, loadProfile } from "../../../drivers/index.ts";
import { type Config, readConfig } from "../../config/index.ts";
import { createControlClient, noteRawProbe, type RawOutcome, type Status } from "../../control/index.ts";
import { endCodes } from "../../driver/index.ts";
import { createSystemClock } from "../../lib/clock.ts";
import { configFlag } from "../../lib/config-flag.ts";
import { makeFolder } from "../../lib/folder.ts";
import { SortgateError, systemCode } from "../../model/error.ts";
import type { Notice } from "../../model/notice.ts";
import { findPolicy } from "../../policy.ts";
import { statusOf, whoAmI } from "../daemon.ts";
import type { Output } from "../output.ts";
import { failureOf, misfitText, type Outcome } from "../probe/outcome.ts";
import { createProbe, type Heard, heardLines, type Probe } from "../probe/probe.ts";
import { configOption, jsonOption } from "../program.ts";
import { createStopping, type Stopping } from "../stopping.ts";
import { wholeNumber } from "../whole-number.ts";

interface ProbeOptions {
  readonly config: string;
  readonly seconds: number;
  readonly count?: number;
  readonly raw?: boolean;
  readonly reason?: string;
}

type Device = Config["devices"][number];
type Screen = ReturnType<typeof createScreen>;
type Session = Awaited<ReturnType<Awaited<ReturnType<typeof loadDriver>>["open"]>>;

/** A terminal that is slower than the device misses lines; what waits for it is bounded. */
const waitingBytesMax = 1_048_576;

function deviceOf({ devices }: Config, name: string, path: string): Device {
  const device = devices.find((one) => one.name === name);
  if (device !== undefined) return device;
  const names = devices.map((one) => one.name).join(", ");
  throw new SortgateError("usage/unknown-name", `There is no device ${name} in ${path}`, {
    hint:
      names === "" ? `add a [[device]] to it; sortgate devices${configFlag(path)} shows the ports` : `one of ${names}`,
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

function makeStateDir({ gateway }: Config, device: Device, command: string): string {
  const path = join(gateway.data_dir, "devices", device.name);
  // Only OPC UA keeps something there: the certificates that make this gateway known to the reader.
  if (device.driver !== "opcua") return path;
  const hint = `run the probe as the daemon's user: sudo -u sortgate ${command}`;
  // What root made there the daemon could not read, and whose directory it is may lead root anywhere by a link.
  const owner = statSync(gateway.data_dir, { throwIfNoEntry: false });
  if (process.geteuid?.() === 0 && owner !== undefined && owner.uid !== 0)
    throw new SortgateError("device/misconfigured", `Root keeps no certificates in ${path}, which is the daemon's`, {
      hint,
    });
  try {
    makeFolder(path, 0o700);
  } catch (error) {
    throw new SortgateError("device/misconfigured", `${path} cannot be made (${systemCode(error)})`, {
      hint,
      cause: error,
    });
  }
  return path;
}

function explainOpen(error: unknown, name: string, command: string, isHeld: boolean): unknown {
  if (!isHeld || !(error instanceof SortgateError)) return error;
  return new SortgateError(error.code, `${error.message}; the running daemon has ${name}`, {
    hint: `stop the daemon first: systemctl stop sortgate; then ${command}; then systemctl start sortgate`,
    cause: error,
  });
}

/** Shows what is heard, and ends the probe after so many frames. */
function createScreen(options: ProbeOptions, stopping: Stopping, output: Output) {
  let heardCount = 0;
  let fittingCount = 0;
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
      if (heard.claims.length === 0 || heard.claims.some(({ kind }) => kind !== "malformed")) fittingCount += 1;
      if (heardCount === options.count) stopping.stop();
    },
    heardCount: () => heardCount,
    fittingCount: () => fittingCount,
    missedCount: () => missedCount,
  };
}

/** How the running daemon stands to this device: who opens it, and what to do about that. */
interface Held {
  readonly isHeld: boolean;
  readonly stop: string;
}

async function heldState(config: Config, name: string): Promise<Held> {
  const state = (await heldByDaemon(config, name))?.state;
  const isHeld = state === "up" || state === "paused";
  return {
    isHeld,
    stop: isHeld ? "; the running daemon reads it too, so stop that first: systemctl stop sortgate" : "",
  };
}

/** Waits until the device, the time or the person ends it. Gives why the device ended it, if it did. */
async function listenTo(session: Session, seconds: number, stopping: Stopping): Promise<Outcome["ended"]> {
  const timer = setTimeout(stopping.stop, seconds * 1_000);
  const stopped = new Promise<undefined>((resolve) => {
    if (stopping.signal.aborted) resolve(undefined);
    stopping.signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
  const ended = await Promise.race([session.ended, stopped]);
  clearTimeout(timer);
  // A driver ends its session when we let go, and may be the first to say so; that is no news of the device.
  const isOurs = stopping.signal.aborted;
  stopping.stop();
  stopping.release();
  await session.close();
  return isOurs || ended === undefined ? undefined : { code: endCodes[ended.reason], sentence: ended.sentence };
}

/** Shapes that may stand on the screen: those that leave in clear by the policy in force. */
async function clearedCarriers(config: Config): Promise<readonly string[]> {
  const { guard, refused } = await findPolicy(config, { nowMs: Date.now(), mustRemember: false });
  return refused === undefined ? guard.carriers : [];
}

async function probeDevice(name: string, options: ProbeOptions, output: Output): Promise<void> {
  const config = await readConfig(options.config);
  const device = deviceOf(config, name, options.config);
  const command = `sortgate probe ${name}${configFlag(options.config)}`;
  const [driver, profile, stateDir] = await Promise.all([
    loadDriver(device.driver),
    loadProfile(device),
    makeStateDir(config, device, command),
  ]);
  const { isHeld, stop } = await heldState(config, name);
  const isRaw = options.raw === true;
  const endRaw = isRaw ? await noteRaw(config, name, options, command) : undefined;
  if (isRaw) output.note("Showing all bytes: what is on a label may be data of a person. Do not copy it from here.");
  const stopping = createStopping();
  const screen = createScreen(options, stopping, output);
  const probe = createProbe({ profile, carriers: await clearedCarriers(config), isRaw, hear: screen.hear });
  let isCalled = false;
  const context = {
    device: name,
    receive: probe.receive,
    signal: stopping.signal,
    clock: createSystemClock(),
    tell(notice: Notice) {
      if (notice.name === "device/connected") isCalled = true;
      output.note(notice.message);
    },
    stateDir,
  };
  let session: Session;
  try {
    session = await driver.open(device, context);
  } catch (error) {
    stopping.release();
    await endRaw?.("not-opened");
    if (stopping.signal.aborted) return;
    throw explainOpen(error, name, command, isHeld);
  }
  output.note(`${name} is open; listening for ${options.seconds} s, Ctrl-C ends it. Nothing is forwarded.`);
  const openedAtMs = performance.now();
  const ended = await listenTo(session, options.seconds, stopping);
  await endRaw?.(...shownBy(screen, probe));
  conclude(screen, probe, output, {
    device,
    arrived: probe.arrived(),
    frameCount: screen.heardCount(),
    fittingCount: screen.fittingCount(),
    listenedMs: performance.now() - openedAtMs,
    isCalled,
    ended,
    command,
    stop,
  });
}

/**
 * Who looks at everything says why, and the chain of the gateway says so.
 *
 * Gives:   what notes besides what came of it: what is cut off before that has been noted all the same.
 */
async function noteRaw({ gateway }: Config, device: string, { reason }: ProbeOptions, command: string) {
  if (reason === undefined)
    throw new SortgateError("usage/invalid", "--raw shows what may be data of a person, and needs a reason", {
      hint: `${command} --raw --reason TICKET-4711`,
    });
  const begun = { at: new Date().toISOString(), device, ...whoAmI(), reason };
  await noteRawProbe(gateway.data_dir, begun);
  return (outcome: RawOutcome, byteCount?: number): Promise<void> =>
    noteRawProbe(gateway.data_dir, { ...begun, outcome, ...(byteCount === undefined ? {} : { byteCount }) });
}

/** What a probe of all bytes came to, and how many there were; values have none. */
function shownBy(screen: Screen, probe: Probe): [RawOutcome, number?] {
  const { byteCount } = probe.arrived();
  if (byteCount > 0) return ["shown", byteCount];
  return screen.heardCount() > 0 ? ["shown"] : ["nothing", 0];
}

/** Says what came of it. Fails if that is nothing. */
function conclude(screen: Screen, probe: Probe, output: Output, outcome: Outcome): void {
  const { frameCount, fittingCount, ended } = outcome;
  if (screen.missedCount() > 0) output.note(`${screen.missedCount()} frames came too fast to be shown`);
  const { hex, text } = probe.rest();
  if (frameCount === 0 && !output.asJson && hex !== "") for (const line of [hex, `  ${text}`]) output.line(line);
  const failure = failureOf(outcome);
  if (failure !== undefined) throw failure;
  if (fittingCount < frameCount)
    output.note(`${frameCount - fittingCount} of ${frameCount} frames do not fit the profile: ${misfitText(outcome)}`);
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
    .option("--raw", "show all bytes, also codes that may be data of a person; needs --reason")
    .option("--reason <text>", "why --raw: a ticket, never a parcel or a person; it goes into the chain")
    .addOption(jsonOption())
    .addHelpText(
      "after",
      "\nA device that the running daemon has open can seldom be opened twice: systemctl stop sortgate before.\n" +
        "Numbers of parcels are shown by their ends, codes of no carrier under [guard] as dots.\n" +
        "\nExamples:\n  sortgate probe scanner-1\n  sortgate probe scanner-1 --count 1 --raw --reason TICKET-4711\n  sortgate probe rfid-1 --seconds 10 --json\n",
    )
    .action((device: string, options: ProbeOptions) => probeDevice(device, options, output));
}
