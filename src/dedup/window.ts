import { assert } from "../lib/assert.ts";
import { limits } from "../model/limits.ts";
import type { CloseReason, Observation } from "../model/observation.ts";
import type { Medium, Read } from "../model/read.ts";
import type { EpochMs, MonotonicMs } from "../model/units.ts";
import { count, countersOf, countsLength } from "./counts.ts";
import { createEvictions, type Evictions } from "./evictions.ts";
import type { Admission, DedupWindow, RestoredPass, WindowOptions } from "./face.ts";
import { firstReadOf, type Names, passOf, wishesOf } from "./observe.ts";
import { createAdmit } from "./ring/admit.ts";
import {
  type Clocks,
  createClocks,
  moveBase,
  moveClocks,
  noteEra,
  nowMsOf,
  ticksOf,
  ticksToMove,
} from "./ring/clocks.ts";
import { createRests, keepRest, type Rests, releaseRest, restFits } from "./ring/codes.ts";
import { drawKeys, type HashKeys, hashCode, loadWords, wordsMax } from "./ring/hash.ts";
import {
  addRead,
  beginPass,
  bindCode,
  confirmPass,
  countLedgerRead,
  createPasses,
  firstBlockOf,
  freeSlot,
  hasDeparted,
  hasFreeSlot,
  isPending,
  isReadOver,
  isTold,
  markTold,
  moveTimes,
  numberPass,
  type Passes,
  readCountOf,
  recordOf,
  refreshPass,
  setOddity,
  takeSlot,
} from "./ring/passes.ts";
import { addShare } from "./ring/shares.ts";
import { createTable, findSlot, insertSlot, removeSlot, type Table } from "./ring/table.ts";
import {
  createWheel,
  isBehind,
  moveWheel,
  queueSlot,
  startWheel,
  takeNext,
  turnWheel,
  type Wheel,
} from "./ring/wheel.ts";

interface State {
  readonly names: Names;
  readonly departTicks: number;
  readonly passMaxTicks: number;
  readonly readsMin: number;
  readonly rssiMinDbm: number;
  readonly firstReads: boolean;
  readonly summaries: boolean;
  readonly nextPassNumber: () => number;
  readonly observe: (observation: Observation) => void;
  readonly keys: HashKeys;
  readonly passes: Passes;
  readonly rests: Rests;
  /** The start of the code that is looked for. */
  readonly words: Int32Array;
  readonly table: Table;
  readonly wheel: Wheel;
  readonly clocks: Clocks;
  readonly counts: Float64Array;
  readonly evictions: Evictions;
}

/**
 * The de-duplication window of one read point: collapses all reads of one code, by all its devices, into one pass.
 *
 * Takes: reads in order of arrival. Times are those of this box; if they run backwards, time stands still meanwhile.
 * Gives: a first read, a summary or both, as `emit` says; one `stalled` summary of a code that is still read after
 *        `pass_max_ms`, then nothing more of it until it departs.
 * Cost:  O(1) per read, no allocation for a repeated one; memory is set aside once, and used only as far as needed.
 * Fails: never. A full window ends the pass that would depart next and tells `pass/evicted`.
 * Loses: nothing; every read is counted as opened, suppressed, refused or pending.
 */
export function createWindow(options: WindowOptions): DedupWindow {
  const { settings, devices, hashKeys = drawKeys() } = options;
  assert(devices.length <= limits.readPointDevicesMax, "a read point has no more devices than a pass has bits");
  const capacity = options.passesMax ?? limits.passesMax;
  const passes = createPasses(capacity, devices.length);
  const state: State = {
    names: { readPoint: options.readPoint, devices, boot: options.clock.boot },
    departTicks: ticksOf(settings.depart_ms),
    passMaxTicks: ticksOf(settings.pass_max_ms),
    readsMin: settings.reads_min,
    rssiMinDbm: settings.rssi_min_dbm ?? Number.NEGATIVE_INFINITY,
    ...wishesOf(settings.emit),
    nextPassNumber: options.nextPassNumber,
    observe: options.observe,
    keys: hashKeys,
    passes,
    rests: createRests(capacity),
    words: new Int32Array(wordsMax),
    table: createTable(capacity),
    wheel: createWheel(settings.depart_ms),
    clocks: createClocks(),
    counts: new Float64Array(countsLength),
    evictions: createEvictions(options.tell, options.readPoint, capacity),
  };
  const admit = createAdmit({
    ...state,
    setReadClocks: (monotonicMs, epochMs) => setReadClocks(state, monotonicMs, epochMs),
    admitOther: (read, device) => admitOther(state, read, device),
  });
  return {
    admit,
    noRead: (device, medium, nowMs, wallMs) => observeNoRead(state, device, medium, nowMs, wallMs),
    sweep: (nowMs, wallMs, budget = Number.POSITIVE_INFINITY) => sweep(state, nowMs, wallMs, budget),
    restore: (pass, nowMs, isAgain = false) => restore(state, pass, nowMs, isAgain),
    close: (nowMs, wallMs) => close(state, nowMs, wallMs),
    counters: () => countersOf(state.counts, passes.liveCount),
  };
}

/**
 * Takes any read, by the long way: one that begins or ends a pass, makes it real or finds it stalled, or whose code is
 * short or long. In one piece it is too large for V8 to draw it into the short way, where it would take the place of
 * what every read needs.
 */
function admitOther(state: State, read: Read, device: number): Admission {
  const { clocks, counts, passes, rests, words } = state;
  const { bytes, start, end } = read;
  counts[count.otherReads] = counts[count.otherReads]! + 1;
  if (read.medium === "rfid" && isTooWeak(state, read)) return refuseWeak(state);
  loadWords(words, bytes, start, end);
  const hash = hashCode(state.keys, words, bytes, start, end);
  let slot = findSlot(state.table, passes, rests, hash, words, bytes, start, end);
  if (slot === 0) {
    makeRoom(state, end - start);
    slot = enter(state, hash, bytes, start, end);
    beginPass(passes, slot, device, read.medium, read.symbology, clocks);
    queueSlot(state.wheel, passes, slot);
  } else if (hasDeparted(passes, slot, state.departTicks, clocks)) {
    // The next pass of this code takes over slot, code and place in the wheel.
    endPass(state, slot, "departed");
    beginPass(passes, slot, device, read.medium, read.symbology, clocks);
  }
  addRead(passes, slot, device, clocks);
  if (read.antenna !== undefined) addShare(passes.shares, slot, read);
  return judge(state, slot, read);
}

function isTooWeak(state: State, read: Read): boolean {
  // Asked with `in`: where reads with and without a strength meet, a plain look at it is boxed.
  return "rssiDbm" in read && read.rssiDbm !== undefined && read.rssiDbm < state.rssiMinDbm;
}

function refuseWeak({ counts }: State): Admission {
  counts[count.weak] = counts[count.weak]! + 1;
  return "refused-rssi";
}

/** Decides what the read that was just added means for its pass. */
function judge(state: State, slot: number, read: Read): Admission {
  const { passes, counts } = state;
  let admission: Admission = "suppressed";
  if (!isPending(passes, slot)) counts[count.otherSuppressed] = counts[count.otherSuppressed]! + 1;
  else if (readCountOf(passes, slot) < state.readsMin) {
    counts[count.pending] = counts[count.pending]! + 1;
    return "pending";
  } else {
    confirm(state, slot, read);
    admission = "opened";
  }
  if (isReadOver(passes, slot, state.passMaxTicks) && !isTold(passes, slot)) {
    state.observe(passOf(state.names, passes, state.rests, slot, "stalled", state.clocks));
    markTold(passes, slot);
  }
  return admission;
}

function confirm(state: State, slot: number, read: Read): void {
  const { passes, counts } = state;
  counts[count.opened] = counts[count.opened]! + 1;
  counts[count.otherSuppressed] = counts[count.otherSuppressed]! + readCountOf(passes, slot) - 1;
  counts[count.pending] = counts[count.pending]! - readCountOf(passes, slot) + 1;
  confirmPass(passes, slot);
  numberPass(passes, slot, state.nextPassNumber());
  if (state.firstReads) state.observe(firstReadOf(state.names, passes, state.rests, slot, read, state.clocks));
}

function observeNoRead(state: State, device: number, medium: Medium, monotonicMs: MonotonicMs, epochMs: EpochMs): void {
  setClocks(state, monotonicMs, epochMs);
  state.counts[count.noReads] = state.counts[count.noReads]! + 1;
  state.observe({
    kind: "no-read",
    readPoint: state.names.readPoint,
    device: state.names.devices[device]!,
    medium,
    at: epochMs,
    monotonicMs: nowMsOf(state.clocks),
  });
}

function sweep(state: State, monotonicMs: MonotonicMs, epochMs: EpochMs, budget: number): void {
  setClocks(state, monotonicMs, epochMs);
  turn(state, budget);
}

function turn(state: State, budget: number): void {
  turnWheel(state.wheel, state.passes, state.clocks, budget, (slot) => leave(state, slot, "departed"));
  state.evictions.remind(nowMsOf(state.clocks));
}

function restore(state: State, pass: RestoredPass, monotonicMs: MonotonicMs, isAgain: boolean): void {
  const { passes, rests, words, clocks } = state;
  const { code } = pass;
  setClocks(state, monotonicMs, pass.firstReadAt);
  loadWords(words, code, 0, code.length);
  const hash = hashCode(state.keys, words, code, 0, code.length);
  let slot = findSlot(state.table, passes, rests, hash, words, code, 0, code.length);
  const isNew = slot === 0;
  if (isAgain && !isNew) {
    // Another pass of this code has begun meanwhile, with a name of its own.
    if (recordOf(passes, slot, clocks).oddity?.passId === pass.passId) refreshPass(passes, slot, clocks);
    return;
  }
  if (isNew) {
    if (!hasFreeSlot(passes) || !restFits(rests, code.length)) {
      countEviction(state);
      return;
    }
    slot = enter(state, hash, code, 0, code.length);
  }
  // Reads that came before the ledger had its say belong to a pass that is real after all.
  else if (isPending(passes, slot)) settlePending(state, slot, count.otherSuppressed);
  const device = state.names.devices.indexOf(pass.device);
  beginPass(passes, slot, Math.max(device, 0), pass.medium, undefined, clocks);
  if (isNew) queueSlot(state.wheel, passes, slot);
  countLedgerRead(passes, slot, device);
  confirmPass(passes, slot);
  setOddity(passes, slot, { passId: pass.passId, device: pass.device, symbology: pass.symbology });
  if (pass.stalled || isAgain) markTold(passes, slot);
}

function close(state: State, monotonicMs: MonotonicMs, epochMs: EpochMs): void {
  const { wheel, passes } = state;
  sweep(state, monotonicMs, epochMs, Number.POSITIVE_INFINITY);
  for (let slot = takeNext(wheel, passes); slot !== 0; slot = takeNext(wheel, passes)) leave(state, slot, "shutdown");
  state.evictions.flush();
}

function setClocks(state: State, monotonicMs: MonotonicMs, epochMs: EpochMs): void {
  keepBase(state, monotonicMs);
  moveClocks(state.clocks, monotonicMs, epochMs);
}

function setReadClocks(state: State, monotonicMs: MonotonicMs, epochMs: EpochMs): void {
  setClocks(state, monotonicMs, epochMs);
  noteEra(state.clocks);
}

/** Moves the base of all times on when it lies too far back. */
function keepBase({ clocks, passes, wheel }: State, monotonicMs: MonotonicMs): void {
  const ticks = ticksToMove(clocks, monotonicMs);
  if (ticks === 0) return;
  moveTimes(passes, ticks, clocks);
  moveWheel(wheel, ticks);
  moveBase(clocks, ticks);
}

/** Ends passes until a code of `length` bytes finds a slot and room for its bytes. */
function makeRoom(state: State, length: number): void {
  assert(length <= limits.codeBytesMax, "a profile lets no longer code through");
  const { passes, rests, wheel, clocks } = state;
  const isFull = (): boolean => !hasFreeSlot(passes) || !restFits(rests, length);
  if (!isFull()) return;
  if (isBehind(wheel, clocks)) turn(state, Number.POSITIVE_INFINITY);
  while (isFull()) {
    const slot = takeNext(wheel, passes);
    const isOver = hasDeparted(passes, slot, state.departTicks, clocks);
    leave(state, slot, isOver ? "departed" : "evicted");
    if (!isOver) countEviction(state);
  }
}

/** Gives a code a slot; room was made before. */
function enter(state: State, hash: number, bytes: Uint8Array, start: number, end: number): number {
  const { passes } = state;
  if (passes.liveCount === 0) startWheel(state.wheel, state.clocks);
  const slot = takeSlot(passes);
  bindCode(passes, slot, hash, state.words, keepRest(state.rests, bytes, start, end), end - start);
  insertSlot(state.table, hash, slot);
  return slot;
}

/** Says what is to be said at the end of a pass; its slot still stands. */
function endPass(state: State, slot: number, reason: CloseReason): void {
  const { passes } = state;
  if (isPending(passes, slot)) settlePending(state, slot, count.noise);
  else if (state.summaries && !isTold(passes, slot))
    state.observe(passOf(state.names, passes, state.rests, slot, reason, state.clocks));
}

/** Books the reads of a pending pass where they belong in the end. */
function settlePending(state: State, slot: number, where: number): void {
  const { counts } = state;
  const reads = readCountOf(state.passes, slot);
  counts[where] = counts[where]! + reads;
  counts[count.pending] = counts[count.pending]! - reads;
}

/** Ends a pass that was taken out of the wheel and gives its slot back. */
function leave(state: State, slot: number, reason: CloseReason): void {
  const { passes } = state;
  endPass(state, slot, reason);
  removeSlot(state.table, passes, state.keys, slot);
  releaseRest(state.rests, firstBlockOf(passes, slot));
  freeSlot(passes, slot);
}

function countEviction(state: State): void {
  state.counts[count.evicted] = state.counts[count.evicted]! + 1;
  state.evictions.add(nowMsOf(state.clocks));
}
