import type { Config } from "./config/index.ts";
import { takeRawProbes } from "./control/index.ts";
import { ceilingOf, type ForecastSample } from "./forecast.ts";
import type { Forwarder } from "./forward/index.ts";
import { judgeDays } from "./identity/index.ts";
import type { Clock } from "./lib/clock.ts";
import type { ClockSync } from "./lib/clock-sync.ts";
import { freeBytesOf } from "./lib/free-bytes.ts";
import { noRoom, SortgateError, systemCode } from "./model/error.ts";
import { announce } from "./model/event.ts";
import type { Tell } from "./model/notice.ts";
import {
  createClockWatch,
  createForecastWatch,
  createHeartbeat,
  createSyncWatch,
  type ForecastWatch,
  type Timers,
} from "./self-watch.ts";
import type { Systemd } from "./telemetry/index.ts";
import type { LedgerThread } from "./workers/index.ts";

/** Foretells from what the ledger thread says; there are no forwarders at first. */
export function forecastWatch(sources: {
  readonly config: Pick<Config, "gateway" | "queue">;
  readonly ledger: LedgerThread;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly forwarders: () => readonly Forwarder[] | undefined;
}): ForecastWatch {
  const { config, ledger, clock, tell, forwarders } = sources;
  return createForecastWatch({
    sample: () => sampleOf(config, ledger, forwarders(), clock),
    tell,
    alarm: (data) => void ledger.append(announce("alarm", clock.wallMs(), { ...data })),
  });
}

/** What follows the box's clock, for each second and for the last of them; says at once what does not fit it. */
export function clockWatches(clock: Clock, sync: ClockSync, ledger: LedgerThread, tell: Tell): () => void {
  tellAtStart(ledger.opened, clock, tell);
  const stepped = (stepMs: number): void =>
    void ledger.append(announce("alarm", clock.wallMs(), { alarm: "clock-stepped", stepMs }));
  const watches = [createClockWatch(clock, tell, stepped), createSyncWatch(sync, ledger.clockIs)];
  return () => {
    for (const look of watches) look();
  };
}

/** A clock that is this much behind what is on disk was wrong then, or is now; less is drift, or was set right. */
const behindMsMax = 300_000;

/** Says at the start what a person should see to before anything comes of it. */
export function tellAtStart(
  { certificate, lastAt }: LedgerThread["opened"],
  clock: Pick<Clock, "wallMs">,
  tell: Tell,
): void {
  const behindMs = lastAt - clock.wallMs();
  if (behindMs > behindMsMax)
    tell({
      name: "gateway/warning",
      level: "warn",
      message: `The clock of this box is behind the newest event on disk, which is of ${new Date(lastAt).toISOString()}: new events are dated before it, their order in the chain stays right. Try: timedatectl shows whether a time server sets the clock; timedatectl set-time 'YYYY-MM-DD hh:mm:ss' sets it by hand`,
      fields: { behindMs },
    });
  const days = judgeDays(certificate, clock.wallMs());
  if (days !== undefined)
    tell({
      name: "gateway/warning",
      level: days.level === "problem" ? "error" : "warn",
      message: `${days.sentence}. Try: ${days.hint}`,
    });
}

const rawProbeTicks = 60;

/**
 * Puts into the chain, at the start and each minute, who looked at all bytes of a device. For each second.
 *
 * What the ledger has no room for stays noted, and is tried again.
 */
export function rawProbeWatch(
  { gateway }: { readonly gateway: Pick<Config["gateway"], "data_dir"> },
  clock: Clock,
  ledger: Pick<LedgerThread, "append" | "ask" | "hasRoom">,
  tell: Tell,
): () => void {
  const dataDir = gateway.data_dir;
  let tickCount = 0;
  let isBusy = false;
  const put: Parameters<typeof takeRawProbes>[1] = async (probes) => {
    if (!ledger.hasRoom()) throw noRoom();
    for (const probe of probes) {
      const event = announce("audit", clock.wallMs(), { action: "probe-raw", ...probe });
      if (ledger.append(event) === "full") throw noRoom();
    }
    await ledger.ask("beat", { withinMs: 0 });
    // A full ledger answers too.
    if (!ledger.hasRoom()) throw noRoom();
  };
  return () => {
    if (tickCount++ % rawProbeTicks !== 0 || isBusy) return;
    isBusy = true;
    takeRawProbes(dataDir, put)
      .catch((error: unknown) =>
        tell({
          name: "gateway/warning",
          level: "warn",
          message: `Who looked at all bytes of a device cannot be put into the chain (${systemCode(error)}), and stays noted. Try: ${error instanceof SortgateError ? error.hint : `ls -l ${dataDir}`}`,
        }),
      )
      .finally(() => {
        isBusy = false;
      });
  };
}

function isTaking(forwarder: Forwarder | undefined): boolean {
  const state = forwarder?.state();
  return state?.state === "up" && state.problem === "";
}

/** What forecasts are made of; undefined until there are forwarders. */
async function sampleOf(
  { gateway, queue }: Pick<Config, "gateway" | "queue">,
  ledger: LedgerThread,
  forwarders: readonly Forwarder[] | undefined,
  clock: Clock,
): Promise<ForecastSample | undefined> {
  if (forwarders === undefined) return undefined;
  const freeBytes = await freeBytesOf(gateway.data_dir);
  const stats = await ledger.ask("stats", null);
  const { first, last, usedBytes, brokers } = stats;
  return {
    nowMs: clock.monotonicMs(),
    first,
    last,
    usedBytes,
    ...ceilingOf(stats, queue.bytes_max, freeBytes),
    brokers: brokers.map(({ queuedCount, deliveredTo }, broker) => ({
      // One that refuses what it is sent does not drain either.
      isUp: isTaking(forwarders[broker]),
      queuedCount,
      deliveredTo,
    })),
  };
}

/** Feeds systemd's watchdog, as long as commits return. */
export function watchdogTimer(
  { watchdogMs, watchdog }: Pick<Systemd, "watchdogMs" | "watchdog">,
  ledger: LedgerThread,
  clock: Clock,
): Pick<Timers, "watchdogMs" | "feedWatchdog"> {
  const everyMs = watchdogMs ?? 0;
  // Three feeds come within one interval of systemd's, and an idle disk is written to once in that time.
  const beat = (): Promise<null> => ledger.ask("beat", { withinMs: 3 * everyMs });
  return { watchdogMs, feedWatchdog: createHeartbeat({ clock, everyMs, beat, feed: watchdog }) };
}
