import type { Config } from "./config/index.ts";
import type { SortgateError } from "./model/error.ts";
import { announce } from "./model/event.ts";
import type { Tell } from "./model/notice.ts";
import type { Policy, TakenPolicy } from "./policy.ts";
import { type LedgerOptions, type LedgerThread, type OpeningLedger, startLedgerThread } from "./workers/index.ts";

const dayMs = 86_400_000;

/** What the rest of the daemon is opened with. */
export interface HeadStart {
  /** Of the config file, as it was given. */
  readonly configPath: string;
  readonly config: Config;
  /** What the guard works by. */
  readonly policy: Policy;
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
  const taken = await (await import("./policy.ts")).takePolicy(config, Date.now());
  const opening = started.open(ledgerOptions(config, taken.policy, version, configDigest(config)));
  const opened: OpeningLedger["opened"] = async (listener) => {
    const ledger = await opening.opened(listener);
    await tellPolicy(config, taken, ledger, listener.tell);
    return ledger;
  };
  return { configPath, config, policy: taken.policy, opening: { opened } };
}

/** What the ledger thread works by, of a config and of the policy in force. */
export function ledgerOptions(config: Config, policy: Policy, software: string, configDigest: string): LedgerOptions {
  const { gateway, queue, brokers, readPoints, guard } = config;
  const { hash, signed } = policy;
  const { retain_core_days: coreDays } = queue;
  return {
    dataDir: gateway.data_dir,
    site: gateway.site,
    gateway: gateway.id,
    software,
    configDigest,
    policy: { hash, ...(signed === undefined ? {} : { version: signed.version, signer: signed.signer }) },
    bytesMax: queue.bytes_max,
    retainMs: queue.retain_days * dayMs,
    retainCoreMs: coreDays === undefined ? undefined : coreDays * dayMs,
    recallMs: Math.max(0, ...readPoints.map((point) => point.pass_max_ms + point.depart_ms)),
    whenFull: queue.when_full,
    brokers: brokers.map((broker) => broker.name),
    views: Object.fromEntries(brokers.flatMap(({ name, view }) => (view === undefined ? [] : [[name, view]]))),
    crypto: guard.crypto,
  };
}

/** Puts into chain and log that the policy does not hold, before any parcel; remembers what could not be before. */
async function tellPolicy(config: Config, taken: TakenPolicy, ledger: LedgerThread, tell: Tell): Promise<void> {
  const { refused } = taken.policy;
  if (refused !== undefined) {
    ledger.append(announce("alarm", Date.now(), { alarm: "policy-refused", reason: refused.reason }));
    tell({
      name: "guard/policy-refused",
      level: "error",
      message: `All codes leave as tokens, for the signed policy is not in force: ${refused.sentence}. Try: ${refused.hint}`,
    });
  }
  if (taken.isRemembered) return;
  const { rememberPolicy } = await import("./policy.ts");
  await rememberPolicy(config, taken.policy).catch((error: unknown) => {
    const { message, hint } = error as SortgateError;
    tell({
      name: "gateway/warning",
      level: "warn",
      message: `The policy's version is not remembered: ${message}. Try: ${hint}`,
    });
  });
}
