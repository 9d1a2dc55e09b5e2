import { constants, type Stats } from "node:fs";
import { type FileHandle, lstat, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "../lib/folder.ts";
import { notRegular, openRegular } from "../lib/small-file.ts";
import { SortgateError, systemCode } from "../model/error.ts";
import { cleanWho, isTicket, noTicket } from "./who.ts";

/** A probe that shows all bytes of a device: who does it, when and why. */
export interface RawProbe {
  readonly at: string;
  readonly device: string;
  readonly by: string;
  readonly uid: string;
  readonly reason: string;
  /** What came of it; absent while it goes on, or where it was cut off. */
  readonly outcome?: RawOutcome;
  /** Bytes that the device sent meanwhile; absent where values came, or as `outcome` is. */
  readonly byteCount?: number;
}

const outcomes = ["shown", "nothing", "not-opened"] as const;

/** Something was shown; nothing came; the device could not be opened. */
export type RawOutcome = (typeof outcomes)[number];

/** Such probes wait here until the daemon, which most often stands still meanwhile, puts them into its chain. */
const fileName = "raw-probes.jsonl";
const takenName = "raw-probes.taken.jsonl";
/** What is left of the taken ones, until it stands in their place. */
const restName = "raw-probes.rest.jsonl";
/** So many go into the chain at a time. */
const linesMax = 1_000;
/** So often a note is made again whose file was taken meanwhile; the daemon takes it once a minute. */
const attemptsMax = 10;

/** Not by a link, and without waiting for who reads a pipe: whoever owns the directory may have put anything there. */
const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
const appending = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK;

/**
 * Notes such a probe, before it shows anything, and again with what came of it once it is over.
 *
 * Fails:   if the reason is no ticket, or it cannot be noted: then nothing may be shown. Root notes it in a file of the
 *          daemon's alone.
 */
export async function noteRawProbe(dataDir: string, probe: RawProbe): Promise<void> {
  if (!isTicket(probe.reason)) throw new SortgateError("usage/invalid", noTicket.sentence, { hint: noTicket.hint });
  const path = join(dataDir, fileName);
  try {
    makeFolder(dataDir, 0o700);
    // On a line of its own, also where another was cut off.
    const line = `\n${JSON.stringify(probe)}\n`;
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) if (await appendTo(path, dataDir, line)) return;
  } catch (cause) {
    if (cause instanceof SortgateError) throw cause;
    // What O_NOFOLLOW says of a link, and O_NONBLOCK of a pipe that nobody reads.
    if (["ELOOP", "ENXIO"].includes(systemCode(cause))) throw notOurs(path);
    throw new SortgateError("usage/invalid", `The reason cannot be noted in ${dataDir} (${systemCode(cause)})`, {
      hint: "run the probe as the daemon's user, with sudo -u sortgate before it, or leave --raw out",
      cause,
    });
  }
  throw new SortgateError("usage/invalid", `The reason cannot be noted: ${path} is taken away each time`, {
    hint: `ls -l ${dataDir}, then the probe again`,
  });
}

const notOurs = (path: string): SortgateError =>
  new SortgateError(
    "usage/invalid",
    `The reason cannot be noted: ${path} is no file of the daemon's user, or it is a link or has a second name`,
    { hint: `ls -l ${path}, and move it away if nobody knows what it is` },
  );

/**
 * Appends, durably.
 *
 * Gives:   false if the file was taken meanwhile, perhaps without the line: then it is there once or twice, not never.
 */
async function appendTo(path: string, dataDir: string, line: string): Promise<boolean> {
  const owner = await stat(dataDir);
  const file = await open(path, appending, 0o600);
  try {
    const opened = await file.stat();
    if (!isOurs(opened, owner)) throw notOurs(path);
    if (process.geteuid?.() === 0) {
      // Written by root it is still the daemon's to read: whose the directory is.
      await file.chown(owner.uid, owner.gid);
      await file.chmod(0o600);
    }
    await file.appendFile(line);
    await file.sync();
    return await isStill(path, opened);
  } finally {
    await file.close();
  }
}

/**
 * Whether a file may be written to, and given to the owner of its directory: nothing comes to him that was not his.
 *
 * One that root has just made is empty; any other of root's is not for him. Who is not root gives nothing away.
 */
function isOurs(file: Stats, owner: Stats): boolean {
  if (!file.isFile() || file.nlink > 1) return false;
  if (file.uid === owner.uid) return true;
  return file.uid === process.geteuid?.() && (file.uid !== 0 || file.size === 0);
}

async function isStill(path: string, opened: Stats): Promise<boolean> {
  try {
    const { dev, ino } = await lstat(path);
    return dev === opened.dev && ino === opened.ino;
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
}

/**
 * Takes what was noted, 1,000 lines of it at most; the rest is for the next time.
 *
 * Takes:   `put`, which resolves once everything is durable in the chain; only then is it removed. Where that is cut
 *          short it is put again, so that the chain may tell one twice.
 * Cost:    one look at the directory if there is nothing.
 */
export async function takeRawProbes(
  dataDir: string,
  put: (probes: readonly RawProbe[]) => Promise<void>,
): Promise<void> {
  const taken = join(dataDir, takenName);
  // What was taken before a crash comes first.
  const left = await readNoted(taken);
  if (left === undefined) {
    const noted = join(dataDir, fileName);
    const facts = await lstat(noted).catch(() => undefined);
    if (facts === undefined) return;
    if (!facts.isFile()) throw noFile(noted);
    const isThere = await rename(noted, taken).then(
      () => true,
      () => false,
    );
    if (!isThere) return;
  }
  const lines = (left ?? (await readNoted(taken)) ?? "").split("\n").filter((line) => line !== "");
  await put(probesIn(lines.slice(0, linesMax)));
  if (lines.length <= linesMax) await rm(taken);
  else await leave(dataDir, lines.slice(linesMax));
}

/** Undefined if there is none. Fails: on what cannot be read, for it must not be written over either. */
async function readNoted(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await openRegular(path);
  } catch (error) {
    if (systemCode(error) === "ENOENT") return undefined;
    throw systemCode(error) === notRegular ? noFile(path) : error;
  }
  try {
    return await file.readFile("utf8");
  } finally {
    await file.close();
  }
}

const noFile = (path: string): SortgateError =>
  new SortgateError("control/unusable", `${path} is ${notRegular}`, {
    hint: `ls -ld ${path}, and move away what stands there: it is ${notRegular}`,
  });

/** Puts lines in the place of those that were taken: at every moment the one or the other is there. */
async function leave(dataDir: string, lines: readonly string[]): Promise<void> {
  const rest = join(dataDir, restName);
  const file = await open(rest, "w", 0o600);
  try {
    await file.writeFile(`${lines.join("\n")}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(rest, join(dataDir, takenName));
}

function probesIn(lines: readonly string[]): RawProbe[] {
  const probes = lines.map(probeOf);
  return probes.filter((probe, index) => !probes.slice(index + 1).some((later) => isOutcomeOf(later, probe)));
}

/** Whether a line says what came of a probe whose beginning another one is. */
function isOutcomeOf(later: RawProbe, { outcome, ...begun }: RawProbe): boolean {
  const names = ["at", "device", "by", "uid", "reason"] as const;
  return outcome === undefined && later.outcome !== undefined && names.every((name) => later[name] === begun[name]);
}

/** The file may be anybody's who may write there: nothing of it goes into the chain as it stands. */
function probeOf(line: string): RawProbe {
  let said: Partial<Record<keyof RawProbe, unknown>> = {};
  try {
    said = Object(JSON.parse(line)) as typeof said;
  } catch {
    // Something was noted, and nobody can read what.
  }
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const [at, device, reason] = [text(said.at), text(said.device), text(said.reason)];
  const outcome = outcomes.find((one) => one === said.outcome);
  const { byteCount } = said;
  const isCount = typeof byteCount === "number" && Number.isSafeInteger(byteCount) && byteCount >= 0;
  return {
    at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/.test(at) ? at : "unknown",
    device: /^[A-Za-z0-9_-]{1,64}$/.test(device) ? device : "unknown",
    reason: isTicket(reason) ? reason : "unknown",
    ...cleanWho(text(said.by), text(said.uid)),
    ...(outcome === undefined ? {} : { outcome }),
    ...(outcome === undefined || !isCount ? {} : { byteCount }),
  };
}
