import { tmpdir } from "node:os";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Chunk, type Driver, superviseDevice } from "../../src/driver/index.ts";
import type { DriverContext, Session, SessionEnd } from "../../src/driver/port.ts";
import type { Clock } from "../../src/lib/clock.ts";
import { SortgateError } from "../../src/model/error.ts";
import { limits } from "../../src/model/limits.ts";
import type { Notice } from "../../src/model/notice.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Time as vitest's fake timers tell it. */
const clock: Clock = { monotonicMs: () => Date.now(), wallMs: () => Date.now(), boot: "00000000" };
const bytes = (text: string): Chunk => ({ kind: "bytes", bytes: Buffer.from(text) });

/** A session in memory; `end` is the device going away. */
function aSession(close: () => Promise<void> = async () => undefined) {
  let settle: (end: SessionEnd) => void = () => undefined;
  const ended = new Promise<SessionEnd>((resolve) => {
    settle = resolve;
  });
  let closeCount = 0;
  const session: Session = {
    ended,
    close() {
      closeCount += 1;
      settle({ reason: "closed", sentence: "Closed on request" });
      return close();
    },
  };
  return { session, end: (end: SessionEnd) => settle(end), closeCount: () => closeCount };
}

const unplugged: SessionEnd = { reason: "unplugged", sentence: "The port went away" };
const absent = () => new SortgateError("device/unplugged", "There is no such port", { hint: "check the cable" });

/** Supervises a driver whose attempts are answered one after the other; the last answer repeats. */
function supervised(
  answers: readonly ((context: DriverContext) => Promise<Session>)[],
  receive?: (chunk: Chunk) => void,
  more: Partial<Driver<object>> = {},
) {
  const chunks: Chunk[] = [];
  const notices: Notice[] = [];
  const states: string[] = [];
  const contexts: DriverContext[] = [];
  const driver: Driver<object> = {
    name: "memory",
    ...more,
    open(_, context) {
      contexts.push(context);
      const answer = answers[Math.min(contexts.length, answers.length) - 1];
      return answer?.(context) ?? Promise.reject(absent());
    },
  };
  const device = superviseDevice({
    driver,
    settings: {},
    device: "scanner-1",
    receive: receive ?? ((chunk) => void chunks.push(chunk)),
    clock,
    tell: (notice) => void notices.push(notice),
    stateDir: tmpdir(),
    random: () => 1,
    onState: (state, reason) => void states.push(reason === undefined ? state : `${state} ${reason}`),
  });
  return { device, chunks, notices, states, contexts };
}

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe("a supervised device", () => {
  it("is opening, then up, and passes on what arrives", async () => {
    const { session } = aSession();
    const { device, chunks, states, contexts } = supervised([async () => session]);
    expect(device.state().state).toBe("opening");
    await settled();
    expect(device.state()).toMatchObject({ state: "up", reason: undefined, retryAtMs: undefined });
    contexts[0]?.receive(bytes("one"));
    expect(chunks).toEqual([bytes("one")]);
    expect(states).toEqual(["up"]);
    await device.close();
  });

  it("that went away sends a break, is told down once, and is opened anew", async () => {
    const first = aSession();
    const second = aSession();
    const { device, chunks, states, contexts } = supervised([async () => first.session, async () => second.session]);
    await settled();
    contexts[0]?.receive(bytes("half"));
    first.end(unplugged);
    await settled();
    expect(device.state()).toMatchObject({ state: "down", reason: "unplugged", sentence: unplugged.sentence });
    expect(device.state().retryAtMs).toBe(Date.now() + limits.backoff.baseMs);
    await vi.advanceTimersByTimeAsync(limits.backoff.baseMs);
    contexts[1]?.receive(bytes("whole"));
    expect(chunks).toEqual([bytes("half"), { kind: "break" }, bytes("whole")]);
    expect(states).toEqual(["up", "down unplugged", "up"]);
    expect(first.closeCount()).toBe(1);
    await device.close();
  });

  it("tells with its code and its next step why it is down, as the list of errors has it", async () => {
    const first = aSession();
    const { device, notices } = supervised([async () => first.session, () => Promise.reject(absent())]);
    await settled();
    first.end({ reason: "silent", sentence: "It no longer answers" });
    await settled();
    expect(device.state().hint).toContain("sortgate probe scanner-1");
    await vi.advanceTimersByTimeAsync(limits.backoff.baseMs);
    expect(device.state().hint).toBe("check the cable");
    expect(notices.flatMap(({ name, fields }) => (name === "device/down" ? [fields] : []))).toEqual([
      { device: "scanner-1", reason: "silent", code: "device/silent" },
      { device: "scanner-1", reason: "unplugged", code: "device/unplugged" },
    ]);
    await device.close();
  });

  it("is held back in this session and in the next, until it is let go on", async () => {
    const calls: string[] = [];
    const holding = (name: string) => {
      const one = aSession();
      const session = {
        ...one.session,
        pause: () => void calls.push(`${name} waits`),
        resume: () => void calls.push(`${name} goes on`),
      };
      return { ...one, session };
    };
    const [first, second] = [holding("first"), holding("second")];
    const { device } = supervised([async () => first.session, async () => second.session]);
    await settled();
    expect([device.state().isPaused, calls.splice(0)]).toEqual([false, []]);
    device.pause();
    expect([device.state().isPaused, calls.splice(0)]).toEqual([true, ["first waits"]]);
    first.end(unplugged);
    await settled();
    expect(device.state()).toMatchObject({ state: "down", isPaused: false });
    await vi.advanceTimersByTimeAsync(limits.backoff.baseMs);
    expect([device.state().isPaused, calls.splice(0)]).toEqual([true, ["second waits"]]);
    device.resume();
    expect([device.state().isPaused, calls.splice(0)]).toEqual([false, ["second goes on"]]);
    await device.close();
  });

  it("that cannot wait is read on while others are held back", async () => {
    const { device } = supervised([async () => aSession().session]);
    await settled();
    device.pause();
    expect(device.state()).toMatchObject({ state: "up", isPaused: false });
    await device.close();
  });

  it("no longer passes on what a session delivers that has ended", async () => {
    const first = aSession();
    const { device, chunks, contexts } = supervised([async () => first.session]);
    await settled();
    first.end(unplugged);
    await settled();
    contexts[0]?.receive(bytes("late"));
    expect(chunks).toEqual([{ kind: "break" }]);
    await device.close();
  });

  it("that fails every time waits longer each time, up to the cap, and is told once", async () => {
    const { device, states, notices, contexts } = supervised([() => Promise.reject(absent())]);
    const waits: number[] = [];
    for (let i = 0; i < 9; i += 1) {
      await settled();
      const waitMs = (device.state().retryAtMs ?? Number.NaN) - Date.now();
      waits.push(waitMs);
      await vi.advanceTimersByTimeAsync(waitMs);
    }
    const { baseMs, capMs } = limits.backoff;
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256].map((factor) => Math.min(capMs, baseMs * factor)));
    expect(contexts).toHaveLength(10);
    expect(states).toEqual(["down unplugged"]);
    const levels = notices.map((notice) => notice.level);
    expect(levels.slice(0, 3)).toEqual(["warn", "debug", "debug"]);
    expect(levels.filter((level) => level !== "debug")).toHaveLength(1);
    expect(notices[0]?.message).toBe("There is no such port. Try: check the cable");
    await device.close();
  });

  it("that may be tried often waits no longer than its driver says", async () => {
    const { device, contexts } = supervised([() => Promise.reject(absent())], undefined, { retryMsMax: 2_000 });
    const waits: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      await settled();
      const waitMs = (device.state().retryAtMs ?? Number.NaN) - Date.now();
      waits.push(waitMs);
      await vi.advanceTimersByTimeAsync(waitMs);
    }
    expect(waits).toEqual([500, 1_000, 2_000, 2_000, 2_000]);
    expect(contexts).toHaveLength(6);
    await device.close();
  });

  it("that fails for a new reason while it is down is told again, but its state is not", async () => {
    const refused = new SortgateError("device/refused", "No permission", { hint: "join the group" });
    const { device, notices, states } = supervised([() => Promise.reject(absent()), () => Promise.reject(refused)]);
    await vi.advanceTimersByTimeAsync(limits.backoff.baseMs);
    expect(notices.map((notice) => notice.level)).toEqual(["warn", "warn"]);
    expect(states).toEqual(["down unplugged"]);
    expect(device.state().reason).toBe("refused");
    await device.close();
  });

  it("that held long enough is retried soon, one that keeps falling is not", async () => {
    for (const [upMs, waitMs] of [
      [limits.backoff.stableMs, limits.backoff.baseMs],
      [limits.backoff.stableMs - 1, limits.backoff.baseMs * 4],
    ] as const) {
      const held = aSession();
      const fails = () => Promise.reject(absent());
      const { device } = supervised([fails, fails, async () => held.session]);
      await vi.advanceTimersByTimeAsync(limits.backoff.baseMs * 3);
      expect(device.state().state).toBe("up");
      await vi.advanceTimersByTimeAsync(upMs);
      held.end(unplugged);
      await settled();
      expect((device.state().retryAtMs ?? 0) - Date.now()).toBe(waitMs);
      await device.close();
    }
  });
});

describe("a driver that misbehaves hurts nothing:", () => {
  it("it throws at once", async () => {
    const throws = () => {
      throw new TypeError("secret 4711");
    };
    const { session } = aSession();
    const { device, states, notices } = supervised([throws, async () => session]);
    await vi.advanceTimersByTimeAsync(limits.backoff.baseMs);
    expect(states).toEqual(["down error", "up"]);
    expect(JSON.stringify(notices)).not.toContain("4711");
    await device.close();
  });

  it("it never answers: it is let go at the deadline, and a session that comes later is closed", async () => {
    const late = aSession();
    let answer: (session: Session) => void = () => undefined;
    const { device, chunks, states, contexts } = supervised([
      () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
      () => Promise.reject(absent()),
    ]);
    await vi.advanceTimersByTimeAsync(limits.connectTimeoutMs * 1.2);
    expect(states).toEqual(["down timeout"]);
    expect(contexts[0]?.signal.aborted).toBe(true);
    answer(late.session);
    contexts[0]?.receive(bytes("late"));
    await settled();
    expect(late.closeCount()).toBe(1);
    expect(chunks).toEqual([]);
    await device.close();
  });

  it("it never answers, and has asked for more time than others: it gets that, and no more", async () => {
    const answers = [() => new Promise<Session>(() => undefined), () => Promise.reject(absent())];
    const { device, states } = supervised(answers, undefined, { openMsMax: 30_000 });
    await vi.advanceTimersByTimeAsync(30_000);
    expect(states).toEqual([]);
    await vi.advanceTimersByTimeAsync(3_001);
    expect(states).toEqual(["down timeout"]);
    expect(device.state().sentence).toContain("30 s");
    await device.close();
  });

  it("its session rejects instead of ending", async () => {
    const session: Session = { ended: Promise.reject(new Error("oops")), close: async () => undefined };
    const { device, states } = supervised([async () => session, () => Promise.reject(absent())]);
    await settled();
    expect(states).toEqual(["up", "down error"]);
    await device.close();
  });

  it("its session ends twice, and its close throws", async () => {
    const first = aSession(() => Promise.reject(new Error("oops")));
    const { device, states } = supervised([async () => first.session, () => Promise.reject(absent())]);
    await settled();
    first.end(unplugged);
    first.end({ reason: "error", sentence: "Again" });
    await settled();
    expect(states).toEqual(["up", "down unplugged"]);
    await device.close();
  });

  it("its close never resolves: the next attempt and the stop come nevertheless", async () => {
    const first = aSession(() => new Promise(() => undefined));
    const second = aSession(() => new Promise(() => undefined));
    const { device, states } = supervised([async () => first.session, async () => second.session]);
    await settled();
    first.end(unplugged);
    await vi.advanceTimersByTimeAsync(limits.stopBudgetMs);
    expect(states).toEqual(["up", "down unplugged", "up"]);
    const closing = device.close();
    await vi.advanceTimersByTimeAsync(limits.stopBudgetMs / 2);
    await closing;
  });
});

describe("a receiver that throws", () => {
  it("does not end the session; it is told once, without what was received, and counted", async () => {
    const { session } = aSession();
    const { device, notices, contexts } = supervised([async () => session], (chunk) => {
      throw new Error(`cannot take ${JSON.stringify(chunk)}`);
    });
    await settled();
    for (const text of ["SF4711", "SF4712", "SF4713"]) contexts[0]?.receive(bytes(text));
    expect(device.state()).toMatchObject({ state: "up", receiveFailureCount: 3 });
    expect(notices.filter((notice) => notice.level === "error")).toHaveLength(1);
    expect(JSON.stringify(notices)).not.toContain("cannot take");
    await device.close();
  });
});

describe("close", () => {
  it("ends an attempt that hangs, a wait, and an open session, and tells nothing down", async () => {
    const hanging = supervised([() => new Promise(() => undefined)]);
    const waiting = supervised([() => Promise.reject(absent())]);
    const { session } = aSession();
    const up = supervised([async () => session]);
    await settled();
    for (const { device, contexts } of [hanging, waiting, up]) {
      await Promise.all([device.close(), device.close()]);
      expect(device.state()).toMatchObject({ state: "down", reason: "closed" });
      const attemptCount = contexts.length;
      await vi.advanceTimersByTimeAsync(limits.backoff.capMs);
      expect(contexts).toHaveLength(attemptCount);
    }
    expect(hanging.states).toEqual([]);
    expect(up.states).toEqual(["up"]);
  });

  it("delivers nothing after it has resolved", async () => {
    const { session } = aSession();
    const { device, chunks, contexts } = supervised([async () => session]);
    await settled();
    await device.close();
    contexts[0]?.receive(bytes("late"));
    expect(chunks).toEqual([{ kind: "break" }]);
  });
});
