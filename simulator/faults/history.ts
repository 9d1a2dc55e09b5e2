import { type Belt, startBelt } from "./belt.ts";
import { SimBroker } from "./broker.ts";
import type { DeviceKey } from "./device-key.ts";
import { type CommitFault, createDisk, type Disk } from "./disk.ts";
import { judge } from "./judge.ts";
import type { Delivered } from "./line.ts";
import { drawPlan, type Plan, streamOf } from "./plan.ts";
import { type Parts, SimProcess } from "./process.ts";
import { createSchedule, type Schedule } from "./schedule.ts";
import type { SimThread } from "./thread.ts";
import { createTrace, type Trace, type Violation } from "./trace.ts";
import { type Committed, Truth } from "./truth.ts";

export interface HistoryOptions {
  readonly seed: number;
  readonly deviceKey: DeviceKey;
  /** Whether the chain is verified in the end, which takes most of the time. */
  readonly isVerified: boolean;
  readonly parts?: Parts;
}

export interface HistoryResult {
  readonly violation: Violation | undefined;
  readonly trace: Trace;
  readonly eventCount: number;
  readonly runCount: number;
  readonly simulatedMs: number;
}

/** After trouble has ended everything is delivered within this time: two of the longest waits for a broker. */
const quietMs = 300_000;
/** A stop takes no longer than the program says, and a step of the last disk operation. */
const stopMs = 11_000;
/** A commit that takes longer may hold up cursors for longer than the window is kept. */
const slowMs = 200;
const wallStartMs = Date.parse("2026-11-23T03:10:00Z");

/** Lives one history from its seed, and judges it. */
export async function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  const world = new World(drawPlan(options.seed), options);
  await world.live();
  const { truth, schedule, runs } = world;
  if (truth.violation === undefined) judge(world, options.isVerified ? options.deviceKey.trust : undefined);
  return {
    violation: truth.violation,
    trace: truth.trace,
    eventCount: truth.committed.length,
    runCount: runs.length,
    simulatedMs: schedule.nowMs(),
  };
}

/** All that is outside of the gateway, and the gateway's runs one after the other. */
export class World {
  readonly plan: Plan;
  readonly schedule: Schedule = createSchedule();
  readonly truth: Truth;
  readonly disk: Disk;
  readonly brokers: readonly SimBroker[];
  readonly runs: SimProcess[] = [];
  /** When each run was over. */
  readonly endedAtMs: number[] = [];
  /** How each run was over. */
  readonly endings: string[] = [];
  readonly delivered: Delivered[] = [];
  readonly #options: HistoryOptions;
  readonly #belt: Belt;
  readonly #faults;
  #nextFault: CommitFault = "none";
  #isHealed = false;
  #jumpedMs = 0;
  #runSteps = 0;

  constructor(plan: Plan, options: HistoryOptions) {
    this.plan = plan;
    this.#options = options;
    const { schedule } = this;
    this.truth = new Truth(
      createTrace(schedule.nowMs),
      plan.brokers.map(({ name }) => name),
    );
    this.#faults = streamOf(plan.seed, "faults");
    this.disk = createDisk({ bytesMax: plan.bytesMax, truth: this.truth, fault: () => this.#commitFault() });
    this.brokers = plan.brokers.map((broker) => {
      this.truth.packetBytesMax.set(broker.name, broker.packetBytesMax);
      return new SimBroker({ plan: broker, schedule, truth: this.truth, random: streamOf(plan.seed, broker.name) });
    });
    this.#belt = startBelt(plan, schedule, streamOf(plan.seed, "belt"), (device, bytes, wire) =>
      this.#current()?.say(device, bytes, wire),
    );
    this.truth.onCommitted = (event) => this.#expectLive(event);
    this.#arrange();
  }

  #current(): SimProcess | undefined {
    const last = this.runs.at(-1);
    return last?.isAlive === true ? last : undefined;
  }

  /** What happens at its time, whatever else does. */
  #arrange(): void {
    const { plan, schedule, truth } = this;
    for (const [index, broker] of plan.brokers.entries())
      for (const { kind, fromMs, toMs } of broker.phases)
        schedule.at(fromMs, () => {
          truth.trace.add(`${broker.name} ${kind} until ${toMs}`);
          this.brokers[index]!.troubleBegins(kind);
        });
    for (const [index, { hangUps, name }] of plan.devices.entries())
      for (const { fromMs, toMs } of hangUps) {
        schedule.at(fromMs, () => {
          truth.trace.add(`${name} hung up until ${toMs}`);
          this.#current()?.disconnect(index);
        });
        schedule.at(toMs, () => this.#current()?.connect(index));
      }
    for (const { atMs, byMs } of plan.clockJumps)
      schedule.at(atMs, () => {
        truth.trace.add(`clock jumps by ${byMs}`);
        this.#jumpedMs += byMs;
      });
    for (const atMs of plan.rotations) schedule.at(atMs, () => this.#current()?.rotateKey());
    schedule.at(plan.healAtMs, () => this.#heal());
  }

  #heal(): void {
    this.truth.trace.add("trouble ends");
    this.#isHealed = true;
    this.#nextFault = "none";
    this.#belt.heal();
    for (const broker of this.brokers) broker.heal();
    for (const index of this.plan.devices.keys()) this.#current()?.connect(index);
  }

  #start(): void {
    const { plan, schedule, truth, brokers } = this;
    const { deviceKey, isVerified } = this.#options;
    const run = this.runs.length;
    this.#runSteps = 0;
    truth.trace.add(`run ${run} starts`);
    this.runs.push(
      new SimProcess({
        run,
        plan,
        schedule,
        truth,
        random: streamOf(plan.seed, `run ${run}`),
        wallMs: () => Math.floor(wallStartMs + schedule.nowMs() + this.#jumpedMs),
        brokers,
        openLedger: (isAlive, thread) => this.#openLedger(run, isAlive, thread),
        identity: isVerified ? deviceKey.identity : deviceKey.idle,
        parts: this.#options.parts ?? {},
        isWired: this.#belt.isConnected,
        heard: (read) => this.delivered.push(read),
        ended: (why) => this.#ended(why),
      }),
    );
  }

  #thread: SimThread | undefined;

  #openLedger(run: number, isAlive: () => boolean, thread: SimThread): ReturnType<Disk["open"]> {
    this.#thread = thread;
    return this.disk.open({ run, isAlive, nowMs: thread.nowMs });
  }

  #ended(why: string): void {
    const { plan, schedule } = this;
    const run = this.runs.length - 1;
    this.endedAtMs[run] = schedule.nowMs();
    this.endings[run] = why;
    this.#nextFault = "none";
    if (this.#isOver) return;
    const downMs = plan.endings[run]?.downMs ?? 2_000;
    schedule.at(schedule.nowMs() + downMs, () => this.#start());
  }

  #isOver = false;

  #commitFault(): CommitFault {
    const { plan, schedule } = this;
    const now = schedule.nowMs();
    const trouble = this.#isHealed
      ? undefined
      : plan.diskPhases.find(({ fromMs, toMs }) => fromMs <= now && now < toMs)?.kind;
    const longest = trouble === "slow" ? 800 : plan.commitMsMax;
    const takesMs = this.#faults.fraction() * longest;
    this.#thread?.block(takesMs);
    if (takesMs > slowMs) this.truth.fullAtMs = now + takesMs;
    const fault = this.#nextFault;
    this.#nextFault = "none";
    if (fault === "kill-before" || fault === "kill-after") schedule.at(now, () => this.#current()?.end("killed"));
    if (fault !== "none") {
      for (const broker of this.brokers) broker.blemish();
      this.truth.trace.add(`commit: ${fault}`);
      return fault;
    }
    return trouble === "full" ? "full" : "none";
  }

  /** The gateway ends as its plan says, at a step that nothing in it can foresee. */
  #maybeEnd(): void {
    this.#runSteps += 1;
    const ending = this.plan.endings[this.runs.length - 1];
    const process = this.#current();
    if (this.#isHealed || ending === undefined || process === undefined || this.#runSteps !== ending.afterStep) return;
    if (ending.kind === "stop") this.#stop(process);
    else if (ending.kind === "kill") {
      const at = this.#faults.pick(["now", "kill-before", "kill-after"] as const);
      if (at === "now") process.end("killed");
      else this.#nextFault = at;
    } else this.#nextFault = ending.kind;
  }

  #stop(process: SimProcess): void {
    const { schedule, truth } = this;
    schedule.at(schedule.nowMs() + stopMs, () => {
      if (process.isAlive && process.isStopping) truth.violate("stop", `a stop takes longer than ${stopMs} ms`);
    });
    process.stop().catch((error: unknown) => truth.violate("stop", String(error)));
    schedule.touch();
  }

  /** A live event must not wait behind a backlog on a connection where nothing goes wrong. */
  #expectLive({ sequence, atMs }: Committed): void {
    const { plan, schedule, truth } = this;
    if (plan.diskPhases.length > 0 && !this.#isHealed) return;
    const process = this.#current();
    for (const broker of this.brokers) {
      const connection = broker.connection();
      const settledInMs = 100 + plan.commitMsMax * 3;
      if (connection === undefined || !connection.isClean || atMs < connection.acceptedAtMs + settledInMs) continue;
      const before = this.truth.committed.filter(
        (event) => event.atMs > connection.acceptedAtMs && !connection.received.has(event.sequence),
      );
      const turns = 2 + Math.ceil(before.length / connection.window);
      const deadline = atMs + 200 + turns * (broker.ackMsMax + plan.commitMsMax * 4 + 15);
      schedule.at(deadline, () => {
        if (broker.connection() !== connection || !connection.isClean || process?.isStopping !== false) return;
        if (!truth.isDone(broker.name, sequence) && sequence > truth.destroyedTo)
          truth.violate("live-first", `${broker.name} did not get event ${sequence} in time, committed at ${atMs}`);
      });
    }
  }

  #isQuiet(): boolean {
    const process = this.#current();
    if (process === undefined || !process.isUp()) return false;
    const { drafts, toldCount } = process.handedOver();
    if (toldCount < drafts.length || process.inFlightCount() > 0) return false;
    const { committed, destroyedTo } = this.truth;
    return this.plan.brokers.every(({ name }) =>
      committed.every(({ sequence }) => sequence <= destroyedTo || this.truth.isDone(name, sequence)),
    );
  }

  async #runUntil(untilMs: number, isEnough: () => boolean = () => false): Promise<boolean> {
    let askAtMs = 0;
    while (this.truth.violation === undefined) {
      if (this.schedule.nowMs() >= askAtMs) {
        if (isEnough()) return true;
        askAtMs = this.schedule.nowMs() + 250;
      }
      if (!(await this.schedule.step(untilMs))) return isEnough();
      this.#maybeEnd();
    }
    return false;
  }

  /** Trouble, then none; quiet, then a stop. */
  async live(): Promise<void> {
    const { plan, schedule, truth } = this;
    this.#start();
    await this.#runUntil(plan.healAtMs + 1);
    const isQuiet = await this.#runUntil(schedule.nowMs() + quietMs, () => this.#isQuiet());
    if (!isQuiet && truth.violation === undefined) truth.violate("stuck", this.#describe());
    if (truth.violation !== undefined) return;
    const process = this.#current()!;
    this.#isOver = true;
    this.#stop(process);
    await this.#runUntil(schedule.nowMs() + stopMs + 1, () => !process.isAlive);
  }

  /** What is not as it should be, long after trouble ended. */
  #describe(): string {
    const { committed, destroyedTo } = this.truth;
    const open = this.plan.brokers.map(({ name }) => {
      const missing = committed.filter(({ sequence }) => sequence > destroyedTo && !this.truth.isDone(name, sequence));
      return `${name} lacks ${missing.length} of ${committed.length} (first: ${missing[0]?.sequence})`;
    });
    const process = this.#current();
    const handed = process?.handedOver();
    const waiting = handed === undefined ? 0 : handed.drafts.length - handed.toldCount;
    return `${open.join(", ")}; ${waiting} events wait for their commit; forwarders: ${process?.states() ?? "no process"}`;
  }
}
