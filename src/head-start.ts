import type { Config } from "./config/index.ts";
import { type OpeningLedger, startLedgerThread } from "./workers/index.ts";

/** What the rest of the daemon is opened with. */
export interface HeadStart {
  readonly config: Config;
  readonly opening: OpeningLedger;
}

/**
 * What of the daemon begins before the rest of it is loaded, so that a start takes a third less: the ledger thread loads
 * its libraries beside the config and its schema, and opens the ledger beside everything else.
 *
 * Takes:   `version`, as it shall stand in epoch events.
 * Fails:   config/*. The thread lives then; whoever called ends the process.
 */
export async function headStart(configPath: string, version: string): Promise<HeadStart> {
  const started = startLedgerThread();
  // Only now: the schema alone takes as long to load as all that the thread needs.
  const { configDigest, readConfig } = await import("./config/index.ts");
  const config = await readConfig(configPath);
  const { site, id, data_dir } = config.gateway;
  const opening = started.open({
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
    views: Object.fromEntries(config.brokers.flatMap(({ name, view }) => (view === undefined ? [] : [[name, view]]))),
    crypto: config.guard.crypto,
  });
  return { config, opening };
}
