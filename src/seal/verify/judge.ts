import type { Endorsement } from "./endorsement.ts";
import { doubtIn } from "./span.ts";
import { type ChainVerdict, type Finding, placeOf, type Trust } from "./verdict.ts";
import { type Elsewhere, type Evidence, find, startWalk, step, type Walk } from "./walk.ts";

/** Which chain, and whether anybody said whom to trust. */
export interface ChainFacts {
  readonly chain: string;
  readonly gateway: string;
  readonly site: string;
  readonly isTrustGiven: boolean;
  readonly notCanonical: { readonly sequence: number; readonly line: number; readonly count: number } | undefined;
}

/**
 * Judges one chain.
 *
 * Cost:    linear in the events of the chain.
 * Fails:   never.
 */
export function judgeChain({ isTrustGiven, notCanonical, ...place }: ChainFacts, evidence: Evidence): ChainVerdict {
  const { rows, order } = evidence;
  const walk = walkAlong(evidence);
  const to = walk.expected - 1;
  const purged = purgedBehindEpoch(walk);
  settleGaps(walk);
  settleMarks(walk);
  const checkpointCount = settleCheckpoints(walk);
  const gm = walk.gm.counts();
  settleWitnesses(walk, to);
  if (notCanonical !== undefined) find(walk, { kind: "not-canonical", ...notCanonical });
  return {
    ...place,
    eventCount: walk.eventCount,
    viewCount: walk.viewCount,
    erasedCount: walk.marks.length,
    epochCount: walk.epochs.length,
    repeatCount: walk.repeatCount,
    checkpointCount,
    ...(gm === undefined ? {} : { gm }),
    ...(purged === undefined ? {} : { purged }),
    from: order.length === 0 ? 0 : rows.sequenceOf(order[0] as number),
    to,
    verdict: walk.faultCount === 0 ? "whole" : "broken",
    trust: trustOf(walk.epochs, isTrustGiven),
    certificate: walk.epochs.findLast(({ subject }) => subject !== undefined)?.subject,
    findings: sorted(walk.findings),
    findingCount: [...walk.counts.values()].reduce((sum, count) => sum + count, 0),
  };
}

/** Events of other chains that a chain can be believed to have erased. Cost: as `judgeChain`. */
export function erasedElsewhere(evidence: Evidence): readonly Elsewhere[] {
  return walkAlong(evidence).erasedElsewhere;
}

function walkAlong(evidence: Evidence): Walk {
  const { rows, order } = evidence;
  const walk = startWalk(evidence);
  for (let at = 0; at < order.length; ) {
    const sequence = rows.sequenceOf(order[at] as number);
    let end = at + 1;
    while (end < order.length && rows.sequenceOf(order[end] as number) === sequence) end += 1;
    step(walk, Array.from(order.subarray(at, end)));
    at = end;
  }
  return walk;
}

function sorted(findings: readonly Finding[]): Finding[] {
  return [...findings].sort((a, b) => placeOf(a) - placeOf(b));
}

function trustOf(epochs: readonly Endorsement[], isTrustGiven: boolean): Trust {
  if (epochs.length === 0 || epochs.some(({ reason }) => reason !== undefined)) return "unproven";
  return isTrustGiven ? "authentic" : "consistent";
}

/** What a purge says went behind the epoch event that a copy begins with; undefined if there is no such hole. */
function purgedBehindEpoch({ hole }: Walk): ChainVerdict["purged"] {
  return hole !== undefined && hole.purgedTo >= hole.from ? { from: hole.from, to: hole.purgedTo } : undefined;
}

/**
 * What is not there is missing, apart from a beginning that a signed `purge` covers, with or without the epoch event
 * that tells the key of what follows. In the middle a purge excuses nothing: a copy that has older events had these too,
 * or they were lost on the way, and then somebody must hear of it.
 */
function settleGaps(walk: Walk): void {
  const [first] = walk.gaps;
  const isPurged = first?.from === 1 && first.to <= walk.purgedTo;
  const purged = purgedBehindEpoch(walk);
  const without = createWithout(walk.erased);
  for (const { from, to } of walk.gaps) {
    const start = from === 1 ? walk.purgedTo + 1 : from === purged?.from ? purged.to + 1 : from;
    for (const range of without(start, to)) find(walk, { kind: "missing", ...range });
  }
  for (const span of walk.unverified) {
    const doubt = doubtIn(span, isPurged && span.gap === 0);
    if (doubt.from <= doubt.to) find(walk, { kind: "unknown-key", ...doubt });
  }
}

/** What is left of ranges without the events that were erased before anybody had them. Takes: ranges in order. */
function createWithout(erased: ReadonlySet<number>): (from: number, to: number) => { from: number; to: number }[] {
  const sequences = [...erased].sort((a, b) => a - b);
  let at = 0;
  return (from, to) => {
    const left: { from: number; to: number }[] = [];
    let start = from;
    for (; at < sequences.length && sequences[at]! <= to; at += 1) {
      const sequence = sequences[at]!;
      if (sequence < start) continue;
      if (start < sequence) left.push({ from: start, to: sequence - 1 });
      start = sequence + 1;
    }
    if (start <= to) left.push({ from: start, to });
    return left;
  };
}

/**
 * An event may be taken out only where something signed says so. What an event without a key says of its own span is no
 * excuse, and no reason to accuse: the span up to there was told as not verifiable, mark and all.
 */
function settleMarks(walk: Walk): void {
  const { marks, erased, erasedUnverified } = walk;
  for (const { sequence, line } of marks) {
    if (!erased.has(sequence) && !erasedUnverified.has(sequence)) find(walk, { kind: "taken-out", sequence, line });
  }
}

/** Gives how many checkpoints were confirmed. One that counts events which are not there cannot be judged. */
function settleCheckpoints(walk: Walk): number {
  let confirmedCount = 0;
  for (const { sequence, size, root } of walk.checkpoints) {
    const computed = walk.roots.get(size);
    if (!Number.isSafeInteger(size) || size < 0 || size >= sequence) {
      find(walk, { kind: "checkpoint", sequence, reason: "size", of: "chain" });
    } else if (computed === root) {
      confirmedCount += 1;
    } else if (computed !== undefined) {
      find(walk, { kind: "checkpoint", sequence, reason: "root", of: "chain" });
    }
  }
  return confirmedCount;
}

function settleWitnesses(walk: Walk, to: number): void {
  let known = 0;
  for (const { sequence, size, root, hash } of walk.evidence.witnesses) {
    known = Math.max(known, sequence, size);
    const computed = walk.roots.get(size);
    if (computed !== undefined && computed !== root) {
      find(walk, { kind: "checkpoint", sequence, reason: "root", of: "witness" });
    }
    const rows = walk.witnessed.get(sequence) ?? [];
    if (rows.length > 0 && !rows.some((row) => row.hash.equals(hash))) {
      find(walk, { kind: "forked", sequence, lines: rows.slice(0, 8).map(({ line }) => line), count: rows.length + 1 });
    }
  }
  if (known > to) find(walk, { kind: "truncated", after: to, size: known });
}
