import type { Identity } from "../identity/index.ts";
import type { DataOf } from "../model/event-fields.ts";
import { createEpochKey, type EpochKey, epochData, type Sealer } from "../seal/index.ts";
import type { LedgerOptions } from "./messages.ts";

/** Draws a new epoch key and gives the data of the event that tells it. */
export type BeginEpoch = (
  sequence: number,
  reason: "start" | "rotation" | "new-ledger",
) => {
  readonly kid: string;
  readonly data: DataOf<"epoch">;
  /** The event could not be written: the key before it signs on. */
  readonly revert: () => void;
};

/** Draws keys for one run of a chain, and has the device vouch for them. */
export function createEpochs(
  sealer: Sealer,
  chain: string,
  device: Pick<Identity, "sign" | "certificateChain">,
  { site, gateway, software, configDigest, crypto }: LedgerOptions,
): BeginEpoch {
  let epochKey: EpochKey | undefined;
  return (sequence, reason) => {
    const before = epochKey;
    const key = createEpochKey(crypto);
    const data = epochData({ chain, gateway, site, sequence, key, device, software, configDigest, reason });
    sealer.useKey(key);
    epochKey = key;
    const revert = (): void => {
      if (before !== undefined) sealer.useKey(before);
      epochKey = before;
    };
    return { kid: key.kid, data, revert };
  };
}
