// How fast the window takes repeated reads, beside a Map with a sweep that is fed with strings. Not a test.
//
//   npm run build && node tests/bench/dedup.bench.mjs [live codes …]      (default: 1000 100000 1000000)
//
// All take the same frames in the same order, as they come off a wire: bytes that lie one after another, 16 frames a
// chunk, one look at the clock per chunk. The Map needs a string of each code; "map" keeps a time per code, "map+"
// what a summary needs, as the ring does. In depart_ms eight reads of each code arrive on average, so nearly all reads
// are repeated; the sweep runs each 10 ms of the line's time. Each figure is the median of five processes, run in turns;
// time is processor time, collector included, so that neighbours on the machine do not count.
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { createWindow } from "../../dist/src/dedup/index.js";

const departMs = 500;
const processCount = 5;
const codeBytes = 15;
const frameBytes = codeBytes + 2;
const chunkFrames = 16;

/** Frames of `liveCount` waybills: each once, then in random order. */
function makeLine(liveCount) {
  const readCount = Math.max(1 << 20, 2 * liveCount);
  const bytes = Buffer.alloc(readCount * frameBytes, "\r\n", "latin1");
  let seed = 12345;
  for (let n = 0; n < readCount; n++) {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    const code = n < liveCount ? n : Math.floor((seed / 2 ** 32) * liveCount);
    bytes.write(`SF${1_385_628_700_000 + code * 7}`, n * frameBytes, "latin1");
  }
  return { bytes, readCount, readsPerMs: (8 * liveCount) / departMs };
}

function makeRing(liveCount) {
  let passNumber = 0;
  let observed = 0;
  const window = createWindow({
    settings: { name: "tunnel-1", depart_ms: departMs, pass_max_ms: 86_400_000, emit: "first", reads_min: 1 },
    readPoint: "tunnel-1",
    devices: ["scanner-1"],
    clock: { boot: "9f0c3a1e" },
    passesMax: Math.max(65_536, Math.ceil(liveCount * 1.1)),
    nextPassNumber: () => ++passNumber,
    observe: () => {
      observed += 1;
    },
    tell: (notice) => process.stderr.write(`${notice.message}\n`),
  });
  const read = { kind: "read", bytes: new Uint8Array(0), start: 0, end: 0, medium: "barcode" };
  return {
    take(bytes, start, nowMs, wallMs) {
      read.bytes = bytes;
      read.start = start;
      read.end = start + codeBytes;
      window.admit(read, 0, nowMs, wallMs);
    },
    sweep: (nowMs) => window.sweep(nowMs, nowMs),
    observed: () => observed,
  };
}

/** The afternoon's de-duplication: a time per code, looked through once per window. */
function makeTimeMap() {
  const seen = new Map();
  let observed = 0;
  let sweptAtMs = 0;
  return {
    take(bytes, start, nowMs) {
      const code = bytes.toString("latin1", start, start + codeBytes);
      const lastMs = seen.get(code);
      if (lastMs === undefined || nowMs - lastMs >= departMs) observed += 1;
      seen.set(code, nowMs);
    },
    sweep(nowMs) {
      if (nowMs - sweptAtMs < departMs) return;
      sweptAtMs = nowMs;
      for (const [code, lastMs] of seen) if (nowMs - lastMs >= departMs) seen.delete(code);
    },
    observed: () => observed,
  };
}

/** The same with the facts of a pass, as the window keeps them. */
function makePassMap() {
  const seen = new Map();
  let observed = 0;
  let sweptAtMs = 0;
  return {
    take(bytes, start, nowMs, wallMs) {
      const code = bytes.toString("latin1", start, start + codeBytes);
      const pass = seen.get(code);
      if (pass === undefined || nowMs - pass.lastSeen >= departMs) {
        observed += 1;
        const times = { firstSeen: nowMs, lastSeen: nowMs, firstReadAt: wallMs, lastReadAt: wallMs };
        seen.set(code, { passNumber: observed, readCount: 1, devices: 1, ...times });
      } else {
        pass.lastSeen = nowMs;
        pass.lastReadAt = wallMs;
        pass.readCount += 1;
        pass.devices |= 1;
      }
    },
    sweep(nowMs) {
      if (nowMs - sweptAtMs < departMs) return;
      sweptAtMs = nowMs;
      for (const [code, pass] of seen) if (nowMs - pass.lastSeen >= departMs) seen.delete(code);
    },
    observed: () => observed,
  };
}

const contenders = { ring: makeRing, map: makeTimeMap, "map+": makePassMap };

/** Feeds a whole line; gives ns of processor time per read and the longest 1,024 reads with their sweeps in ms. */
function feed(subject, line, startMs) {
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
  return { nsPerRead: ((user + system) * 1_000) / readCount, worstMs };
}

/** One contender in this process: two rounds to warm up, one that counts. */
function measure(name, liveCount) {
  const line = makeLine(liveCount);
  const spanMs = line.readCount / line.readsPerMs;
  const rssBefore = process.memoryUsage.rss();
  const subject = contenders[name](liveCount);
  for (const round of [0, 1]) feed(subject, line, round * spanMs);
  const result = feed(subject, line, 2 * spanMs);
  const megabytes = (process.memoryUsage.rss() - rssBefore) / 2 ** 20;
  return { ...result, megabytes, observed: subject.observed() };
}

function median(results, key) {
  return results.map((result) => result[key]).toSorted((a, b) => a - b)[results.length >> 1];
}

function compare(liveCount) {
  const results = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let turn = 0; turn < processCount; turn++)
    for (const name of Object.keys(contenders)) {
      const child = spawnSync(process.execPath, [fileURLToPath(import.meta.url), "--one", name, `${liveCount}`]);
      results[name].push(JSON.parse(child.stdout.toString()));
    }
  for (const name of Object.keys(contenders)) {
    const ns = median(results[name], "nsPerRead");
    const cells = [
      `${liveCount} live`.padStart(12),
      name.padEnd(4),
      `${(1_000 / ns).toFixed(1)} M reads/s`.padStart(14),
      `${ns.toFixed(0)} ns`.padStart(7),
      `${(ns / median(results.ring, "nsPerRead")).toFixed(1)} times the ring`,
      `worst 1,024 reads ${median(results[name], "worstMs").toFixed(1)} ms`,
      `${median(results[name], "megabytes").toFixed(0)} MB`,
      `${median(results[name], "observed")} observed`,
    ];
    process.stdout.write(`${cells.join("  ")}\n`);
  }
}

const [first, name, size] = process.argv.slice(2);
if (first === "--one") process.stdout.write(JSON.stringify(measure(name, Number(size))));
else {
  const sizes = process.argv.slice(2).map(Number);
  for (const liveCount of sizes.length > 0 ? sizes : [1_000, 100_000, 1_000_000]) compare(liveCount);
}
