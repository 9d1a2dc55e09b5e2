import { tmpdir } from "node:os";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { Chunk, Driver, DriverContext, Session, SessionEnd } from "../../src/driver/port.ts";
import { createSystemClock } from "../../src/lib/clock.ts";
import { SortgateError } from "../../src/model/error.ts";
import type { Notice } from "../../src/model/notice.ts";

/** A device at the far end of a wire, and what a test may do to it. */
export interface Rig<Settings> {
  readonly settings: Settings;
  /** Settings that cannot be opened. */
  readonly unopenable: Settings;
  /** Sends bytes from the device to the driver; the session is open. */
  deliver(bytes: Uint8Array): Promise<void> | void;
  /** The device goes away. */
  hangUp(): Promise<void> | void;
  /** Whether the device can be made to wait: the session then has `pause` and `resume`. */
  readonly holdsBack: boolean;
  /** Whether the session lives on then and waits for the device to come back. */
  readonly outlivesHangUp: boolean;
  dispose(): Promise<void> | void;
}

export interface Watched {
  readonly context: DriverContext;
  readonly chunks: Chunk[];
  readonly notices: Notice[];
  /** All bytes received so far, as text. */
  text(): string;
  letGo(): void;
}

/** A context that keeps what the driver does with it. */
export function watchedContext(): Watched {
  const chunks: Chunk[] = [];
  const notices: Notice[] = [];
  const abort = new AbortController();
  let text = "";
  return {
    chunks,
    notices,
    text: () => text,
    letGo: () => abort.abort(),
    context: {
      device: "scanner-1",
      signal: abort.signal,
      clock: createSystemClock(),
      tell: (notice) => notices.push(notice),
      stateDir: tmpdir(),
      receive(chunk) {
        if (chunk.kind === "bytes") text += Buffer.from(chunk.bytes).toString("latin1");
        chunks.push(chunk.kind === "bytes" ? { kind: "bytes", bytes: Uint8Array.from(chunk.bytes) } : chunk);
      },
    },
  };
}

/** The error that a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<SortgateError> {
  const outcome = await promise.then(
    () => "it succeeded",
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(SortgateError);
  return outcome as SortgateError;
}

const within = { timeout: 5_000, interval: 10 };

/** What every driver of a wire of bytes must do, on a real wire. */
export function describeDriver<Settings>(
  title: string,
  driver: Driver<Settings>,
  openRig: () => Promise<Rig<Settings>>,
): void {
  describe(`the driver contract, ${title}`, () => {
    const cleanUps: (() => Promise<void> | void)[] = [];
    afterEach(async () => {
      for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
    });
    const rigged = async (): Promise<Rig<Settings>> => {
      const rig = await openRig();
      cleanUps.push(() => rig.dispose());
      return rig;
    };
    const opened = async (rig: Rig<Settings>): Promise<Watched & { session: Session }> => {
      const watched = watchedContext();
      const session = await driver.open(rig.settings, watched.context);
      cleanUps.push(() => session.close());
      return { ...watched, session };
    };

    it("opens and delivers every byte in order", async () => {
      const rig = await rigged();
      const { text } = await opened(rig);
      const all = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join("");
      await rig.deliver(Buffer.from(`${all}first`, "latin1"));
      await expect.poll(text, within).toBe(`${all}first`);
      await rig.deliver(Buffer.from("second"));
      await expect.poll(text, within).toBe(`${all}firstsecond`);
    });

    it("notices that the device went away", async () => {
      const rig = await rigged();
      const { session, chunks, text } = await opened(rig);
      await rig.deliver(Buffer.from("half"));
      await expect.poll(text, within).toBe("half");
      await rig.hangUp();
      if (rig.outlivesHangUp) {
        await expect.poll(() => chunks.at(-1)?.kind, within).toBe("break");
        await rig.deliver(Buffer.from("again"));
        await expect.poll(text, within).toBe("halfagain");
        return;
      }
      const end = await session.ended;
      expect(["closed", "unplugged"]).toContain(end.reason);
      expect(end.sentence).toMatch(/^\S.*[^.]$/);
    });

    it("ends once, also when closed again and after the device went away", async () => {
      const rig = await rigged();
      const { session } = await opened(rig);
      const ends: SessionEnd[] = [];
      void session.ended.then((end) => ends.push(end));
      await Promise.all([session.close(), session.close()]);
      await rig.hangUp();
      await session.close();
      expect(ends).toHaveLength(1);
      expect(ends[0]?.reason).toBe("closed");
    });

    it("delivers nothing after close has resolved", async () => {
      const rig = await rigged();
      const { session, chunks, text } = await opened(rig);
      await rig.deliver(Buffer.from("before"));
      await expect.poll(text, within).toBe("before");
      await session.close();
      const count = chunks.length;
      await Promise.resolve(rig.deliver(Buffer.from("after"))).catch(() => undefined);
      // Opened anew the wire carries bytes again: by then the first session would have had its chance.
      const second = await opened(rig);
      await vi.waitFor(async () => {
        await rig.deliver(Buffer.from("new"));
        expect(second.text()).toContain("new");
      }, within);
      expect(chunks).toHaveLength(count);
    });

    it("ends when it is let go", async () => {
      const { session, letGo } = await opened(await rigged());
      letGo();
      expect((await session.ended).reason).toBe("closed");
    });

    it("delivers nothing while it is paused, and all of it in order after that, if its device can wait", async () => {
      const rig = await rigged();
      const { session, text } = await opened(rig);
      expect([session.pause !== undefined, session.resume !== undefined]).toEqual([rig.holdsBack, rig.holdsBack]);
      await rig.deliver(Buffer.from("before"));
      await expect.poll(text, within).toBe("before");
      session.pause?.();
      session.pause?.();
      await rig.deliver(Buffer.from("meanwhile"));
      // By then a session that reads on would have had its chance: another wire has carried more.
      const other = await rigged();
      const witness = await opened(other);
      await other.deliver(Buffer.from("witness"));
      await expect.poll(witness.text, within).toBe("witness");
      if (rig.holdsBack) expect(text()).toBe("before");
      else await expect.poll(text, within).toBe("beforemeanwhile");
      session.resume?.();
      session.resume?.();
      await rig.deliver(Buffer.from("after"));
      await expect.poll(text, within).toBe("beforemeanwhileafter");
    });

    it("is closed and let go while it is paused as at any time", async () => {
      for (const how of ["close", "letGo"] as const) {
        const { session, letGo } = await opened(await rigged());
        session.pause?.();
        if (how === "close") await session.close();
        else letGo();
        expect((await session.ended).reason).toBe("closed");
        session.resume?.();
      }
    });

    it("rejects with a sentence and a next step when it cannot open", async () => {
      const rig = await rigged();
      const error = await failure(driver.open(rig.unopenable, watchedContext().context));
      expect(error.code).toMatch(/^device\//);
      expect(error.message).toMatch(/^\S.*[^.]$/);
      expect(error.hint).not.toBe("");
    });

    it("rejects when it is let go while opening, and leaves the device free", async () => {
      const rig = await rigged();
      for (const letGoFirst of [true, false]) {
        const { context, letGo } = watchedContext();
        if (letGoFirst) letGo();
        const opening = failure(driver.open(rig.settings, context));
        letGo();
        expect((await opening).code).toBe("device/closed");
      }
      const { text } = await vi.waitFor(() => opened(rig), within);
      await rig.deliver(Buffer.from("free"));
      await expect.poll(text, within).toContain("free");
    });
  });
}
