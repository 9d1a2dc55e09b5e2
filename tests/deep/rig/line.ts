import { createHash, X509Certificate } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openIdentity } from "../../../src/identity/index.ts";
import { openLedger } from "../../../src/ledger/index.ts";
import { createSystemClock } from "../../../src/lib/clock.ts";
import type { SealedEvent } from "../../../src/model/event.ts";
import { createVerifier, type Verdict } from "../../../src/seal/index.ts";
import {
  type Daemon,
  type DaemonSettings,
  makeSite,
  oneScanner,
  openTcpScanner,
  type Site,
  type SiteSettings,
  startDaemon,
  type TcpScanner,
} from "../../fakes/gateway.ts";
import type { Defer } from "./defer.ts";

/** A site with one scanner on TCP, and the daemon that belongs to it. */
export interface Line {
  readonly site: Site;
  readonly scanner: TcpScanner;
  /** Starts the daemon and waits until it is ready and the scanner is connected. */
  start(settings?: DaemonSettings): Promise<Daemon>;
  /** Starts it where the scanner cannot be reached: waits only until it is ready. */
  startOnly(settings?: DaemonSettings): Promise<Daemon>;
}

let identityFolder: string | undefined;

/** Gives a site an identity that was made before: a new key takes a second, and no proof here is about it. */
export async function giveIdentity(dataDir: string): Promise<void> {
  if (identityFolder === undefined) {
    const folder = mkdtempSync(join(tmpdir(), "sortgate-identity-"));
    process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
    const clock = createSystemClock();
    await openIdentity({ dataDir: folder, gateway: "line-3", site: "HZ01", clock, tell: () => {} });
    identityFolder = folder;
  }
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  cpSync(join(identityFolder, "identity"), join(dataDir, "identity"), { recursive: true });
}

export interface LineSettings extends Partial<SiteSettings> {
  readonly brokerUrl: string;
  /** Where the data directory is to lie; by default in the site's own folder. */
  readonly dataDir?: string;
  /** Config beside the one scanner. */
  readonly more?: string;
}

export async function openLine(settings: LineSettings, defer: Defer): Promise<Line> {
  const scanner = await openTcpScanner();
  defer(() => scanner.close());
  const site = makeSite({ rest: oneScanner(scanner.port) + (settings.more ?? ""), ...settings });
  defer(() => site.remove());
  const dataDir = settings.dataDir ?? site.dataDir;
  if (settings.dataDir !== undefined)
    site.configure(readFileSync(site.configPath, "utf8").replace(`"${site.dataDir}"`, `"${dataDir}"`));
  await giveIdentity(dataDir);
  const startOnly = async ({ env, ...rest }: DaemonSettings = {}): Promise<Daemon> => {
    const daemon = await startDaemon({ ...site, dataDir }, env, rest);
    defer(() => daemon.end("SIGKILL"));
    return daemon;
  };
  return {
    site: { ...site, dataDir },
    scanner,
    startOnly,
    async start(daemonSettings) {
      const daemon = await startOnly(daemonSettings);
      await scanner.connected();
      return daemon;
    },
  };
}

/** Every event of a ledger whose daemon is gone, by sequence. */
export function eventsOf(dataDir: string): Map<number, SealedEvent> {
  const ledger = openLedger(join(dataDir, "ledger.db"), 2_000_000_000);
  try {
    const { first, last } = ledger.extent();
    const events = last === 0 ? [] : ledger.read(first, last, Number.POSITIVE_INFINITY);
    return new Map(events.map((event) => [event.sequence, event]));
  } finally {
    ledger.close();
  }
}

/** What the verifier of the program says of these events, with the site's certificate to trust. */
export function verdictOf(events: Iterable<Uint8Array>, dataDir: string): Verdict {
  const certificate = new X509Certificate(readFileSync(join(dataDir, "identity/device.crt")));
  const verifier = createVerifier({ trust: [certificate] });
  for (const [index, bytes] of [...events].entries()) verifier.push(Buffer.from(bytes).toString("utf8"), index + 1);
  return verifier.finish();
}

/** Sequences of events that were seen outside and that the ledger does not hold, byte for byte. */
export function missingFrom(ledger: ReadonlyMap<number, SealedEvent>, seen: ReadonlyMap<number, Buffer>): number[] {
  const digest = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
  return [...seen]
    .filter(([sequence, bytes]) => {
      const stored = ledger.get(sequence);
      return stored === undefined || digest(stored.bytes) !== digest(bytes);
    })
    .map(([sequence]) => sequence);
}
