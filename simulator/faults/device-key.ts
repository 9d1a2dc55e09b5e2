import { X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openIdentity } from "../../src/identity/index.ts";
import type { LedgerBeginning } from "../../src/workers/index.ts";

/** The device that signs in all histories of one command. */
export interface DeviceKey {
  readonly identity: LedgerBeginning["identity"];
  /** Signs nothing, in no time: for histories whose chain nobody verifies. */
  readonly idle: LedgerBeginning["identity"];
  readonly trust: readonly X509Certificate[];
}

/** Makes one. Cost: about a second. */
export async function makeDeviceKey(): Promise<DeviceKey> {
  const dataDir = await mkdtemp(join(tmpdir(), "sortgate-faults-"));
  try {
    const clock = { monotonicMs: () => 0, wallMs: () => Date.parse("2026-11-23T00:00:00Z"), boot: "00000000" };
    const identity = await openIdentity({ dataDir, site: "HZ01", gateway: "line-3", clock });
    const signature = Buffer.alloc(identity.sign(Buffer.alloc(1)).length);
    return {
      identity,
      idle: { ...identity, sign: () => signature },
      trust: identity.certificateChain.map((certificate) => new X509Certificate(certificate)),
    };
  } finally {
    await rm(dataDir, { recursive: true });
  }
}
