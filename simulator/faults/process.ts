import { type Forwarder, startForwarder } from "../../src/forward/index.ts";
import { brokerSettings } from "../../src/forward/settings.ts";
import type { Ledger } from "../../src/ledger/index.ts";
import { type Clock, pause } from "../../src/lib/clock.ts";
import { announce } from "../../src/model/event.ts";
import { limits } from "../../src/model/limits.ts";
import type { Instant } from "../../src/pipeline.ts";
import { createClockWatch } from "../../src/self-watch.ts";
import { beginLedger } from "../../src/workers/begin.ts";
import {
  createLedgerHandle,
  type FromLedger,
  type LedgerBacklog,
  type LedgerBeginning,
  type LedgerHandle,
  type LedgerOpened,
  type LedgerPort,
  type LedgerThread,
  type ToLedger,
} from "../../src/workers/index.ts";
import type { Random } from "../belt/random.ts";
import type { SimBroker } from "./broker.ts";
import { type Delivered, type Line, openLine } from "./line.ts";
import type { Plan, PointPlan } from "./plan.ts";
import type { Schedule } from "./schedule.ts";
import { createChannel, createThread, type SimThread } from "./thread.ts";
import type { Truth } from "./truth.ts";

/** Parts that a trial may break on purpose, to see that it is found. */
export interface Parts {
  readonly ledger?: (ledger: Ledger, run: number) => Ledger;
  readonly backlog?: (backlog: LedgerBacklog, broker: string) => LedgerBacklog;
  readonly point?: (point: PointPlan) => PointPlan;
}

export interface ProcessOptions {
  readonly run: number;
  readonly plan: Plan;
  readonly schedule: Schedule;
  readonly truth: Truth;
  readonly random: Random;
  readonly wallMs: () => number;
  readonly brokers: readonly SimBroker[];
  readonly openLedger: (isAlive: () => boolean, thread: SimThread) => Ledger;
  readonly identity: LedgerBeginning["identity"];
  readonly parts: Parts;
  readonly isWired: (device: number) => boolean;
  readonly heard: (read: Delivered) => void;
  /** The process is over. */
  readonly ended: (why: "killed" | "failed" | "stopped") => void;
}

/** What the main thread handed over, and how much of it it was told to be durable. */
export interface HandedOver {
  readonly drafts: readonly string[];
  readonly toldCount: number;
}

const site = "HZ01";
const gateway = "line-3";
const drainBudgetMs = 3_000;
const farewellMs = 500;
const threadEndMs = 1_000;

/** One run of the gateway, put together as `src/gateway.ts` does it, over simulated wires, threads and time. */
export class SimProcess {
  readonly startedAtMs: number;
  readonly #options: ProcessOptions;
  readonly #main: SimThread;
  readonly #worker: SimThread;
  readonly #clock: Clock;
  readonly #drafts: string[] = [];
  readonly #wires: (number | undefined)[];
  /** A device that warms up is connected and says nothing. */
  readonly #speaksFromMs: number[];
  #toldCount = 0;
  #isAlive = true;
  #isStopping = false;
  #lookAtClock = (): void => {};
  #stoppingSinceMs = Number.POSITIVE_INFINITY;
  #wireCount = 0;
  #handle: LedgerHandle | undefined;
  #line: Line | undefined;
  #forwarders: readonly Forwarder[] = [];

  constructor(options: ProcessOptions) {
    const { schedule, plan, random } = options;
    this.#options = options;
    this.startedAtMs = schedule.nowMs();
    this.#main = createThread(schedule);
    this.#worker = createThread(schedule);
    this.#clock = this.#clockOf(this.#main);
    this.#wires = plan.devices.map(() => undefined);
    this.#speaksFromMs = plan.devices.map(() => 0);
    this.#begin(random);
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  /** By the time of the schedule; later than any if nobody has asked it to stop. */
  get stoppingSinceMs(): number {
    return this.#stoppingSinceMs;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  handedOver(): HandedOver {
    return { drafts: this.#drafts, toldCount: this.#toldCount };
  }

  /** When a device first said something that was understood in this run. */
  firstHeardMs(device: number): number | undefined {
    return this.#line?.firstHeardMs(device);
  }

  isUp(): boolean {
    return this.#forwarders.length > 0 && this.#forwarders.every((forwarder) => forwarder.state().state === "up");
  }

  inFlightCount(): number {
    return this.#forwarders.reduce((sum, forwarder) => sum + forwarder.state().inFlightCount, 0);
  }

  /** What the forwarders say of themselves. */
  states(): string {
    const told = this.#forwarders.map((forwarder) => {
      const { state, problem, inFlightCount } = forwarder.state();
      return `${state}, ${inFlightCount} in flight${problem === "" ? "" : `, ${problem}`}`;
    });
    return told.join("; ");
  }

  /** The power goes, or somebody kills it: nothing of it happens any more. */
  end(why: "killed" | "failed" | "stopped"): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#main.kill();
    this.#worker.kill();
    for (const broker of this.#options.brokers) broker.abandoned();
    this.#options.truth.trace.add(`run ${this.#options.run} ${why}`);
    this.#options.ended(why);
  }

  #now(): Instant {
    return { monotonicMs: this.#clock.monotonicMs(), wallMs: this.#clock.wallMs() };
  }

  #clockOf(thread: SimThread): Clock {
    const { run, wallMs } = this.#options;
    return {
      // Windows measure in eighths of a millisecond, and so the model must.
      monotonicMs: () => Math.floor((thread.nowMs() - this.startedAtMs + 40) * 8) / 8,
      wallMs,
      boot: run.toString(16).padStart(8, "0"),
    };
  }

  /** As `ledger-worker.ts` and `ledger.ts` do it. */
  #begin(random: Random): void {
    const { schedule, plan, openLedger, identity, parts, run } = this.#options;
    const latencyMs = (): number => random.fraction() * 0.5;
    let listener: (message: ToLedger) => void = () => {};
    let isOpen = true;
    const toMain = createChannel<FromLedger>(schedule, this.#worker, this.#main, latencyMs, (message) =>
      this.#received(message, toWorker.post),
    );
    const toWorker = createChannel<ToLedger>(schedule, this.#main, this.#worker, latencyMs, (message) => {
      if (isOpen) listener(message);
    });
    const port: LedgerPort = {
      post: (message) => isOpen && toMain.post(message),
      poll: () => (isOpen ? toWorker.poll() : undefined),
      onMessage: (listen) => {
        listener = listen;
      },
      close: () => {
        isOpen = false;
      },
    };
    this.#worker.run(schedule.nowMs() + random.between(5, 80), () => {
      try {
        const ledger = openLedger(() => this.#isAlive, this.#worker);
        beginLedger({
          port,
          ledger: parts.ledger?.(ledger, run) ?? ledger,
          identity,
          options: {
            dataDir: "",
            site,
            gateway,
            software: "0",
            configDigest: "0",
            policy: { hash: "0" },
            bytesMax: plan.bytesMax,
            retainMs: plan.retainMs,
            recallMs: Math.max(...plan.points.map(({ passMaxMs, departMs }) => passMaxMs + departMs)),
            whenFull: plan.whenFull,
            brokers: plan.brokers.map(({ name }) => name),
          },
          clock: this.#clockOf(this.#worker),
          timers: this.#worker.timers,
          drawChain: () => "6f1c2a9be04d",
        });
      } catch {
        port.post({ type: "failed", failure: { code: "ledger/io", sentence: "The ledger did not open", hint: "" } });
      }
    });
  }

  #received(message: FromLedger, post: (message: ToLedger) => void): void {
    if (message.type === "failed") this.#main.timers.after(threadEndMs, () => this.end("failed"));
    else if (message.type === "opened") this.#opened(message.opened, post);
    else {
      if (message.type === "committed") this.#toldCount += message.count;
      this.#handle?.receive(message);
    }
  }

  #opened(opened: LedgerOpened, post: (message: ToLedger) => void): void {
    const { plan, truth, run, schedule, parts, heard } = this.#options;
    this.#handle = createLedgerHandle({
      opened,
      counters: () => this.#line?.counters() ?? {},
      timers: this.#main.timers,
      uncommittedMax: plan.uncommittedMax,
      post: (message) => {
        if (message.type === "append")
          for (const { kind, data } of message.drafts) this.#drafts.push(`${kind} ${data}`);
        post(message);
      },
    });
    this.#line = openLine({
      run,
      plan,
      truth,
      opened,
      clock: this.#clock,
      nowMs: schedule.nowMs,
      breakPoint: parts.point,
      heard,
      append: (event) => this.#handle?.face.append(event),
    });
    this.#handle.face.clockIs("synchronized");
    const tellStep = (stepMs: number): void => {
      this.#handle?.face.append(announce("alarm", this.#clock.wallMs(), { alarm: "clock-stepped", stepMs }));
    };
    this.#lookAtClock = createClockWatch(this.#clock, () => {}, tellStep);
    this.#main.timers.every(1_000, this.#lookAtClock);
    this.#startDevices();
    this.#startForwarders(opened.chain);
    this.#main.timers.every(plan.sweepMs, () => this.#isStopping || this.#line?.pipeline.sweep(this.#now()));
  }

  #startDevices(): void {
    for (const [device, { warmUpMs }] of this.#options.plan.devices.entries()) {
      const upMs = this.#options.schedule.nowMs() + this.#options.random.between(1, 300);
      this.#speaksFromMs[device] = upMs + warmUpMs;
      this.#main.run(upMs, () => this.connect(device));
    }
  }

  /** A device is there, or is there again. */
  connect(device: number): void {
    if (this.#line === undefined || this.#isStopping || !this.#isAlive || this.#wires[device] !== undefined) return;
    if (!this.#options.isWired(device)) return;
    this.#wireCount += 1;
    this.#wires[device] = this.#wireCount;
    this.#line.pipeline.up(device, this.#now());
    this.#tellDevice(device, "up", "opened");
  }

  /** The wire to a device broke. */
  disconnect(device: number): void {
    if (this.#line === undefined || this.#isStopping || this.#wires[device] === undefined) return;
    this.#wires[device] = undefined;
    this.#line.pipeline.receive(device, { kind: "break" }, this.#now());
    this.#tellDevice(device, "down", "unplugged");
  }

  #tellDevice(device: number, state: string, reason: string): void {
    const { name } = this.#options.plan.devices[device]!;
    this.#handle?.face.append(announce("device", this.#clock.wallMs(), { device: name, state, reason }, name));
  }

  /** A device says something; see `Listener`. */
  say(device: number, bytes: Uint8Array, wire?: number): number | undefined {
    const open = this.#wires[device];
    if (!this.#isAlive || this.#isStopping || open === undefined || (wire !== undefined && wire !== open))
      return undefined;
    if (this.#options.schedule.nowMs() < this.#speaksFromMs[device]!) return undefined;
    this.#line?.pipeline.receive(device, { kind: "bytes", bytes }, this.#now());
    return open;
  }

  rotateKey(): void {
    this.#handle?.face.ask("rotateKey", null).catch(() => {});
  }

  #startForwarders(chain: string): void {
    const { plan, brokers, parts, random } = this.#options;
    const { face } = this.#handle!;
    this.#forwarders = brokers.map((broker, index) => {
      const backlog = face.backlog(broker.name);
      return startForwarder({
        settings: brokerSettings.parse({
          name: broker.name,
          url: "mqtt://127.0.0.1:1883",
          in_flight_max: plan.brokers[index]!.inFlightMax,
        }),
        site,
        gateway,
        chain,
        software: "0",
        backlog: parts.backlog?.(backlog, broker.name) ?? backlog,
        clock: this.#clock,
        tell: () => {},
        random: random.fraction,
        timers: this.#main.timers,
        openLink: (options) => broker.open(options, this.#main),
        heldEventsMax: plan.heldEventsMax,
      });
    });
  }

  /** As `src/gateway.ts` does it. */
  async stop(): Promise<void> {
    const face: LedgerThread | undefined = this.#handle?.face;
    const line = this.#line;
    if (this.#isStopping) return;
    if (face === undefined || line === undefined) {
      this.end("killed");
      return;
    }
    this.#isStopping = true;
    this.#stoppingSinceMs = this.#options.schedule.nowMs();
    this.#options.truth.trace.add(`run ${this.#options.run} is to stop`);
    const wait = (durationMs: number): Promise<void> => pause(durationMs, undefined, this.#main.timers);
    line.pipeline.close(this.#now());
    this.#lookAtClock();
    line.model.stopped();
    const drainUntil = this.#clock.monotonicMs() + drainBudgetMs;
    const leftMs = (): number => drainUntil - this.#clock.monotonicMs();
    try {
      await Promise.race([face.checkpoint(), wait(drainBudgetMs)]);
      while (this.#forwarders.some((one) => one.state().state === "up") && leftMs() > 0) {
        const stats = await Promise.race([face.ask("stats", null), wait(leftMs())]);
        if (stats?.brokers.every(({ queuedCount }) => queuedCount === 0)) break;
        await wait(20);
      }
    } catch {
      // The ledger thread failed meanwhile; the process ends either way.
    } finally {
      const closeMs = Math.max(leftMs(), farewellMs);
      await Promise.all(this.#forwarders.map((forwarder) => forwarder.close(closeMs)));
      await Promise.race([face.stop(), wait(limits.stopBudgetMs / 5)]);
      this.end("stopped");
    }
  }
}
