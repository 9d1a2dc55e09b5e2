import { createGuard, createTokenKeys, type Guard } from "../../src/guard/index.ts";
import { carrierNames, type GuardSettings, guardSettings } from "../../src/guard/settings.ts";
import type { ClearedEvent } from "../../src/model/event.ts";
import type { FirstRead, Observation, Pass } from "../../src/model/observation.ts";

export const noon = Date.UTC(2026, 10, 23, 12, 0, 0, 121);
export const clock = { boot: "9f0c3a1e", synced: true };
export const everything: GuardSettings = guardSettings.parse({ carriers: [...carrierNames] });

/** A guard whose clock stands at noon. */
export function aGuard(settings: Partial<GuardSettings> = {}): Guard {
  return createGuard({ settings: { ...everything, ...settings }, tokens: createTokenKeys(() => noon) });
}

type Over<One> = Partial<Omit<One, "code">> & { readonly code?: string | Uint8Array };

/** Where, when and what; text becomes UTF-8 bytes, as labels hold it. */
function facts(code: string | Uint8Array = "SF1385628716739") {
  return {
    passId: "9f0c3a1e-42",
    readPoint: "tunnel-1",
    device: "scanner-1",
    medium: "barcode",
    symbology: undefined,
    code: typeof code === "string" ? Buffer.from(code, "utf8") : code,
    firstReadAt: noon,
    at: noon + 2,
    monotonicMs: 81234567.12345,
  } as const;
}

/** A first read of a waybill, unless told otherwise. */
export function aFirstRead({ code, ...over }: Over<FirstRead> = {}): FirstRead {
  return { kind: "first-read", ...facts(code), antenna: undefined, rssiDbm: undefined, ...over };
}

/** The summary of the same pass. */
export function aPass({ code, ...over }: Over<Pass> = {}): Pass {
  return {
    kind: "pass",
    ...facts(code),
    lastReadAt: noon + 1_500,
    readCount: 7,
    antennas: [],
    devices: ["scanner-1"],
    closeReason: "departed",
    ...over,
  };
}

/** Clears an observation that must not be refused. */
export function cleared(observation: Observation, guard: Guard = aGuard()): ClearedEvent {
  const result = guard.clear(observation, clock);
  if ("refused" in result) throw new Error("The guard refused it");
  return result;
}
