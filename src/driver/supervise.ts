import { createBackoff } from "../lib/backoff.ts";
import { type Clock, pause } from "../lib/clock.ts";
import { type ErrorCode, SortgateError } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import type { Tell } from "../model/notice.ts";
import type { DurationMs, MonotonicMs } from "../model/units.ts";
import type { Chunk, Driver, EndReason, OwnCertificate, Session, SessionEnd } from "./port.ts";

/** The driver's own deadline comes first, because its sentence says more; this one is for drivers that hang. */
const openGrace = 1.1;
/** A stop closes all devices at once and has other things to do too. */
const closeDeadlineMs = limits.stopBudgetMs / 4;

interface DeviceState {
  /** `opening` only until the first attempt has succeeded or failed. */
  readonly state: "opening" | "up" | "down";
  /** Why it is down, and the same as a sentence; absent while it opens or is up. */
  readonly reason: EndReason | undefined;
  readonly sentence: string | undefined;
  /** What to do about it: completes "Try: …". */
  readonly hint: string | undefined;
  readonly sinceMs: MonotonicMs;
  /** When the next attempt begins; absent while one runs and while the device is up. */
  readonly retryAtMs: MonotonicMs | undefined;
  /** It is up and waits, because it was asked to and can. */
  readonly isPaused: boolean;
  /** Chunks that the receiver threw on since the start; always 0 unless the program is wrong. */
  readonly receiveFailureCount: number;
}

export interface SupervisedDevice {
  state(): DeviceState;
  /** Holds the device back, this session and the ones to come, until `resume`; one that cannot wait is read on. */
  pause(): void;
  resume(): void;
  /** Lets the device go; idempotent, takes at most a quarter of the stop budget. Nothing is delivered after it resolves. */
  close(): Promise<void>;
}

export interface Supervision<Settings> {
  readonly driver: Driver<Settings>;
  readonly settings: Settings;
  /** Name of the device in the config. */
  readonly device: string;
  /** Takes what arrives, and a `break` after each session. */
  receive(chunk: Chunk): void;
  readonly clock: Clock;
  readonly tell: Tell;
  readonly stateDir: string;
  readonly ownCertificate?: OwnCertificate | undefined;
  readonly random?: () => number;
  /** Told only when the device comes up, or goes down after it was up or opening. Not told by `close`. */
  onState(state: "up" | "down", reason: EndReason | undefined, sentence: string): void;
}

/**
 * Keeps one device open: the only retry loop for devices.
 *
 * Gives:   the chunks of one session after the other; what belongs to a session that has ended is not passed on.
 * Fails:   never. A driver that throws, hangs or rejects is tried again with full-jitter back-off, for ever. The first
 *          failure of each kind is told as a warning, its repetitions at level debug.
 * Loses:   a chunk that the receiver throws on, counted and told.
 */
export function superviseDevice<Settings>(supervision: Supervision<Settings>): SupervisedDevice {
  const { device, clock, tell, stateDir, ownCertificate } = supervision;
  const { retryMsMax = limits.backoff.capMs } = supervision.driver;
  const backoff = createBackoff({ ...limits.backoff, capMs: retryMsMax }, supervision.random);
  const stop = new AbortController();
  const toldReasons = new Set<EndReason>();
  const receiver = createReceiver(supervision);
  const hold = createHold();
  let current: Omit<DeviceState, "receiveFailureCount" | "isPaused"> = {
    state: "opening",
    ...untroubled,
    sinceMs: clock.monotonicMs(),
  };

  const setUp = (): void => {
    toldReasons.clear();
    const sentence = `Device ${device} is up`;
    current = { state: "up", ...untroubled, sinceMs: clock.monotonicMs() };
    tell({ name: "device/up", level: "info", message: sentence, fields: { device } });
    supervision.onState("up", undefined, sentence);
  };

  const setDown = (failure: Failure, retryAtMs: MonotonicMs): void => {
    const { reason, code, sentence, hint } = failure;
    const wasDown = current.state === "down";
    const sinceMs = wasDown ? current.sinceMs : clock.monotonicMs();
    current = { state: "down", reason, sentence, hint, sinceMs, retryAtMs };
    const level = toldReasons.has(reason) ? "debug" : "warn";
    toldReasons.add(reason);
    const fields = { device, reason, ...(code !== undefined && { code }) };
    tell({ name: "device/down", level, message: `${sentence}. Try: ${hint}`, fields });
    if (!wasDown) supervision.onState("down", reason, sentence);
  };

  const attempt = async (letGo: AbortController): Promise<Failure> => {
    const { signal } = letGo;
    const wire = receiver.connect();
    let session: Session | undefined;
    try {
      const context = { device, receive: wire.receive, signal, clock, tell, stateDir, ownCertificate };
      const { driver, settings } = supervision;
      session = await openInTime(device, () => driver.open(settings, context), signal, driver.openMsMax);
      const upAtMs = clock.monotonicMs();
      hold.begin(session);
      setUp();
      wire.opened();
      const end = await Promise.race([endOf(session), closedOnRequest(signal)]);
      backoff.held(clock.monotonicMs() - upAtMs);
      return failureOfEnd(end, device);
    } catch (error) {
      return failureOf(error, device);
    } finally {
      hold.end();
      wire.cut();
      letGo.abort();
      if (session !== undefined) await closeInTime(session);
    }
  };

  const run = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const failure = await linkedTo(stop.signal, attempt);
      if (stop.signal.aborted) break;
      const waitMs = backoff.nextMs();
      setDown(failure, clock.monotonicMs() + waitMs);
      await pause(waitMs, stop.signal);
      current = { ...current, retryAtMs: undefined };
    }
    current = { state: "down", ...closed, hint: undefined, sinceMs: clock.monotonicMs(), retryAtMs: undefined };
  };

  const running = run();
  return {
    state: () => ({ ...current, isPaused: hold.isPaused(), receiveFailureCount: receiver.failureCount() }),
    pause: hold.pause,
    resume: hold.resume,
    async close() {
      stop.abort();
      await running;
    },
  };
}

interface Failure extends SessionEnd {
  /** As the README lists it; absent for a fault of the program. */
  readonly code: ErrorCode | undefined;
  /** Completes "Try: …". */
  readonly hint: string;
}

const untroubled = { reason: undefined, sentence: undefined, hint: undefined, retryAtMs: undefined };

const closed: SessionEnd = { reason: "closed", sentence: "Closed on request" };

/** Does `work` with a controller of its own, which aborts when `signal` does. */
async function linkedTo<Result>(signal: AbortSignal, work: (own: AbortController) => Promise<Result>): Promise<Result> {
  const own = new AbortController();
  const abort = (): void => own.abort();
  signal.addEventListener("abort", abort);
  try {
    return await work(own);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Remembers over all sessions whether the device is to wait. */
function createHold(): {
  begin(session: Session): void;
  end(): void;
  isPaused(): boolean;
  pause(): void;
  resume(): void;
} {
  let session: Session | undefined;
  let isWanted = false;
  const apply = (): void => {
    try {
      if (isWanted) session?.pause?.();
      else session?.resume?.();
    } catch {
      // A driver that cannot do what it said reads on, as one that never could.
    }
  };
  const want = (isPause: boolean) => (): void => {
    isWanted = isPause;
    apply();
  };
  return {
    begin(opened) {
      session = opened;
      if (isWanted) apply();
    },
    end() {
      session = undefined;
    },
    isPaused: () => isWanted && session?.pause !== undefined,
    pause: want(true),
    resume: want(false),
  };
}

interface Receiver {
  failureCount(): number;
  /** A new wire: what it delivers is passed on until it is cut. */
  connect(): { receive(chunk: Chunk): void; opened(): void; cut(): void };
}

/** Hands chunks to the receiver, of one wire at a time, and survives a receiver that throws. */
function createReceiver(supervision: Pick<Supervision<unknown>, "receive" | "device" | "tell">): Receiver {
  let failureCount = 0;
  const deliver = (chunk: Chunk): void => {
    try {
      supervision.receive(chunk);
    } catch (error) {
      failureCount += 1;
      if (failureCount === 1) tellFailure(error);
    }
  };
  const tellFailure = (error: unknown): void => {
    // Only the place: the message of an error may quote what was received.
    const place = error instanceof Error ? error.stack?.split("\n    at ")[1] : undefined;
    supervision.tell({
      name: "read/dropped",
      level: "error",
      message: `What device ${supervision.device} sent could not be processed and was dropped; further cases are only counted. Try: report this as a fault of sortgate`,
      fields: { device: supervision.device, place: place ?? "unknown" },
    });
  };
  return {
    failureCount: () => failureCount,
    connect() {
      let isLive = true;
      let isUsed = false;
      return {
        receive(chunk) {
          if (!isLive) return;
          isUsed = true;
          deliver(chunk);
        },
        opened() {
          isUsed = true;
        },
        cut() {
          if (isLive && isUsed) deliver({ kind: "break" });
          isLive = false;
        },
      };
    },
  };
}

/** Opens, or rejects at the deadline or when let go; a session that comes too late is closed at once. */
async function openInTime(
  device: string,
  open: () => Promise<Session>,
  letGo: AbortSignal,
  openMsMax: DurationMs = limits.connectTimeoutMs,
): Promise<Session> {
  // `async` makes a rejection of what a driver throws before it returns.
  const opening = (async () => open())();
  const deadline = new AbortController();
  const outcome = await Promise.race([
    opening,
    closedOnRequest(letGo),
    pause(openMsMax * openGrace, deadline.signal).then(() => "too-late" as const),
  ]).finally(() => deadline.abort());
  if (outcome !== "too-late" && "close" in outcome) return outcome;
  opening.then(closeInTime, () => undefined);
  if (outcome !== "too-late") throw new SortgateError("device/closed", outcome.sentence, { hint: "open it again" });
  throw new SortgateError("device/silent", `Device ${device} did not open within ${openMsMax / 1_000} s`, {
    hint: `check its power and cable, then run: sortgate probe ${device}`,
  });
}

function endOf(session: Session): Promise<SessionEnd> {
  return session.ended.catch(() => ({ reason: "error", sentence: "The driver failed while the device was open" }));
}

/** Closes, but waits no longer than the deadline; what a driver does wrong here must not hold up the others. */
async function closeInTime(session: Session): Promise<void> {
  const deadline = new AbortController();
  const closing = (async () => session.close())().catch(() => undefined);
  await Promise.race([closing, pause(closeDeadlineMs, deadline.signal)]);
  deadline.abort();
}

function closedOnRequest(letGo: AbortSignal): Promise<SessionEnd> {
  if (letGo.aborted) return Promise.resolve(closed);
  return new Promise((resolve) => letGo.addEventListener("abort", () => resolve(closed), { once: true }));
}

/** The error that the end of a session is told as. */
export const endCodes: Readonly<Record<EndReason, ErrorCode>> = {
  closed: "device/closed",
  unplugged: "device/unplugged",
  refused: "device/refused",
  timeout: "device/silent",
  silent: "device/silent",
  error: "device/closed",
};

const reasonOf: { readonly [code in ErrorCode]?: EndReason } = {
  "device/closed": "closed",
  "device/refused": "refused",
  "device/silent": "timeout",
  "device/unplugged": "unplugged",
};

function failureOfEnd(end: SessionEnd, device: string): Failure {
  return { ...end, code: endCodes[end.reason], hint: `sortgate probe ${device}, if it does not come back by itself` };
}

function failureOf(error: unknown, device: string): Failure {
  if (error instanceof SortgateError)
    return {
      reason: reasonOf[error.code] ?? "error",
      code: error.code,
      sentence: error.message,
      hint: error.hint,
    };
  const name = error instanceof Error ? error.name : "something that is no error";
  return {
    reason: "error",
    code: undefined,
    sentence: `Device ${device} cannot be opened: its driver failed with ${name}`,
    hint: "report this as a fault of sortgate",
  };
}
