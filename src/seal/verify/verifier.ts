import { hash, type X509Certificate } from "node:crypto";
import type { Json } from "../../model/event.ts";
import { isObject } from "../jws.ts";
import { leafOf } from "../merkle.ts";
import { type CapturedEvent, createLineReader, readLine } from "./captured.ts";
import { epochKeyOf, judgeEndorsement } from "./endorsement.ts";
import { createGmDigests, readGmBrought, readGmTold } from "./gm.ts";
import { erasedElsewhere, judgeChain } from "./judge.ts";
import type { CapturedPlace } from "./place.ts";
import { createRows, type Row, type Rows, type Standing } from "./rows.ts";
import { createSignatures, type Signatures } from "./signatures.ts";
import type { StandIn } from "./stand-in.ts";
import { type ChainVerdict, type Finding, findingsMax, type MalformedReason, type Verdict } from "./verdict.ts";
import type { Elsewhere, Evidence, Extra, Witness } from "./walk.ts";

export interface VerifierSettings {
  /** Certificates to trust: of devices or of authorities. Absent: nobody said whom to trust. */
  readonly trust?: readonly X509Certificate[] | undefined;
  /** Lines with checkpoint events that somebody kept elsewhere; they are believed as they are. */
  readonly witness?: readonly string[] | undefined;
}

/** What a line is by itself: an event and what its signature is worth, or something else. */
export type Pushed = Standing | "blank" | "status" | "malformed";

export interface Verifier {
  /**
   * For a first pass over a file: takes the keys out of the line, so that the pass with `push` need not keep events
   * whose key comes later. Once it was called, `push` keeps none.
   */
  learn(line: string): void;
  /** Takes one line. `good` says that the key of some epoch signed it; whether it was the right one, `finish` knows. */
  push(line: string, number: number): Pushed;
  /** Judges what was pushed so far; may be called again later. */
  finish(): Verdict;
}

/**
 * Judges captured events, in any order, with repeats, of any number of chains.
 *
 * Cost:    one Ed25519 verification a line (80 µs); holds 128 bytes an event, and the lines whose key is not known yet.
 *          Of chains with an SM2 key 32 bytes an event more, and 3 ms a checkpoint.
 * Fails:   never, whatever the lines are.
 * Source:  contract §5 and §6.
 */
export function createVerifier({ trust, witness = [] }: VerifierSettings = {}): Verifier {
  const rows = createRows();
  const signatures = createSignatures(rows);
  const extras = new Map<number, Extra>();
  const chains = createChains();
  const malformed = createMalformed();
  const witnessCount = takeWitnesses(witness, chains);
  const gmDigests = createGmDigests();
  const readNext = createLineReader();
  let statusCount = 0;
  let lineCount = 0;

  const admit = (event: CapturedEvent, line: string, number: number): Standing => {
    const index = rows.count();
    const extra = extraOf(event, isEpoch(event) ? signatures.learn(event) : 0, trust);
    if (extra !== undefined) extras.set(index, extra);
    const { standing, key } = signatures.judge(event, index, line);
    const leaf = leafOf(event.canonical);
    gmDigests.take(index, leaf.subarray(1), event.data);
    rows.add({
      hash: hash("sha256", leaf.subarray(1), "buffer"),
      leaf: hash("sha256", leaf, "buffer"),
      previous: event.previous,
      chain: chains.take(event, number, event.isCanonical),
      sequence: event.sequence,
      line: number,
      key,
      standing,
      form: "event",
    });
    return standing;
  };
  const admitStandIn = (standIn: StandIn, line: string, number: number): Standing => {
    const extra = standInExtraOf(standIn);
    if (extra !== undefined) extras.set(rows.count(), extra);
    if (standIn.sm3 !== undefined) gmDigests.takeTold(rows.count(), standIn.sm3);
    const judged = standIn.signed && signatures.judge(standIn.signed, rows.count(), line);
    const { standing, key } = judged ?? { standing: "no-key" as const, key: 0 };
    rows.add({ ...hashesOf(standIn), chain: chains.take(standIn, number, true), line: number, key, standing });
    return standing;
  };

  return {
    learn(line) {
      signatures.keepNone();
      // Most lines are not worth parsing twice.
      if (!line.includes("epoch")) return;
      const captured = readLine(line);
      if (captured.kind !== "event" || !isEpoch(captured.event)) return;
      gmDigests.learn(captured.event.data);
      signatures.learn(captured.event);
    },
    push(line, number) {
      const captured = readNext(line);
      if (captured.kind === "blank") return "blank";
      lineCount += 1;
      malformed.endAt(number);
      if (captured.kind === "event") return admit(captured.event, line, number);
      if (captured.kind === "stand-in") return admitStandIn(captured.standIn, line, number);
      if (captured.kind === "malformed") malformed.add(number, captured.reason);
      else statusCount += 1;
      return captured.kind;
    },
    finish() {
      const verdicts = judgeChains({
        rows,
        extras,
        signatures,
        gmDigests,
        list: chains.list(),
        isTrustGiven: trust !== undefined,
      });
      return {
        verdict: malformed.count() === 0 && verdicts.every(({ verdict }) => verdict === "whole") ? "whole" : "broken",
        chains: verdicts,
        lineCount,
        statusCount,
        witnessCount,
        malformed: malformed.list(),
        malformedCount: malformed.count(),
      };
    },
  };
}

interface Pushes {
  readonly rows: Rows;
  readonly extras: ReadonlyMap<number, Extra>;
  readonly signatures: Pick<Signatures, "movedIn">;
  readonly gmDigests: Evidence["gmDigests"];
  readonly list: readonly ChainSeen[];
  readonly isTrustGiven: boolean;
}

/** Judges each chain, by what the others say of it too. */
function judgeChains({ rows, extras, signatures, gmDigests, list, isTrustGiven }: Pushes): ChainVerdict[] {
  const shares = sharesOf(rows, list.length);
  const keysOf = keysByGateway(extras, rows, list);
  const evidenceOf = (seen: ChainSeen, number: number, erasedLater: ReadonlySet<number>): Evidence => {
    const order = shares[number] as Uint32Array;
    const isMoved = signatures.movedIn(order);
    const gatewayKeys = keysOf(seen);
    const { witnesses } = seen;
    return { place: seen, rows, order, extras, witnesses, gatewayKeys, isMoved, gmDigests, erasedLater };
  };
  const erasedIn = erasedByChain(extras, rows, list, (seen, number) =>
    erasedElsewhere(evidenceOf(seen, number, new Set())),
  );
  return list.map((seen, number) => {
    const { witnesses: _, ...facts } = seen;
    return judgeChain({ ...facts, isTrustGiven }, evidenceOf(seen, number, erasedIn(seen)));
  });
}

/** In the place of a hash that nobody can tell. */
const unknownHash = Buffer.alloc(32);

function hashesOf({
  digest,
  leaf = unknownHash,
  sequence,
  signed,
}: StandIn): Pick<Row, "hash" | "leaf" | "previous" | "sequence" | "form"> {
  return { hash: digest, leaf, previous: unknownHash, sequence, form: signed === undefined ? "erased" : "view" };
}

interface ChainSeen {
  readonly chain: string;
  readonly gateway: string;
  readonly site: string;
  readonly witnesses: Witness[];
  notCanonical: { readonly sequence: number; readonly line: number; readonly count: number } | undefined;
}

interface Chains {
  list(): readonly ChainSeen[];
  /** The chain that an event says it is of. */
  find(place: CapturedPlace): ChainSeen;
  /** Counts an event of a line in; gives the chain's number. */
  take(place: CapturedPlace, line: number, isCanonical: boolean): number;
}

function createChains(): Chains {
  const list: ChainSeen[] = [];
  const numbers = new Map<string, number>();
  const numberOf = ({ chain, gateway, site }: CapturedPlace): number => {
    const name = chainNameOf({ chain, gateway, site });
    const known = numbers.get(name);
    if (known !== undefined) return known;
    numbers.set(name, list.length);
    return list.push({ chain, gateway, site, witnesses: [], notCanonical: undefined }) - 1;
  };
  return {
    list: () => list,
    find: (place) => list[numberOf(place)] as ChainSeen,
    take(place, line, isCanonical) {
      const number = numberOf(place);
      const seen = list[number] as ChainSeen;
      if (!isCanonical) {
        const first = seen.notCanonical ?? { sequence: place.sequence, line, count: 0 };
        seen.notCanonical = { ...first, count: first.count + 1 };
      }
      return number;
    },
  };
}

type Owner = Pick<ChainSeen, "gateway" | "site">;

/** The keys that epoch events brought, by whose they say they are. */
function keysByGateway(
  extras: ReadonlyMap<number, Extra>,
  rows: Rows,
  chains: readonly Owner[],
): (owner: Owner) => ReadonlySet<number> {
  const keys = new Map<string, Set<number>>();
  const nameOf = ({ site, gateway }: Owner): string => `${site}/${gateway}`;
  for (const [index, extra] of extras) {
    if (extra.kind !== "epoch") continue;
    const name = nameOf(chains[rows.chainOf(index)] as Owner);
    keys.set(name, (keys.get(name) ?? new Set()).add(extra.key));
  }
  return (owner) => keys.get(nameOf(owner)) ?? new Set();
}

const chainNameOf = ({ site, gateway, chain }: Owner & { readonly chain: string }): string =>
  `${site}/${gateway}/${chain}`;

/** Which events of a chain its gateway erased later, from what it had saved of them. Only chains that say so are asked. */
function erasedByChain(
  extras: ReadonlyMap<number, Extra>,
  rows: Rows,
  chains: readonly ChainSeen[],
  ask: (seen: ChainSeen, number: number) => readonly Elsewhere[],
): (seen: ChainSeen) => ReadonlySet<number> {
  const told = [...extras].filter(([, { kind }]) => kind === "erasure-elsewhere").map(([index]) => rows.chainOf(index));
  const erased = new Map<string, Set<number>>();
  for (const number of new Set(told)) {
    const seen = chains[number] as ChainSeen;
    for (const { chain, sequences } of ask(seen, number)) {
      const name = chainNameOf({ ...seen, chain });
      const all = erased.get(name) ?? new Set();
      for (const sequence of sequences) all.add(sequence);
      erased.set(name, all);
    }
  }
  return (seen) => erased.get(chainNameOf(seen)) ?? new Set();
}

interface MalformedLines {
  add(line: number, reason: MalformedReason): void;
  /** Tells which line is the last so far. */
  endAt(line: number): void;
  count(): number;
  list(): Finding[];
}

function createMalformed(): MalformedLines {
  const lines: { readonly line: number; readonly reason: MalformedReason }[] = [];
  let count = 0;
  let lastLine = 0;
  return {
    add(line, reason) {
      count += 1;
      if (lines.length < findingsMax) lines.push({ line, reason });
    },
    endAt(line) {
      lastLine = line;
    },
    count: () => count,
    list: () =>
      lines.map(({ line, reason }) => {
        const isCutOff = reason === "json" && line === lastLine && line > 1;
        return { kind: "malformed", line, reason: isCutOff ? "cut-off" : reason };
      }),
  };
}

/** The rows of each chain, by sequence; rows of one sequence stay in order of arrival. */
function sharesOf(rows: Rows, chainCount: number): Uint32Array[] {
  const counts = new Array<number>(chainCount).fill(0);
  for (let index = 0; index < rows.count(); index += 1) counts[rows.chainOf(index)]! += 1;
  const shares = counts.map((count) => new Uint32Array(count));
  const sorted = new Array<boolean>(chainCount).fill(true);
  counts.fill(0);
  for (let index = 0; index < rows.count(); index += 1) {
    const number = rows.chainOf(index);
    const share = shares[number] as Uint32Array;
    const at = counts[number] as number;
    if (at > 0 && rows.sequenceOf(share[at - 1] as number) > rows.sequenceOf(index)) sorted[number] = false;
    share[at] = index;
    counts[number] = at + 1;
  }
  for (const [number, share] of shares.entries()) {
    if (!sorted[number]) share.sort((a, b) => rows.sequenceOf(a) - rows.sequenceOf(b) || a - b);
  }
  return shares;
}

function takeWitnesses(lines: readonly string[], chains: Chains): number {
  let count = 0;
  for (const line of lines) {
    const captured = readLine(line);
    if (captured.kind !== "event") continue;
    const { event } = captured;
    const extra = plainExtraOf(event);
    if (extra?.kind !== "checkpoint") continue;
    const { size, root } = extra;
    chains
      .find(event)
      .witnesses.push({ sequence: event.sequence, size, root, hash: hash("sha256", event.canonical, "buffer") });
    count += 1;
  }
  return count;
}

function isEpoch(event: CapturedEvent): boolean {
  return event.type === "org.sortgate.epoch.v1";
}

function extraOf(event: CapturedEvent, key: number, trust: VerifierSettings["trust"]): Extra | undefined {
  if (!isEpoch(event)) return plainExtraOf(event);
  const endorsement = judgeEndorsement(event, epochKeyOf(event.data)?.jwk, trust);
  return { kind: "epoch", key, endorsement, gm: readGmBrought(event.data) };
}

function standInExtraOf({ told, signed, sm3 }: StandIn): Extra | undefined {
  if (signed === undefined) return sm3 === undefined ? { kind: "bare-mark" } : undefined;
  return told?.type === purgeType || told?.type === gapType ? plainExtraOf(told) : undefined;
}

const purgeType = "org.sortgate.purge.v1";
const gapType = "org.sortgate.gap.v1";

function plainExtraOf({ type, data }: Pick<CapturedEvent, "type" | "data">): Extra | undefined {
  if (!isObject(data)) return undefined;
  const number = (name: string): number => (typeof data[name] === "number" ? data[name] : Number.NaN);
  if (type === "org.sortgate.checkpoint.v1") {
    const root = typeof data.root === "string" ? data.root : "";
    return { kind: "checkpoint", size: number("size"), root, gm: readGmTold(data) };
  }
  if (type === gapType && data.reason === "erased" && typeof data.chain === "string")
    return { kind: "erasure-elsewhere", chain: data.chain, sequences: sequencesOf(data) };
  return type === purgeType ? purgeOf(data) : undefined;
}

function sequencesOf({ sequences }: { readonly [member: string]: Json }): number[] {
  return Array.isArray(sequences) ? sequences.map(Number).filter(Number.isSafeInteger) : [];
}

/** What a purge says went: the beginning of the chain, or single events. */
function purgeOf(data: { readonly [member: string]: Json }): Extra | undefined {
  // Sequences are decimal texts in events; a number says the same.
  const to = Number(data.to);
  if (data.reason === "erased" || data.reason === "core-expired")
    return { kind: "erasure", sequences: sequencesOf(data) };
  return Number.isSafeInteger(to) ? { kind: "purge", to } : undefined;
}
