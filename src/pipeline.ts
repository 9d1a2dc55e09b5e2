import {
  createRestorer,
  createWindow,
  type DedupWindow,
  type RecalledPass,
  type WindowCounters,
} from "./dedup/index.ts";
import type { ReadPointSettings } from "./dedup/settings.ts";
import type { Chunk, FrameSink, Profile } from "./driver/index.ts";
import type { ClockState, Guard, LabelTotal, SealKey, ShipperTotal } from "./guard/index.ts";
import { announce, type ClearedEvent } from "./model/event.ts";
import type { Tell } from "./model/notice.ts";
import type { Observation } from "./model/observation.ts";
import type { Claim } from "./model/read.ts";
import type { EpochMs, MonotonicMs } from "./model/units.ts";

/*
 * wire ─► drivers/serial│tcp│opcua ─► drivers/framing ─► drivers/profiles/<device>
 *           Chunk                      Frame               Read │ NoRead │ Malformed
 *  ─► src/dedup ──► src/guard ───► src/seal ────► src/ledger ─────► src/forward ─► broker
 *     Observation   ClearedEvent   SealedEvent   (durable here)     Receipt (PUBACK)
 *     └────────── main thread ───┘ └─── ledger thread ────────┘     └── main thread ──┘
 */

/** One instant on both clocks. */
export interface Instant {
  readonly monotonicMs: MonotonicMs;
  readonly wallMs: EpochMs;
}

export interface PipelineDevice {
  readonly name: string;
  readonly readPoint: string;
  /** Its own: profiles hold the state of one stream. */
  readonly profile: Profile;
}

export interface PipelineOptions {
  readonly readPoints: readonly ReadPointSettings[];
  readonly devices: readonly PipelineDevice[];
  readonly guard: Guard;
  /** The run that monotonic times belong to. */
  readonly boot: string;
  /** Whether the box's clock is set by a time server, as of now. */
  readonly isClockSynchronized: () => boolean;
  /** Takes what was cleared; returns at once. */
  readonly accept: (event: ClearedEvent) => void;
  /** Passes that were open when the daemon stopped: their events are not repeated. */
  readonly recalled: readonly RecalledPass[];
  readonly tell: Tell;
  /** Passes that one read point follows at once; `limits.passesMax` unless said otherwise. */
  readonly passesMax?: number;
}

/** What one device delivered since the start. */
export interface DeviceCounters {
  readonly readCount: number;
  readonly noReadCount: number;
  readonly heartbeatCount: number;
  readonly malformedCount: number;
  readonly discardedByteCount: number;
  /** When it last said something that was understood; absent if it never did. */
  readonly heardAt: MonotonicMs | undefined;
}

/** What one read point did: reads = opened + suppressed + refused by reason + pending. */
export interface ReadPointCounters extends WindowCounters {
  /** Passes that the guard dropped because the site wants codes of no known shape dropped. */
  readonly droppedUnknownCount: number;
}

/** The path of one read, from the wire to the guard: synchronous; time comes in as a parameter. */
export interface Pipeline {
  /**
   * Takes what a device delivered; `device` is its index. Never throws on what a device sends.
   *
   * The bytes are overwritten before it returns, and the window's copy of a code once its event is made: what is not
   * needed any more is not to be found in memory. Of the text that V8 made of them that cannot be said.
   */
  receive(device: number, chunk: Chunk, now: Instant): void;
  /** Closes the passes that are over. To be called every few tens of milliseconds. */
  sweep(now: Instant): void;
  /** The device is connected; `device` is its index. */
  up(device: number, now: Instant): void;
  /** Closes all passes: the daemon stops. */
  close(now: Instant): void;
  deviceCounters(device: number): DeviceCounters;
  readPointCounters(readPoint: string): ReadPointCounters;
  /** What labels showed since the start, by format. */
  labelTotals(): readonly LabelTotal[];
  /** Those of them that show too much, by who prints them. */
  shipperTotals(): readonly ShipperTotal[];
  /** Whether there is a key to seal with; undefined where the site seals nothing. */
  isSealing(): boolean | undefined;
  /** The centre's key that is sealed to; undefined if there never was one. */
  sealKey(): SealKey | undefined;
}

const dayMs = 86_400_000;

export function createPipeline(options: PipelineOptions): Pipeline {
  const { guard, boot, accept } = options;
  let labelDay: number | undefined;
  let passCount = 0;
  const nextPassNumber = (): number => ++passCount;
  const points = new Map(
    options.readPoints.map((settings) => [settings.name, openPoint(settings, options, nextPassNumber, clear)]),
  );
  const restorer = createRestorer({
    devices: options.devices,
    recalled: options.recalled,
    restore: ({ readPoint, pass }, nowMs, isAgain) => points.get(readPoint)?.window.restore(pass, nowMs, isAgain),
  });
  const lanes = options.devices.map((device, index) =>
    createLane(device, points.get(device.readPoint)!, (nowMs) => restorer.heard(index, nowMs), options),
  );

  /** The last step before the ledger: what does not pass here never leaves memory. */
  function clear(observation: Observation, point: Point): void {
    const clock: ClockState = { boot, synced: options.isClockSynchronized() };
    const isFirst = observation.kind === point.firstKind;
    const event = guard.clear(observation, clock, isFirst);
    if ("code" in observation) observation.code.fill(0);
    if (!("refused" in event)) accept(event);
    else if (isFirst) point.droppedUnknownCount += 1;
  }

  /** Who prints labels that show too much is told once a day, and at the end. */
  function reportLabels({ wallMs }: Instant): void {
    labelDay = Math.floor(wallMs / dayMs);
    const event = guard.labels.report(wallMs);
    if (event !== undefined) accept(event);
  }

  return {
    receive(device, chunk, now) {
      const lane = lanes[device]!;
      const { framer } = lane.profile;
      lane.now = now;
      if (chunk.kind === "values") lane.profile.decodeValues?.(chunk.values, lane.claim);
      else if (chunk.kind === "bytes") {
        framer?.push(chunk.bytes, lane.sink);
        chunk.bytes.fill(0);
      } else framer?.reset(lane.sink);
    },
    sweep(now) {
      restorer.sweep(now.monotonicMs);
      for (const { window } of points.values()) window.sweep(now.monotonicMs, now.wallMs);
      labelDay ??= Math.floor(now.wallMs / dayMs);
      if (Math.floor(now.wallMs / dayMs) !== labelDay) reportLabels(now);
    },
    up: (device, now) => restorer.up(device, now.monotonicMs),
    close(now) {
      restorer.close(now.monotonicMs);
      for (const { window } of points.values()) window.close(now.monotonicMs, now.wallMs);
      reportLabels(now);
    },
    labelTotals: () => guard.labels.totals(),
    shipperTotals: () => guard.labels.shippers(),
    isSealing: () => guard.isSealing(),
    sealKey: () => guard.sealKey(),
    deviceCounters: (device) => lanes[device]!.counters,
    readPointCounters(readPoint) {
      const { window, droppedUnknownCount } = points.get(readPoint)!;
      return { ...window.counters(), droppedUnknownCount };
    },
  };
}

interface Point {
  readonly window: DedupWindow;
  /** Names of its devices; the window knows them by their place here. */
  readonly devices: readonly string[];
  /** What is told first of each pass: one observation of it counts. */
  readonly firstKind: Observation["kind"];
  droppedUnknownCount: number;
}

function openPoint(
  settings: ReadPointSettings,
  options: PipelineOptions,
  nextPassNumber: () => number,
  clear: (observation: Observation, point: Point) => void,
): Point {
  const devices = options.devices.filter((device) => device.readPoint === settings.name).map((device) => device.name);
  const point: Point = {
    devices,
    firstKind: settings.emit === "pass" ? "pass" : "first-read",
    droppedUnknownCount: 0,
    window: createWindow({
      settings,
      readPoint: settings.name,
      devices,
      clock: { boot: options.boot },
      nextPassNumber,
      observe: (observation) => clear(observation, point),
      tell: options.tell,
      ...(options.passesMax === undefined ? {} : { passesMax: options.passesMax }),
    }),
  };
  return point;
}

/** What one device needs on the way of its reads; its functions are made once, not per read. */
interface Lane {
  readonly profile: Profile;
  readonly sink: FrameSink;
  readonly claim: (claim: Claim) => void;
  readonly counters: { -readonly [Name in keyof DeviceCounters]: DeviceCounters[Name] };
  now: Instant;
  /** When it last said something that was understood, by the wall clock. */
  heardAtWallMs: EpochMs | undefined;
}

/** A device that sends noise is complained about this often at most. */
const complaintMs = 60_000;

function createLane(
  { name, profile }: PipelineDevice,
  { window, devices }: Point,
  firstHeard: (nowMs: MonotonicMs) => void,
  { accept, tell }: Pick<PipelineOptions, "accept" | "tell">,
): Lane {
  const place = devices.indexOf(name);
  const counters: Lane["counters"] = {
    readCount: 0,
    noReadCount: 0,
    heartbeatCount: 0,
    malformedCount: 0,
    discardedByteCount: 0,
    heardAt: undefined,
  };
  let complainedAt = Number.NEGATIVE_INFINITY;
  const complain = (): void => {
    if (lane.now.monotonicMs - complainedAt < complaintMs) return;
    complainedAt = lane.now.monotonicMs;
    const { malformedCount, discardedByteCount } = counters;
    tell({
      name: "device/warning",
      level: "warn",
      message: `Device ${name} sends what is no code; if that goes on, compare its profile with what it sends: sortgate probe ${name}`,
      fields: { device: name, badFrames: malformedCount, bytesLost: discardedByteCount },
    });
  };
  const claim = (claim: Claim): void => {
    const { monotonicMs, wallMs } = lane.now;
    if (claim.kind === "malformed") {
      counters.malformedCount += 1;
      complain();
      return;
    }
    if (counters.heardAt === undefined) firstHeard(monotonicMs);
    counters.heardAt = monotonicMs;
    if (claim.kind === "read") {
      counters.readCount += 1;
      window.admit(claim, place, monotonicMs, wallMs);
    } else if (claim.kind === "no-read") {
      counters.noReadCount += 1;
      window.noRead(place, claim.medium, monotonicMs, wallMs);
    } else if (claim.kind === "heartbeat") counters.heartbeatCount += 1;
    else {
      // The source says how many, not when: the gap lies between what it told before and now.
      const to = new Date(wallMs).toISOString();
      const from = new Date(lane.heardAtWallMs ?? wallMs).toISOString();
      accept(
        announce("gap", wallMs, { reason: `source-${claim.reason}`, count: claim.count, device: name, from, to }, name),
      );
    }
    lane.heardAtWallMs = wallMs;
  };
  const sink: FrameSink = {
    frame: (bytes, start, end) => profile.decodeFrame?.(bytes, start, end, claim),
    discarded: (_reason, byteCount) => {
      counters.discardedByteCount += byteCount;
      complain();
    },
  };
  const lane: Lane = { profile, sink, claim, counters, now: { monotonicMs: 0, wallMs: 0 }, heardAtWallMs: undefined };
  return lane;
}
