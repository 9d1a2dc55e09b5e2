import { X509Certificate } from "node:crypto";
import type { BackPressure, HoldReason } from "./back-pressure.ts";
import { type Config, configDigest } from "./config/index.ts";
import type {
  BrokerStatus,
  CertificateFacts,
  DeviceStatus,
  OrdersStatus,
  ReadPointStatus,
  RefusedStatus,
  SealKeyStatus,
  Status,
} from "./control/index.ts";
import type { SupervisedDevice } from "./driver/index.ts";
import type { Forecast } from "./forecast.ts";
import type { Forwarder, ForwarderState } from "./forward/index.ts";
import { daysOf, judgeDays } from "./identity/index.ts";
import { freeBytesOf } from "./lib/free-bytes.ts";
import { readSmallFile } from "./lib/small-file.ts";
import type { DurationMs } from "./model/units.ts";
import type { Pipeline } from "./pipeline.ts";
import { fileNow, type Policy, policyStatus } from "./policy.ts";
import type { LedgerStats, LedgerThread, RefusedRow } from "./workers/index.ts";

/** What a status is made of; all of it belongs to the running gateway. */
export interface StatusSources {
  readonly config: Config;
  readonly policy: Policy;
  readonly software: string;
  readonly boot: string;
  readonly startedAtWallMs: number;
  readonly isReady: () => boolean;
  readonly isClockSynchronized: () => boolean;
  readonly ledger: LedgerThread;
  readonly pipeline: Pipeline;
  readonly devices: readonly SupervisedDevice[];
  readonly forwarders: readonly Forwarder[];
  readonly orders: { state(): Promise<OrdersStatus> } | undefined;
  /** Whether devices that can wait are made to. */
  readonly pressure: Pick<BackPressure, "reason" | "sinceMs">;
  readonly forecast: () => Forecast;
  /** Reads a second of device i over the last ten seconds. */
  readonly readRate: (device: number) => number;
  readonly nowMs: () => number;
}

/** Puts together what `sortgate status` shows. Cost: one question to the ledger thread, and a few small files are read. */
export async function gatherStatus(sources: StatusSources): Promise<Status> {
  const { config, ledger, software, boot } = sources;
  const stats = await ledger.ask("stats", null);
  const forecast = sources.forecast();
  const diskFreeBytes = await freeBytesOf(config.gateway.data_dir);
  const { site, id } = config.gateway;
  const { path, ...certificate } = ledger.opened.certificate;
  const onDisk = await certificateOnDisk(path);
  const sealKey = await sealKeyStatus(sources.pipeline);
  return {
    gateway: {
      site,
      id,
      software,
      boot,
      startedAt: new Date(sources.startedAtWallMs).toISOString(),
      upMs: sources.nowMs(),
      ready: sources.isReady(),
      clockSynced: sources.isClockSynchronized(),
      rssBytes: process.memoryUsage.rss(),
      configDigest: configDigest(config),
    },
    chain: {
      chain: ledger.opened.chain,
      sequence: stats.last,
      kid: stats.kid === "" ? null : stats.kid,
      keySince: stats.kid === "" ? null : new Date(stats.keySince).toISOString(),
      keyStorage: "software",
      certificate: { ...certificateFacts(certificate), file: path, ...(onDisk !== undefined && { onDisk }) },
    },
    queue: {
      first: stats.first,
      last: stats.last,
      fileBytes: stats.fileBytes,
      walBytes: stats.walBytes,
      usedBytes: stats.usedBytes,
      bytesMax: config.queue.bytes_max,
      ...(diskFreeBytes !== undefined && { diskFreeBytes }),
      hoursUntilFull: stats.full === undefined ? forecast.hoursUntilFull : 0,
      ...(stats.full === undefined ? {} : { full: stats.full }),
      whenFull: config.queue.when_full,
      lostCount: stats.lostCount,
      liveCount: stats.liveCount,
      destroyedCount: stats.destroyedCount,
      uncommittedCount: ledger.uncommittedCount(),
      droppedCount: ledger.droppedCount(),
      ...lossStatus(stats.lostAgoMs, ledger.droppedAgoMs()),
    },
    devices: config.devices.map((_, device) => deviceStatus(sources, device)),
    readPoints: config.readPoints.map(({ name }) => readPointStatus(sources, name)),
    labels: sources.pipeline.labelTotals(),
    shippers: sources.pipeline.shipperTotals(),
    policy: await policyStatus(sources.policy, Date.now()),
    sealing: { undefined: "off", true: "ready", false: "no-key" }[
      String(sources.pipeline.isSealing())
    ] as Status["sealing"],
    ...(sealKey === undefined ? {} : { sealKey }),
    brokers: config.brokers.map((_, broker) => brokerStatus(sources, stats, forecast, broker)),
    ...(sources.orders !== undefined && { orders: await sources.orders.state() }),
  };
}

/** How long ago the last of several losses was; undefined ones never happened. */
function lossStatus(...agoMs: readonly (DurationMs | undefined)[]): Pick<Status["queue"], "lossAgoMs"> {
  const lossAgoMs = Math.min(...agoMs.map((ms) => ms ?? Number.POSITIVE_INFINITY));
  return Number.isFinite(lossAgoMs) ? { lossAgoMs } : {};
}

async function sealKeyStatus(pipeline: Pipeline): Promise<SealKeyStatus | undefined> {
  const key = pipeline.sealKey();
  if (key === undefined) return undefined;
  const { file, fileSha256, fingerprint, notAfter } = key;
  const ends = notAfter === undefined ? {} : { notAfter: new Date(notAfter).toISOString() };
  return { file, fingerprint, ...ends, fileNow: await fileNow(file, fileSha256) };
}

function certificateFacts(
  certificate: Omit<LedgerThread["opened"]["certificate"], "path" | "keyPath">,
): CertificateFacts {
  const { subject, fingerprint, notAfter } = certificate;
  const days = judgeDays(certificate, Date.now());
  return {
    subject,
    fingerprint,
    notAfter: new Date(notAfter).toISOString(),
    ...(days && { days: { state: days.state, level: days.level, problem: days.sentence, hint: days.hint } }),
  };
}

/** `keys import` changes the file under a running daemon, which uses the new one only from its next start on. */
async function certificateOnDisk(path: string): Promise<CertificateFacts | undefined> {
  try {
    const certificate = new X509Certificate(await readSmallFile(path));
    return certificateFacts({
      subject: certificate.subject.replaceAll("\n", ", "),
      fingerprint: certificate.fingerprint256,
      ...daysOf(certificate),
    });
  } catch {
    // Gone or damaged since the start; the daemon does without, and says nothing about what it cannot see.
    return undefined;
  }
}

const holds: Readonly<Record<HoldReason, { readonly sentence: string; readonly hint: string }>> = {
  overload: {
    sentence: "It is made to wait, because events come faster than the disk takes them",
    hint: "if that goes on, look at the disk: iostat -x 1",
  },
  full: {
    sentence: 'It is not read while the ledger is full (when_full = "stop-reading")',
    hint: "bring the broker back, raise bytes_max under [queue] and restart, or free the disk: df -h",
  },
};

function deviceStatus(sources: StatusSources, device: number): DeviceStatus {
  const { config, devices, pipeline, readRate, nowMs } = sources;
  const settings = config.devices[device]!;
  const { isPaused, sinceMs, ...supervised } = devices[device]!.state();
  const hold = isPaused ? holds[sources.pressure.reason() ?? "overload"] : undefined;
  const state = hold === undefined ? supervised.state : "paused";
  const { sentence, hint } = hold ?? supervised;
  const { readCount, noReadCount, malformedCount, discardedByteCount, heardAt } = pipeline.deviceCounters(device);
  return {
    name: settings.name,
    readPoint: settings.read_point,
    driver: settings.driver,
    state,
    forMs: nowMs() - (hold === undefined ? sinceMs : Math.max(sinceMs, sources.pressure.sinceMs())),
    problem: sentence ?? "",
    ...(hint === undefined ? {} : { hint }),
    readCount,
    noReadCount,
    malformedCount,
    discardedByteCount,
    readsPerSecond: readRate(device),
    ...(heardAt === undefined ? {} : { quietMs: nowMs() - heardAt }),
  };
}

function readPointStatus({ pipeline }: StatusSources, name: string): ReadPointStatus {
  const counters = pipeline.readPointCounters(name);
  return {
    name,
    readCount: counters.reads,
    openedCount: counters.opened,
    suppressedCount: counters.suppressed,
    refusedCount: { ...counters.refused, droppedUnknown: counters.droppedUnknownCount },
    pendingCount: counters.pending,
    noReadCount: counters.noReads,
    evictedCount: counters.evicted,
    liveCount: counters.live,
  };
}

/** An event that was set aside, as the control socket shows it. */
export function refusedStatus({ sequence, reason, at }: RefusedRow): RefusedStatus {
  return { sequence, reason, at: new Date(at).toISOString() };
}

function orderingStatus({
  isHeld,
  problem,
  hint,
}: NonNullable<ForwarderState["orders"]>): NonNullable<BrokerStatus["orders"]> {
  return { subscribed: isHeld, problem, ...(hint !== "" && { hint }) };
}

function brokerStatus(
  { config, forwarders, nowMs }: StatusSources,
  stats: LedgerStats,
  forecast: Forecast,
  broker: number,
): BrokerStatus {
  const { name, url, view } = config.brokers[broker]!;
  const { state, since, problem, hint, protocol, inFlightCount, acknowledgedCount, orders } =
    forwarders[broker]!.state();
  const queue = stats.brokers.find((entry) => entry.name === name);
  return {
    name,
    url,
    state,
    forMs: nowMs() - since,
    problem,
    ...(hint === "" ? {} : { hint }),
    ...(protocol === undefined ? {} : { protocol }),
    queuedCount: queue?.queuedCount ?? 0,
    inFlightCount,
    acknowledgedCount,
    deliveredTo: queue?.deliveredTo ?? 0,
    refusedCount: queue?.refusedCount ?? 0,
    ...(queue?.lastRefused === undefined ? {} : { lastRefused: refusedStatus(queue.lastRefused) }),
    deliveredCount: queue?.deliveredCount ?? 0,
    lostCount: queue?.lostCount ?? {},
    salvagedCount: queue?.salvagedCount ?? 0,
    ...(queue?.replay === undefined ? {} : { replay: queue.replay }),
    ...(view !== undefined && { hasView: true }),
    ...(orders !== undefined && { orders: orderingStatus(orders) }),
    hoursUntilDrained: forecast.hoursUntilDrained[broker] ?? null,
    oldestQueuedMs: queue?.oldestAt === undefined ? 0 : Math.max(0, Date.now() - queue.oldestAt),
  };
}
