import { type Config, configDigest } from "./config/index.ts";
import { type OpeningLedger, type StartedLedger, startLedgerThread } from "./workers/index.ts";

/*
 * What of the daemon begins before the rest of it is loaded, so that a start takes a fifth less: the ledger thread is
 * started first of all, and told what to open as soon as the config is read.
 */

export function startLedger(): StartedLedger {
  return startLedgerThread();
}

/** Takes: `version`, as it shall stand in epoch events. */
export function openLedger(started: StartedLedger, config: Config, version: string): OpeningLedger {
  const { site, id, data_dir } = config.gateway;
  return started.open({
    dataDir: data_dir,
    site,
    gateway: id,
    software: version,
    configDigest: configDigest(config),
    bytesMax: config.queue.bytes_max,
    retainMs: config.queue.retain_days * 86_400_000,
    recallMs: Math.max(0, ...config.readPoints.map((point) => point.pass_max_ms + point.depart_ms)),
    whenFull: config.queue.when_full,
    brokers: config.brokers.map((broker) => broker.name),
  });
}
