/** Whoever has to ask for a new certificate or policy needs some time to get it. */
const renewalMs = 30 * 86_400_000;

/** How something that holds between two instants stands to a third: `ending` is in its last 30 days. */
export type Validity = "early" | "good" | "ending" | "ended";

/** Takes: ms since 1970; `notBefore` undefined for what has no beginning. */
export function validityOf(notBefore: number | undefined, notAfter: number, nowMs: number): Validity {
  if (notAfter <= nowMs) return "ended";
  if (notBefore !== undefined && notBefore > nowMs) return "early";
  return notAfter - nowMs < renewalMs ? "ending" : "good";
}
