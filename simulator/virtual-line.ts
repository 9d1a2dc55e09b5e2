import { createFlood } from "./belt/flood.ts";
import { createBelt, type Emission, type Parcel } from "./belt/parcels.ts";
import { openPseudoTerminal, type PseudoTerminal } from "./pseudo-terminal.ts";
import { type Expected, machineMs, type Truth } from "./truth.ts";
import { openVirtualReader, type VirtualReader } from "./virtual-reader.ts";
import { openVirtualScanner, type VirtualScanner } from "./virtual-scanner.ts";

/** Where the devices of the line can be reached. */
export interface LineAddresses {
  /** Serial port of scanner-1 (profile line-barcode). */
  readonly serialPath: string;
  /** TCP port of scanner-2 on 127.0.0.1 (profile stx-etx-barcode). */
  readonly tcpPort: number;
  /** OPC UA endpoint of rfid-1 (mode autoid). */
  readonly opcuaEndpoint: string;
}

/** What the line did since it started. */
export interface LineCounts {
  readonly parcelCount: number;
  /** Frames with a code or a no-read. */
  readonly scannerReadCount: number;
  readonly tagReadCount: number;
  readonly noReadCount: number;
  readonly noiseCount: number;
  /** What a scanner could not send, because nobody was connected. */
  readonly unsentCount: number;
}

export interface LineSettings {
  readonly seed: number;
  readonly parcelsPerSecond: number;
  /** Reads of tags; the scanners' come on top. */
  readonly tagReadsPerSecond: number;
  readonly readPoint: string;
  /** The gateway's `pass_max_ms`: after it the stray tag is told as stalled. */
  readonly passMaxMs: number;
  /** The directory where the OPC UA server may keep its files. */
  readonly stateDir: string;
  /** Told of everything that must come out of the gateway, at the moment when a device tells it first. */
  tell(truth: Truth): void;
}

export interface VirtualLine {
  readonly addresses: LineAddresses;
  start(): void;
  /** Stops the belt; the devices stay reachable. */
  stop(): void;
  counts(): LineCounts;
  close(): Promise<void>;
}

/** Often enough that the milliseconds between two frames are kept. */
const tickMs = 4;

/** An RFID reader reports in cycles. */
const reportEveryMs = 20;

/** This long after a pass is stalled the gateway has surely been told of it. */
const stalledGraceMs = 1_500;

/** Parcels whose first sight is remembered: more than can be on the belt at once. */
const rememberedMax = 4_096;

interface Devices {
  readonly serial: PseudoTerminal;
  readonly scanner: VirtualScanner;
  readonly reader: VirtualReader;
}

/**
 * Opens a sorting line of three devices: a scanner on a pseudo-terminal, a scanner on TCP, an RFID reader on OPC UA.
 *
 * Takes:  the same `seed` and rate for the same parcels, codes, repeats and noise in the same order.
 * Cost:   about five seconds to open, for the OPC UA server.
 * Loses:  what a scanner sends while nobody is connected, as a real one does; counted, and not told as truth.
 */
export async function openVirtualLine(settings: LineSettings): Promise<VirtualLine> {
  const devices = await openDevices(settings.stateDir);
  const { serial, scanner, reader } = devices;
  const line = createTraffic(devices, settings);
  let timer: NodeJS.Timeout | undefined;
  const stop = (): void => {
    if (timer === undefined) return;
    clearInterval(timer);
    timer = undefined;
    line.finish();
  };
  return {
    addresses: { serialPath: serial.path, tcpPort: scanner.port, opcuaEndpoint: reader.endpoint },
    start() {
      line.begin();
      timer = setInterval(line.tick, tickMs);
    },
    stop,
    counts: line.counts,
    async close() {
      stop();
      await Promise.all([serial.close(), scanner.close(), reader.close()]);
    },
  };
}

async function openDevices(stateDir: string): Promise<Devices> {
  const serial = await openPseudoTerminal();
  const scanner = await openVirtualScanner();
  try {
    return { serial, scanner, reader: await openVirtualReader({ port: 0, name: "rfid-1", stateDir }) };
  } catch (error) {
    await Promise.all([serial.close(), scanner.close()]);
    throw error;
  }
}

interface Traffic {
  begin(): void;
  /** Sends what is due. */
  tick(): void;
  finish(): void;
  counts(): LineCounts;
}

function createTraffic({ serial, scanner, reader }: Devices, settings: LineSettings): Traffic {
  const belt = createBelt(settings);
  const flood = createFlood({ ...settings, readsPerSecond: settings.tagReadsPerSecond });
  const told = createMemory();
  const counts = {
    parcelCount: 0,
    scannerReadCount: 0,
    tagReadCount: 0,
    noReadCount: 0,
    noiseCount: 0,
    unsentCount: 0,
  };
  const waiting: Emission[] = [];
  let upcoming: Parcel = belt.next();
  let startedAtMs = 0;
  let reportAtMs = 0;
  let stalledAtMs = Number.POSITIVE_INFINITY;

  const send = ({ scanner: name, bytes, expected, isRead }: Emission): void => {
    const passedAtMs = machineMs();
    const taken = name === "scanner-1" ? serial.write(bytes) : scanner.write(bytes);
    if (!taken) {
      counts.unsentCount += 1;
      return;
    }
    if (expected !== undefined && told.isNew(expected)) settings.tell({ ...expected, passedAtMs });
    if (!isRead) counts.noiseCount += 1;
    else if (expected?.kind === "no-read") counts.noReadCount += 1;
    else counts.scannerReadCount += 1;
  };

  const enter = (parcel: Parcel): void => {
    counts.parcelCount += 1;
    waiting.push(...parcel.emissions);
    if (parcel.tag !== undefined) flood.add(parcel.tag);
  };

  const tellStalled = (mayBeMissing: boolean): void =>
    settings.tell({ ...flood.stray.expected, kind: "stalled", mayBeMissing, passedAtMs: machineMs() });

  const report = (nowMs: number): void => {
    reportAtMs = nowMs + reportEveryMs;
    const { reads, entered } = flood.next(nowMs);
    for (const tag of entered) settings.tell({ ...tag.expected, passedAtMs: machineMs() });
    if (reads.length > 0) reader.raise(reads);
    counts.tagReadCount += reads.length;
    if (stalledAtMs !== Number.POSITIVE_INFINITY || flood.strayMs(nowMs) < settings.passMaxMs) return;
    stalledAtMs = nowMs;
    tellStalled(false);
  };

  return {
    begin() {
      startedAtMs = machineMs();
    },
    tick() {
      const nowMs = machineMs() - startedAtMs;
      for (; upcoming.atMs <= nowMs; upcoming = belt.next()) enter(upcoming);
      // Sorting keeps the order of what is due at the same moment, so each wire carries the same bytes in every run.
      waiting.sort((one, other) => one.atMs - other.atMs);
      const firstLater = waiting.findIndex((emission) => emission.atMs > nowMs);
      for (const emission of waiting.splice(0, firstLater === -1 ? waiting.length : firstLater)) send(emission);
      if (nowMs >= reportAtMs) report(nowMs);
    },
    finish() {
      const nowMs = machineMs() - startedAtMs;
      if (nowMs >= stalledAtMs && nowMs < stalledAtMs + stalledGraceMs) tellStalled(true);
    },
    counts: () => ({ ...counts }),
  };
}

/** Knows which of the latest things were told already: repeats of one code hold the same object. */
function createMemory(): { isNew(expected: Expected): boolean } {
  const seen = new Set<Expected>();
  return {
    isNew(expected) {
      if (seen.has(expected)) return false;
      seen.add(expected);
      const [oldest] = seen;
      if (seen.size > rememberedMax && oldest !== undefined) seen.delete(oldest);
      return true;
    },
  };
}
