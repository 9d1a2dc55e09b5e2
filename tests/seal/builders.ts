import { hash } from "node:crypto";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Identity, openIdentity } from "../../src/identity/index.ts";
import { createSystemClock } from "../../src/lib/clock.ts";
import { brandView, type EventKind, type Json } from "../../src/model/event.ts";
import {
  canonicalize,
  createEpochKey,
  createSealer,
  createVerifier,
  type DeviceSigner,
  epochData,
  type Sealer,
  type Verdict,
} from "../../src/seal/index.ts";
import { hashOf, leafOf } from "../../src/seal/merkle.ts";

export const place = { chain: "0123456789ab", gateway: "line-1", site: "HZ01" };

/** A real device identity in a folder of its own. */
export function aDevice(gateway: string = place.gateway): Promise<Identity> {
  const dataDir = mkdtempSync(join(tmpdir(), "sortgate-device-"));
  return openIdentity({ dataDir, gateway, site: place.site, clock: createSystemClock() });
}

/** Gives lines: events sealed one after the other. */
export interface Line {
  add(kind: EventKind, data: { readonly [member: string]: Json }, subject?: string): string;
  /** Draws a new key and adds its epoch event. */
  startEpoch(): string;
  /** The same with another endorsement, or none. */
  startEpochWith(wrong: { readonly endorsement: string | number | undefined }): string;
  /** Adds a checkpoint of what is there. */
  check(): string;
  readonly sealer: Sealer;
}

/** A chain that grows by hand; its time goes on by one second an event. */
export function aLine(
  device: DeviceSigner,
  where: typeof place = place,
  sealer: Sealer = createSealer(where),
  firstAt: number = Date.UTC(2026, 10, 23),
): Line {
  const newEpoch = (): { readonly [member: string]: Json } => {
    const key = createEpochKey();
    sealer.useKey(key);
    const sequence = sealer.state().sequence + 1;
    const facts = { software: "0.1.0", configDigest: "00".repeat(32), reason: "start" as const };
    return epochData({ ...where, sequence, key, device, ...facts });
  };
  const line: Line = {
    sealer,
    add(kind, data, subject) {
      const at = firstAt + sealer.state().sequence * 1_000;
      return Buffer.from(sealer.seal({ kind, subject, at, data: canonicalize(data) }).bytes).toString("utf8");
    },
    startEpoch: () => line.add("epoch", newEpoch()),
    startEpochWith({ endorsement }) {
      const { endorsement: _, ...data } = newEpoch();
      return line.add("epoch", endorsement === undefined ? data : { ...data, endorsement });
    },
    check() {
      const { sequence } = sealer.state();
      return line.add("checkpoint", { size: sequence, root: sealer.root(), counters: {}, delivered: {} });
    },
  };
  return line;
}

/** A chain of `count` events: an epoch at each 100th, a checkpoint at each 50th, reads between. */
export function aChain(device: DeviceSigner, count: number, where: typeof place = place): string[] {
  const line = aLine(device, where);
  return Array.from({ length: count }, (_, index) => {
    if (index % 100 === 0) return line.startEpoch();
    if (index % 50 === 49) return line.check();
    return line.add("read", { code: `SF${1_000_000_000_000 + index}`, readPoint: "隧道-1", rssiDbm: -55.5 }, "隧道-1");
  });
}

export function judge(lines: readonly string[], settings?: Parameters<typeof createVerifier>[0]): Verdict {
  const verifier = createVerifier(settings);
  for (const [index, line] of lines.entries()) verifier.push(line, index + 1);
  return verifier.finish();
}

/** A line with some members replaced, in canonical form. */
export function changed(line: string, members: { [member: string]: Json }): string {
  return canonicalize({ ...(JSON.parse(line) as { [member: string]: Json }), ...members });
}

/** A line that claims another sequence. */
export function renumbered(line: string, sequence: number): string {
  return changed(line, { id: `${place.gateway}/${place.chain}/${sequence}`, sequence: String(sequence) });
}

/** The line that stands for an erased event. */
export function markOf(event: string, wrong: { readonly [member: string]: Json } = {}): string {
  const { id, source } = JSON.parse(event) as { id: string; source: string };
  const erased = {
    digest: hash("sha256", event, "base64url"),
    id,
    leaf: Buffer.from(hashOf(leafOf(event)), "latin1").toString("base64url"),
    source,
  };
  return canonicalize({ erased: { ...erased, ...wrong } });
}

/** What a broker with a view gets of an event. */
export function viewOf(
  line: Line,
  event: string,
  wrong: { readonly bytes?: string } = {},
  data: { readonly [member: string]: Json } = { codeClass: "waybill" },
): string {
  const { sequence, type } = JSON.parse(event) as { sequence: string; type: string };
  const bytes = Buffer.from(wrong.bytes ?? event);
  const sealed = { sequence: Number(sequence), kind: "read", subject: undefined, bytes } as const;
  const draft = { viewer: "partner", event: sealed, type, view: brandView({ kind: "read", data }) };
  return Buffer.from(line.sealer.view(draft).bytes).toString("utf8");
}
