import { setTimeout } from "node:timers/promises";
import { LRUCache } from "lru-cache";
import { createWindow } from "../../../src/dedup/index.ts";
import type { Read } from "../../../src/model/read.ts";

export const departMs = 500;
export const codeBytes = 15;
export const frameBytes = codeBytes + 2;
const chunkFrames = 16;
/** V8 is still compiling what happens once per pass in a third round of 1,000 codes: 15 ns a read then, none later. */
const warmUpReads = 1 << 23;

/**
 * Frames of `liveCount` waybills as they come off a wire, each once, then in random order: 16 frames a chunk, one look
 * at the clock per chunk. In `departMs` eight reads of each code arrive on average, so nearly all are repeated.
 */
export function makeLine(liveCount: number): { bytes: Buffer; readCount: number; readsPerMs: number } {
  const readCount = Math.max(1 << 20, 2 * liveCount);
  const bytes = Buffer.alloc(readCount * frameBytes, "\r\n", "latin1");
  let seed = 12_345;
  for (let n = 0; n < readCount; n += 1) {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    const code = n < liveCount ? n : Math.floor((seed / 2 ** 32) * liveCount);
    bytes.write(`SF${1_385_628_700_000 + code * 7}`, n * frameBytes, "latin1");
  }
  return { bytes, readCount, readsPerMs: (8 * liveCount) / departMs };
}

interface Subject {
  take(bytes: Buffer, start: number, nowMs: number, wallMs: number): void;
  sweep(nowMs: number): void;
  observedCount(): number;
}

/** The product's window. */
function makeRing(liveCount: number): Subject {
  let passNumber = 0;
  let observedCount = 0;
  const window = createWindow({
    settings: { name: "tunnel-1", depart_ms: departMs, pass_max_ms: 86_400_000, emit: "first", reads_min: 1 },
    readPoint: "tunnel-1",
    devices: ["scanner-1"],
    clock: { boot: "9f0c3a1e" },
    passesMax: Math.max(65_536, Math.ceil(liveCount * 1.1)),
    nextPassNumber: () => ++passNumber,
    observe: () => {
      observedCount += 1;
    },
    tell: ({ message }) => process.stderr.write(`${message}\n`),
  });
  const read: { -readonly [key in keyof Read]: Read[key] } = {
    kind: "read",
    bytes: new Uint8Array(0),
    start: 0,
    end: 0,
    medium: "barcode",
  };
  return {
    take(bytes, start, nowMs, wallMs) {
      read.bytes = bytes;
      read.start = start;
      read.end = start + codeBytes;
      window.admit(read, 0, nowMs, wallMs);
    },
    sweep: (nowMs) => window.sweep(nowMs, 1.7e12 + nowMs),
    observedCount: () => observedCount,
  };
}

/** The afternoon's de-duplication: a string and a time per code, looked through once per window. */
function makeMap(): Subject {
  const seen = new Map<string, number>();
  let observedCount = 0;
  let sweptAtMs = 0;
  return {
    take(bytes, start, nowMs) {
      const code = bytes.toString("latin1", start, start + codeBytes);
      const lastMs = seen.get(code);
      if (lastMs === undefined || nowMs - lastMs >= departMs) observedCount += 1;
      seen.set(code, nowMs);
    },
    sweep(nowMs) {
      if (nowMs - sweptAtMs < departMs) return;
      sweptAtMs = nowMs;
      for (const [code, lastMs] of seen) if (nowMs - lastMs >= departMs) seen.delete(code);
    },
    observedCount: () => observedCount,
  };
}

/** A well-kept library: the same, bounded, the least recently read code goes first. */
function makeLru(liveCount: number): Subject {
  const seen = new LRUCache<string, number>({ max: Math.max(65_536, Math.ceil(liveCount * 1.1)) });
  let observedCount = 0;
  return {
    take(bytes, start, nowMs) {
      const code = bytes.toString("latin1", start, start + codeBytes);
      const lastMs = seen.get(code);
      if (lastMs === undefined || nowMs - lastMs >= departMs) observedCount += 1;
      seen.set(code, nowMs);
    },
    sweep() {},
    observedCount: () => observedCount,
  };
}

/** Feeds a whole line; gives ns of processor time per read and the longest 1,024 reads with their sweeps in ms. */
function feed(subject: Subject, line: ReturnType<typeof makeLine>, startMs: number): { ns: number; worstMs: number } {
  const { bytes, readCount, readsPerMs } = line;
  let sweptAtMs = startMs;
  let worstMs = 0;
  let stretchMs = performance.now();
  const started = process.cpuUsage();
  for (let first = 0; first < readCount; first += chunkFrames) {
    const nowMs = startMs + first / readsPerMs;
    const wallMs = 1.7e12 + nowMs;
    const end = Math.min(first + chunkFrames, readCount) * frameBytes;
    for (let at = first * frameBytes; at < end; at += frameBytes) subject.take(bytes, at, nowMs, wallMs);
    if (nowMs - sweptAtMs >= 10) {
      sweptAtMs = nowMs;
      subject.sweep(nowMs);
    }
    if (first % 1_024 === 0) {
      const nextMs = performance.now();
      worstMs = Math.max(worstMs, nextMs - stretchMs);
      stretchMs = nextMs;
    }
  }
  const { user, system } = process.cpuUsage(started);
  return { ns: ((user + system) * 1_000) / readCount, worstMs };
}

/** What de-duplication costs: in time, at worst, and in memory. */
export interface DedupCost {
  readonly nsPerRead: number;
  readonly worstMs: number;
  readonly megabytes: number;
  readonly observedCount: number;
}

/** One contender in a process of its own: rounds to warm up, then one that counts. Collector time is included. */
export async function dedup(contender: "ring" | "map" | "lru-cache", liveCount: number): Promise<DedupCost> {
  const line = makeLine(liveCount);
  const spanMs = line.readCount / line.readsPerMs;
  // What making the line left behind would be given back meanwhile, by another thread, and be counted as saved.
  globalThis.gc?.();
  await setTimeout(200);
  const rssBefore = process.memoryUsage.rss();
  const make = { ring: makeRing, map: makeMap, "lru-cache": makeLru }[contender];
  const subject = make(liveCount);
  const warmUpRounds = Math.ceil(warmUpReads / line.readCount);
  for (let round = 0; round < warmUpRounds; round += 1) feed(subject, line, round * spanMs);
  const { ns, worstMs } = feed(subject, line, warmUpRounds * spanMs);
  const megabytes = (process.memoryUsage.rss() - rssBefore) / 2 ** 20;
  return { nsPerRead: ns, worstMs, megabytes, observedCount: subject.observedCount() };
}
