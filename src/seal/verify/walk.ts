import { createMerkleLog, type MerkleLog } from "../merkle.ts";
import type { Endorsement } from "./endorsement.ts";
import { createGmWalk, type GmBrought, type GmDigests, type GmTold, type GmWalk } from "./gm.ts";
import type { CapturedPlace } from "./place.ts";
import type { Row, Rows } from "./rows.ts";
import { extendSpan, type Span } from "./span.ts";
import { type Finding, findingsMax, type GmReason, isFault } from "./verdict.ts";

/** What some events say that the chain is judged by. */
export type Extra =
  | {
      readonly kind: "epoch";
      readonly key: number;
      readonly endorsement: Endorsement;
      readonly gm: GmBrought | undefined;
    }
  | { readonly kind: "checkpoint"; readonly size: number; readonly root: string; readonly gm: GmTold | undefined }
  | { readonly kind: "purge"; readonly to: number }
  /** The mark of an erased event that does not tell its SM3. */
  | { readonly kind: "bare-mark" }
  /** These single events were erased. */
  | { readonly kind: "erasure"; readonly sequences: readonly number[] }
  /** …of another chain of the gateway: they had been saved from a damaged ledger. */
  | ({ readonly kind: "erasure-elsewhere" } & Elsewhere);

/** Events of another chain. */
export interface Elsewhere {
  readonly chain: string;
  readonly sequences: readonly number[];
}

/** A checkpoint that somebody kept, outside of the capture. */
export interface Witness {
  readonly sequence: number;
  readonly size: number;
  readonly root: string;
  readonly hash: Buffer;
}

/** All that is known of one chain. */
export interface Evidence {
  readonly place: Omit<CapturedPlace, "sequence">;
  readonly rows: Rows;
  /** The chain's rows by sequence. */
  readonly order: Uint32Array;
  readonly extras: ReadonlyMap<number, Extra>;
  readonly witnesses: readonly Witness[];
  /** Keys that epochs of the gateway brought, in whichever of its chains. */
  readonly gatewayKeys: ReadonlySet<number>;
  /** Whether the row's signature was made for another sequence. */
  readonly isMoved: (index: number) => boolean;
  /** SM3 of a row's bytes. */
  readonly gmDigests: Pick<GmDigests, "of">;
  /** Events that were erased after they had been saved into a later chain of the gateway, which says so. */
  readonly erasedLater: ReadonlySet<number>;
}

/** An event and its number in the table. */
export interface Claim {
  readonly row: Row;
  readonly index: number;
  readonly extra: Extra | undefined;
  /** What is wrong with its signature in this place; nothing if it holds, or if its key is not there. */
  readonly fault: Finding | undefined;
  readonly isVerified: boolean;
  readonly isLinked: boolean;
}

/**
 * What is missing between a copy's first event, an epoch event, and the events that its key signed. A ledger keeps that
 * event where it destroyed others of the epoch, and a signed purge says up to which.
 */
interface Hole {
  readonly from: number;
  readonly to: number;
  /** The last event that a purge says went with this hole, and not later; 0 if none does. */
  purgedTo: number;
}

/** What the walk along a chain has seen so far. */
export interface Walk {
  readonly evidence: Evidence;
  readonly findings: Finding[];
  readonly counts: Map<Finding["kind"], number>;
  faultCount: number;
  expected: number;
  /** What `previous` may say; empty after a gap. */
  previous: readonly Buffer[];
  /** Number of the current epoch's key; 0 if there is none. */
  key: number;
  /** Whether an epoch event may have been in a gap: then an unknown key is no proof of forgery. */
  keyLost: boolean;
  /** Absent once an event is missing or not what was signed: roots cannot be computed from there on. */
  log: MerkleLog | undefined;
  /** Roots by size, for the sizes that some checkpoint names. */
  readonly roots: Map<number, string | undefined>;
  readonly gaps: { readonly from: number; readonly to: number }[];
  /** Whether the first event is an epoch event that is what it should be. */
  isBegunByEpoch: boolean;
  /** Absent unless that one stands alone. */
  hole: Hole | undefined;
  readonly unverified: Span<Extra>[];
  /** Events up to this one went lawfully: a signed purge says so. A ledger purges from its old end only. */
  purgedTo: number;
  /** Single events that went lawfully: a signed purge behind them says so. */
  readonly erased: Set<number>;
  /** …and those of which only an event says so whose key is not there, as theirs is not. */
  readonly erasedUnverified: Set<number>;
  /** …and those of other chains: an event says so whose key is endorsed. */
  readonly erasedElsewhere: Elsewhere[];
  /** Events of which only the mark is there. */
  readonly marks: { readonly sequence: number; readonly line: number }[];
  /** Where the last epoch with this key begins. */
  readonly epochOf: ReadonlyMap<number, number>;
  viewCount: number;
  readonly gm: GmWalk;
  readonly checkpoints: { readonly sequence: number; readonly size: number; readonly root: string }[];
  readonly epochs: Endorsement[];
  /** Hashes at the witnesses' sequences. */
  readonly witnessed: Map<number, readonly Row[]>;
  eventCount: number;
  repeatCount: number;
}

export function startWalk(evidence: Evidence): Walk {
  const roots = new Map<number, string | undefined>();
  for (const index of evidence.order) {
    const extra = evidence.extras.get(index);
    if (extra?.kind === "checkpoint") roots.set(extra.size, undefined);
  }
  for (const { size } of evidence.witnesses) roots.set(size, undefined);
  const epochOf = new Map<number, number>();
  for (const index of evidence.order) {
    const extra = evidence.extras.get(index);
    if (extra?.kind === "epoch" && extra.key !== 0) epochOf.set(extra.key, evidence.rows.sequenceOf(index));
  }
  const log = createMerkleLog();
  roots.set(0, log.root().toString("base64url"));
  return {
    evidence,
    findings: [],
    counts: new Map(),
    faultCount: 0,
    expected: 1,
    previous: [Buffer.alloc(32)],
    key: 0,
    keyLost: true,
    log,
    roots,
    gaps: [],
    isBegunByEpoch: false,
    hole: undefined,
    unverified: [],
    purgedTo: 0,
    erased: new Set(evidence.erasedLater),
    erasedUnverified: new Set(),
    erasedElsewhere: [],
    marks: [],
    epochOf,
    viewCount: 0,
    gm: createGmWalk(evidence.place),
    checkpoints: [],
    epochs: [],
    witnessed: new Map(evidence.witnesses.map(({ sequence }) => [sequence, []])),
    eventCount: 0,
    repeatCount: 0,
  };
}

/** Notes a finding; of each kind the first 1,000 are kept. */
export function find(walk: Walk, finding: Finding): void {
  const count = (walk.counts.get(finding.kind) ?? 0) + 1;
  walk.counts.set(finding.kind, count);
  if (isFault(finding)) walk.faultCount += 1;
  if (count <= findingsMax) walk.findings.push(finding);
}

/** Takes all rows of one sequence, in order of sequence. */
export function step(walk: Walk, indices: readonly number[]): void {
  const found = indices.map((index) => ({ index, row: walk.evidence.rows.row(index) }));
  // An event says more than what stands in for it, so it comes first.
  if (found.length > 1)
    found.sort((one, other) => Number(one.row.form !== "event") - Number(other.row.form !== "event"));
  const rows = found.map(({ row }) => row);
  const sequence = (rows[0] as Row).sequence;
  const { expected } = walk;
  if (sequence > expected) stepOverGap(walk, sequence);
  const claims: Claim[] = [];
  const repeats: Row[] = [];
  for (const { row, index } of found) {
    if (!claims.some((claim) => claim.row.hash.equals(row.hash))) {
      if (claims.length < claimsMax) claims.push(judgeRow(walk, row, index));
    } else if (row.form === "event") repeats.push(row);
    else {
      // A view of the same event, perhaps another's: its own signature counts.
      const { fault } = judgeRow(walk, row, index);
      if (fault !== undefined) find(walk, fault);
    }
  }
  const best = claims.reduce((one, other) => (rank(other) > rank(one) ? other : one));
  const verified = claims.filter((claim) => claim.isVerified);
  if (claims.length > 1) {
    find(walk, { kind: "forked", sequence, lines: claims.map(({ row }) => row.line), count: claims.length });
  }
  const [repeat] = repeats;
  if (repeat !== undefined) find(walk, { kind: "repeated", sequence, line: repeat.line, count: repeats.length });
  walk.repeatCount += repeats.length;
  if (walk.eventCount === 1 && sequence > expected) openHole(walk, best, expected);
  if (walk.eventCount === 0)
    walk.isBegunByEpoch = claims.length === 1 && best.isVerified && best.extra?.kind === "epoch";
  const isWhole = takeIn(walk, best);
  takeNational(walk, best, digestOf(walk, best, found));
  trackUnverified(walk, best);
  keepLog(walk, best.row, isWhole && verified.length <= 1);
  if (walk.witnessed.has(sequence)) walk.witnessed.set(sequence, rows);
  walk.previous = (verified.length > 0 ? verified : [best]).map(({ row }) => row.hash);
  walk.expected = sequence + 1;
  walk.eventCount += 1;
}

/** Different events of one sequence that are looked at. */
const claimsMax = 16;

function stepOverGap(walk: Walk, sequence: number): void {
  walk.gaps.push({ from: walk.expected, to: sequence - 1 });
  walk.previous = [];
  walk.keyLost = true;
  walk.log = undefined;
  walk.gm.lose();
}

/** Behind an epoch event alone: what its key signed begins with this claim. Another epoch would need no event before it. */
function openHole(walk: Walk, { extra, row }: Claim, from: number): void {
  if (walk.isBegunByEpoch && extra?.kind !== "epoch") walk.hole = { from, to: row.sequence - 1, purgedTo: 0 };
}

function rank(claim: Claim): number {
  return (claim.isVerified ? 4 : claim.fault === undefined ? 2 : 0) + (claim.isLinked ? 1 : 0);
}

function judgeRow(walk: Walk, row: Row, index: number): Claim {
  const extra = walk.evidence.extras.get(index);
  if (row.form === "erased") return { row, index, extra, isLinked: true, fault: undefined, isVerified: false };
  const isLinked =
    row.form === "view" || walk.previous.length === 0 || walk.previous.some((hash) => hash.equals(row.previous));
  const claim = { row, index, extra, isLinked };
  const { sequence, line } = row;
  const otherKey: Finding = { kind: "forged", sequence, line, reason: "other-key" };
  const verified = { ...claim, fault: undefined, isVerified: true };
  const faulty = (fault: Finding): Claim => ({ ...claim, fault, isVerified: false });
  switch (row.standing) {
    case "refused":
      return faulty({ kind: "algorithm", sequence, line });
    case "bad":
      if (walk.evidence.isMoved(index)) return faulty({ kind: "forged", sequence, line, reason: "other-sequence" });
      return faulty({ kind: "altered", sequence, line });
    case "no-key":
      if (row.form === "view") return { ...claim, fault: undefined, isVerified: false };
      // An epoch event brings its own key; one that is signed by a key that nobody brought is not its own.
      if (extra?.kind === "epoch" || !walk.keyLost) return faulty(otherKey);
      return { ...claim, fault: undefined, isVerified: false };
    case "good":
      if (row.form === "view") return isViewKey(walk, row) ? verified : faulty(otherKey);
      return row.key === (extra?.kind === "epoch" ? extra.key : walk.key) ? verified : faulty(otherKey);
  }
}

/**
 * A view is signed when it is sent: by the key of its event's epoch, or of a later one; an event that was saved from a
 * damaged ledger by a key of the chain that came after it.
 */
function isViewKey({ key: current, epochOf, evidence }: Walk, { key, sequence }: Row): boolean {
  const begin = epochOf.get(key);
  return key === current || (begin === undefined ? evidence.gatewayKeys.has(key) : begin > sequence);
}

/** Takes one event as the chain's next; tells whether it stands where it was signed to stand. */
function takeIn(walk: Walk, { row, extra, fault, isVerified, isLinked }: Claim): boolean {
  const { sequence, line } = row;
  if (row.form === "erased") walk.marks.push({ sequence, line });
  if (row.form === "view") walk.viewCount += 1;
  if (fault !== undefined) find(walk, fault);
  else if (!isLinked) find(walk, { kind: "unlinked", sequence, line });
  if (extra?.kind === "epoch") {
    // Adopted even if it was altered: what it signs next is then judged by its own key, not called forged as well.
    const isOwn = extra.key !== 0 && extra.key === row.key && row.standing !== "refused";
    walk.key = isOwn ? row.key : 0;
    walk.keyLost = !isOwn;
    walk.epochs.push(extra.endorsement);
    const { reason } = extra.endorsement;
    if (isVerified && reason !== undefined) find(walk, { kind: "endorsement", sequence, line, reason });
  }
  if (isVerified && extra?.kind === "checkpoint")
    walk.checkpoints.push({ sequence, size: extra.size, root: extra.root });
  if (isVerified) takePurge(walk, extra, sequence);
  // Of a view the leaf is not known.
  return fault === undefined && isLinked && row.form !== "view";
}

/** The SM3 of an event, by whichever of its lines tells it. */
function digestOf(
  { evidence }: Walk,
  { row, extra }: Claim,
  found: readonly Pick<Claim, "row" | "index">[],
): Buffer | "untold" | undefined {
  for (const one of found) {
    const digest = one.row.hash.equals(row.hash) ? evidence.gmDigests.of(one.index) : undefined;
    if (digest !== undefined) return digest;
  }
  return extra?.kind === "bare-mark" ? "untold" : undefined;
}

/** What the national algorithms prove stands beside all else: an event that was altered breaks their chain as well. */
function takeNational(walk: Walk, { row, extra, isVerified }: Claim, digest: ReturnType<typeof digestOf>): void {
  const { gm } = walk;
  const { sequence } = row;
  let reason: GmReason | undefined;
  if (extra?.kind === "epoch") reason = gm.epoch(sequence, isVerified ? (extra.gm ?? "none") : undefined);
  else if (extra?.kind === "checkpoint" && isVerified) reason = gm.checkpoint(sequence, extra.gm);
  else if (extra?.kind === "checkpoint") gm.lose();
  const wrong = gm.take(digest);
  reason ??= wrong;
  if (reason !== undefined) find(walk, { kind: "gm", sequence, reason });
}

/** A purge tells of what was before it, and of nothing else. */
function takePurge(walk: Walk, extra: Extra | undefined, sequence: number): void {
  if (extra?.kind === "purge" && extra.to < sequence) {
    const { hole } = walk;
    walk.purgedTo = Math.max(walk.purgedTo, extra.to);
    if (hole !== undefined && extra.to <= hole.to) hole.purgedTo = Math.max(hole.purgedTo, extra.to);
  }
  if (extra?.kind === "erasure") for (const one of extra.sequences) if (one < sequence) walk.erased.add(one);
  if (extra?.kind === "erasure-elsewhere" && walk.epochs.at(-1)?.reason === undefined) walk.erasedElsewhere.push(extra);
}

function trackUnverified(walk: Walk, { row, extra, fault, isVerified, isLinked }: Claim): void {
  const last = walk.unverified.at(-1);
  const isNext = last !== undefined && last.to === row.sequence - 1 && isLinked;
  if (isVerified && isNext && row.form === "event") {
    last.isAnchored = true;
    for (const { purge, sequence } of last.told) takePurge(walk, purge, sequence);
  }
  if (isVerified || fault !== undefined) return;
  // A mark is judged by the purge that tells of it; between events without a key it belongs to them.
  if (row.form === "erased" && !isNext) return;
  const span = isNext ? last : openSpan(walk, row);
  extendSpan(span, row, extra);
  if (row.form !== "event" || extra?.kind !== "erasure") return;
  for (const one of extra.sequences) if (span.from <= one && one < row.sequence) walk.erasedUnverified.add(one);
}

/** Marks between a gap and the first event without a key belong to the span too. */
function openSpan({ gaps, marks, unverified }: Walk, { sequence }: Row): Span<Extra> {
  let before = sequence - 1;
  for (let at = marks.length - 1; marks[at]?.sequence === before; at -= 1) before -= 1;
  const isBehindGap = gaps.at(-1)?.to === before;
  const from = isBehindGap ? before + 1 : sequence;
  const gap = isBehindGap ? gaps.length - 1 : undefined;
  const span = { from, to: sequence, gap, heldFrom: from, isAnchored: false, told: [] };
  unverified.push(span);
  return span;
}

function keepLog(walk: Walk, row: Row, isWhole: boolean): void {
  if (!isWhole) walk.log = undefined;
  walk.log?.append(row.leaf.toString("latin1"));
  const size = row.sequence;
  if (walk.log !== undefined && walk.roots.has(size)) walk.roots.set(size, walk.log.root().toString("base64url"));
}
