import type { X509Certificate } from "node:crypto";
import { validityOf } from "../lib/validity.ts";
import type { EpochMs } from "../model/units.ts";

/** When a device certificate holds, and whether no authority stands behind it. */
interface CertificateDays {
  readonly notBefore: EpochMs;
  readonly notAfter: EpochMs;
  readonly isSelfSigned: boolean;
}

/** What is to be said of a device certificate for its days. */
export interface DaysFinding {
  readonly state: "early" | "ending" | "ended";
  /** A problem: what this gateway signs now cannot be verified by whoever trusts its authority. */
  readonly level: "problem" | "warning";
  readonly sentence: string;
  /** Completes "Try: …". */
  readonly hint: string;
}

export function daysOf(certificate: X509Certificate): CertificateDays {
  return {
    notBefore: Date.parse(certificate.validFrom),
    notAfter: Date.parse(certificate.validTo),
    isSelfSigned: certificate.verify(certificate.publicKey),
  };
}

const renew =
  "have your authority sign what sortgate keys csr writes, then: sortgate keys import CERTIFICATE, and restart sortgate";

/**
 * Judges a device certificate by its days; undefined while it holds for 30 more.
 *
 * One that is self-signed is trusted by hand, and `verify` does not ask for its days then; OPC UA servers may.
 */
export function judgeDays(
  { notBefore, notAfter, isSelfSigned }: CertificateDays,
  nowMs: EpochMs,
): DaysFinding | undefined {
  const state = validityOf(notBefore, notAfter, nowMs);
  if (state === "good") return undefined;
  const at = new Date(state === "early" ? notBefore : notAfter).toISOString();
  const verb = { early: "begins only on", ending: "ends on", ended: "ended on" }[state];
  const when = state === "early" ? "before that" : "after that";
  const effect = isSelfSigned
    ? `OPC UA servers may refuse it ${when}`
    : `events of keys that are drawn ${when} fail sortgate verify --trust`;
  const clock = "timedatectl shows whether the clock of this machine is right";
  return {
    state,
    level: state === "ending" || isSelfSigned ? "warning" : "problem",
    sentence: `The ${isSelfSigned ? "self-signed " : ""}device certificate ${verb} ${at}; ${effect}`,
    hint: { early: clock, ending: renew, ended: `${renew}; ${clock}` }[state],
  };
}
