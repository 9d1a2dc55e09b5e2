import { join } from "node:path";
import { loadDriver, loadProfile } from "../drivers/index.ts";
import { type BackPressure, createBackPressure } from "./back-pressure.ts";
import type { Config } from "./config/index.ts";
import { type Control, openControl, type Subject } from "./control/index.ts";
import { closeDataDir } from "./data-dir.ts";
import { recallPasses } from "./dedup/index.ts";
import { type SupervisedDevice, superviseDevice } from "./driver/index.ts";
import { type Forwarder, startForwarder } from "./forward/index.ts";
import type { Guard } from "./guard/index.ts";
import { openGuard, rehearseGuard } from "./guarding.ts";
import type { HeadStart } from "./head-start.ts";
import { createIntake } from "./intake.ts";
import { type Clock, createSystemClock, pause } from "./lib/clock.ts";
import { type ClockSync, watchClockSync } from "./lib/clock-sync.ts";
import { makeFolder, nearestFolder } from "./lib/folder.ts";
import { SortgateError, systemCode } from "./model/error.ts";
import { announce } from "./model/event.ts";
import { limits } from "./model/limits.ts";
import type { Tell } from "./model/notice.ts";
import { type Orders, ordersOf } from "./orders/index.ts";
import { createPipeline, type Instant, type Pipeline } from "./pipeline.ts";
import { createRates, startTimers } from "./self-watch.ts";
import { gatherStatus, refusedStatus } from "./status.ts";
import { createSystemd, createTelemetry } from "./telemetry/index.ts";
import { clockWatches, forecastWatch, rawProbeWatch, watchdogTimer } from "./watches.ts";
import { type Counters, type LedgerThread, unpackEvents } from "./workers/index.ts";

/** Time for the last commit, and for brokers to take what is queued, when the daemon stops. */
const drainBudgetMs = 3_000;
/** A broker gets at least this long to hear that we go. */
const farewellMs = 500;

/** The running daemon. */
export interface Gateway {
  /** Resolves with the reason if it cannot go on (the ledger failed); the process must then end with code 74. */
  readonly failed: Promise<SortgateError>;
  /** Stops reading, makes durable what was read, lets brokers take a little more, and ends. */
  stop(): Promise<void>;
}

/**
 * Builds the daemon of a config: the only place that knows every module.
 *
 * Takes:   `version`, as it shall stand in the status.
 * Fails:   ledger/*, identity/*, control/*; what it opened until then is closed again. Devices and brokers that are not
 *          there are no failure: they are tried for ever.
 */
export async function openGateway(
  { configPath, config, policy, opening }: HeadStart,
  version: string,
): Promise<Gateway> {
  const clock = createSystemClock();
  const startedAtWallMs = clock.wallMs();
  const telemetry = createTelemetry({ settings: config.log, configPath });
  const { tell } = telemetry;
  const systemd = createSystemd({ tell });
  const now = (): Instant => ({ monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() });

  // The ledger comes first (the windows are rebuilt from it), and yet its checkpoints count what the pipeline did.
  const late: { pipeline?: Pipeline; forwarders?: readonly Forwarder[] } = {};
  const ledger = await opening.opened({ tell, counters: () => conservation(config, late.pipeline) });
  const clockSync = watchClockSync();
  const isClockSynchronized = clockSync.isSynchronized;
  const { guard, tokens, known } = await openGuard(policy, clock, ledger, tell);
  const pressure = createBackPressure({ ledger, whenFull: config.queue.when_full, clock, tell });
  const pipeline = await openPipeline({ config, guard, clock, ledger, pressure, tell, isClockSynchronized });
  late.pipeline = pipeline;
  const rates = createRates(config.devices.length, (device) => pipeline.deviceCounters(device).readCount);
  let isReady = false;

  const forecast = forecastWatch({ config, ledger, clock, tell, forwarders: () => late.forwarders });

  // Before any device or broker hears of us: a second daemon by mistake must not take them away from the first.
  let begin: (field: Field) => void = () => {};
  const field = new Promise<Field>((resolve) => (begin = resolve));
  const control = await openControlSocket({
    config,
    ledger,
    tell,
    now,
    status: async () =>
      gatherStatus({
        config,
        policy,
        software: version,
        boot: clock.boot,
        startedAtWallMs,
        isReady: () => isReady,
        isClockSynchronized,
        ledger,
        pipeline,
        ...(await field),
        pressure,
        readRate: rates.of,
        forecast: forecast.now,
        nowMs: () => clock.monotonicMs(),
      }),
    noticeCounts: telemetry.counts,
    known,
  }).catch((error: unknown) => endEarly(error, clockSync, ledger));
  const devices = await startDevices({ config, clock, tell, ledger, pressure, pipeline, now });
  const { forwarders, orders } = startForwarders(config, version, ledger, clock, tell, known);
  late.forwarders = forwarders;
  begin({ devices, forwarders, orders });

  const lookAtClocks = clockWatches(clock, clockSync, ledger, tell);
  const timers = startTimers({
    sweep() {
      pipeline.sweep(now());
      pressure.check();
    },
    eachSecond: [lookAtClocks, rates.tick, forecast.tick, tokens.expire, rawProbeWatch(config, clock, ledger, tell)],
    ...watchdogTimer(systemd, ledger, clock),
  });
  isReady = true;
  tell({ name: "gateway/ready", level: "info", message: "sortgate is ready", fields: { chain: ledger.opened.chain } });
  await systemd.ready();
  rehearseGuard(policy);

  return {
    failed: ledger.failed.then((error) => tellFailed(error, tell)),
    async stop() {
      isReady = false;
      tell({ name: "gateway/stopping", level: "info", message: "sortgate is stopping" });
      const told = systemd.stopping();
      for (const timer of timers) clearInterval(timer);
      await control.close();
      await stopAll({ devices, forwarders, orders, ledger, pipeline, now, lookAtClocks });
      clockSync.close();
      await told;
      tell({ name: "gateway/stopped", level: "info", message: "sortgate has stopped; what it committed is on disk" });
      telemetry.flush();
    },
  };
}

/** What stands at the ends of the path: it knows nothing of the gateway, and is there last. */
interface Field {
  readonly devices: readonly SupervisedDevice[];
  readonly forwarders: readonly Forwarder[];
  readonly orders: Orders | undefined;
}

/** What is open when the control socket cannot be opened is closed again. */
async function endEarly(error: unknown, clockSync: ClockSync, ledger: LedgerThread): Promise<never> {
  clockSync.close();
  await ledger.stop();
  throw error;
}

function tellFailed(error: SortgateError, tell: Tell): SortgateError {
  const message = `${error.message}. Try: ${error.hint}`;
  tell({ name: "ledger/failed", level: "error", message, fields: { code: error.code } });
  return error;
}

/** Reads in = emitted + suppressed + refused (by reason), over all read points; stands in every checkpoint. */
function conservation(config: Config, pipeline: Pipeline | undefined): Counters {
  const sums = { reads: 0, opened: 0, suppressed: 0, pending: 0, noReads: 0, refusedRssi: 0, refusedReadsMin: 0 };
  let droppedUnknown = 0;
  if (pipeline !== undefined)
    for (const { name } of config.readPoints) {
      const counters = pipeline.readPointCounters(name);
      sums.reads += counters.reads;
      sums.opened += counters.opened;
      sums.suppressed += counters.suppressed;
      sums.pending += counters.pending;
      sums.noReads += counters.noReads;
      sums.refusedRssi += counters.refused.rssi;
      sums.refusedReadsMin += counters.refused.readsMin;
      droppedUnknown += counters.droppedUnknownCount;
    }
  return { ...sums, droppedUnknown };
}

interface PipelineSources {
  readonly config: Config;
  readonly guard: Guard;
  readonly clock: Clock;
  readonly ledger: LedgerThread;
  readonly pressure: BackPressure;
  readonly tell: Tell;
  readonly isClockSynchronized: () => boolean;
}

async function openPipeline({
  config,
  guard,
  clock,
  ledger,
  pressure,
  tell,
  isClockSynchronized,
}: PipelineSources): Promise<Pipeline> {
  const profiles = await Promise.all(config.devices.map(loadProfile));
  return createPipeline({
    readPoints: config.readPoints,
    devices: config.devices.map(({ name, read_point }, index) => ({
      name,
      readPoint: read_point,
      profile: profiles[index]!,
    })),
    guard,
    boot: clock.boot,
    isClockSynchronized,
    accept: createIntake(ledger, pressure, tell),
    recalled: recallPasses(ledger.opened.remembered, ledger.opened.lastAt, config.readPoints),
    tell,
  });
}

interface DeviceSources {
  readonly config: Config;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly ledger: LedgerThread;
  readonly pressure: BackPressure;
  readonly pipeline: Pipeline;
  readonly now: () => Instant;
}

/** Only OPC UA keeps something there: the certificates that make this gateway known to the server. */
function makeStateDir(path: string, { name, driver }: Config["devices"][number], tell: Tell): void {
  if (driver !== "opcua") return;
  try {
    makeFolder(path, 0o700);
  } catch (error) {
    // One device that has no room must not keep the others from being read.
    const folder = nearestFolder(path);
    tell({
      name: "device/warning",
      level: "error",
      message: `${path} cannot be made (${systemCode(error)}): device ${name} cannot keep its certificates there. Try: ls -ld ${folder}; df -h ${folder}`,
      fields: { device: name },
    });
  }
}

async function startDevices({
  config,
  clock,
  tell,
  ledger,
  pressure,
  pipeline,
  now,
}: DeviceSources): Promise<SupervisedDevice[]> {
  const { path: certificatePath, keyPath } = ledger.opened.certificate;
  return Promise.all(
    config.devices.map(async (settings, index) => {
      const stateDir = join(config.gateway.data_dir, "devices", settings.name);
      makeStateDir(stateDir, settings, tell);
      const device = superviseDevice({
        driver: await loadDriver(settings.driver),
        settings,
        device: settings.name,
        receive: (chunk) => pipeline.receive(index, chunk, now()),
        clock,
        tell,
        stateDir,
        ownCertificate: { certificatePath, keyPath },
        onState(state, reason) {
          if (state === "up") pipeline.up(index, now());
          const data = { device: settings.name, state, reason: reason ?? "opened" };
          ledger.append(announce("device", clock.wallMs(), data, settings.name));
        },
      });
      pressure.add(device);
      return device;
    }),
  );
}

function startForwarders(
  config: Config,
  version: string,
  ledger: LedgerThread,
  clock: Clock,
  tell: Tell,
  known: (subject: Subject) => Subject,
): { readonly forwarders: readonly Forwarder[]; readonly orders: Orders | undefined } {
  const { site, id } = config.gateway;
  const orders = ordersOf({ config, ledger, clock, tell }, known);
  const forwarders = config.brokers.map((settings) =>
    startForwarder({
      settings,
      site,
      gateway: id,
      chain: ledger.opened.chain,
      software: version,
      backlog: ledger.backlog(settings.name),
      clock,
      tell,
      orders:
        orders !== undefined && settings.orders
          ? { take: (bytes) => orders.take(settings.name, bytes), missed: orders.missed }
          : undefined,
    }),
  );
  return { forwarders, orders };
}

interface ControlSources {
  readonly config: Config;
  readonly ledger: LedgerThread;
  readonly tell: Tell;
  readonly now: () => Instant;
  readonly status: Parameters<typeof openControl>[0]["view"]["status"];
  readonly noticeCounts: () => ReadonlyMap<string, number>;
  readonly known: (subject: Subject) => Subject;
}

async function openControlSocket({
  config,
  ledger,
  tell,
  now,
  status,
  noticeCounts,
  known,
}: ControlSources): Promise<Control> {
  const control = await openControl({
    settings: config.control,
    tell,
    noticeCounts,
    view: {
      status,
      async refused() {
        const lists = Object.entries(await ledger.ask("refused", null));
        return Object.fromEntries(lists.map(([broker, rows]) => [broker, rows.map(refusedStatus)]));
      },
      events: async (from, to, bytesMax) => unpackEvents(await ledger.ask("events", { from, to, bytesMax })),
      watch: ledger.watch,
      replay: (broker, from, to) => ledger.ask("replay", { broker, from, to }),
      erase: (subject) => ledger.ask("erase", [known(subject)]),
      rotateKey: () => ledger.ask("rotateKey", null),
      audit: (action, detail) => ledger.append(announce("audit", now().wallMs, { action, ...detail })),
      alarm: (alarm, detail) => ledger.append(announce("alarm", now().wallMs, { alarm, ...detail })),
    },
  });
  // Only now: the socket may lie there too, and is for others to use.
  closeDataDir(config.gateway.data_dir, tell);
  return control;
}

interface Stoppable extends Field {
  readonly ledger: LedgerThread;
  readonly pipeline: Pipeline;
  readonly now: () => Instant;
  readonly lookAtClocks: () => void;
}

function tooSlow(ledger: LedgerThread): SortgateError {
  const count = ledger.uncommittedCount();
  const sentence = `The disk did not take in time what it was given at the stop: up to ${count} events that waited are lost`;
  return new SortgateError("ledger/io", sentence, {
    hint: "look at the disk before the next start: iostat -x 1, dmesg",
  });
}

/** In the order of the path: what is upstream stops first, so that what it still gave is taken along. */
async function stopAll({ devices, forwarders, orders, ledger, pipeline, now, lookAtClocks }: Stoppable): Promise<void> {
  const untilMs = performance.now() + limits.stopBudgetMs - farewellMs;
  orders?.close();
  await Promise.all(devices.map((device) => device.close()));
  pipeline.close(now());
  // A clock that was set just now: without a word of it the next start takes what lies here for long departed.
  lookAtClocks();
  // Devices take a quarter of the budget at most, and the ledger gets what is left.
  const drainUntil = performance.now() + drainBudgetMs;
  let isStopped = false;
  try {
    await Promise.race([ledger.checkpoint(), pause(drainBudgetMs)]);
    const isUp = (): boolean => forwarders.some((forwarder) => forwarder.state().state === "up");
    while (isUp() && performance.now() < drainUntil) {
      const stats = await Promise.race([ledger.ask("stats", null), pause(drainUntil - performance.now())]);
      if (stats?.brokers.every((broker) => broker.queuedCount === 0)) break;
      await pause(20);
    }
  } finally {
    const leftMs = Math.max(drainUntil - performance.now(), farewellMs);
    await Promise.all(forwarders.map((forwarder) => forwarder.close(leftMs)));
    const stopping = ledger.stop().then(() => true as const);
    isStopped = (await Promise.race([stopping, pause(untilMs - performance.now())])) === true;
  }
  if (!isStopped) throw tooSlow(ledger);
}
