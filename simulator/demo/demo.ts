import { createWriteStream, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finished as written } from "node:stream/promises";
import { pause } from "../../src/lib/clock.ts";
import { machineMs } from "../truth.ts";
import { openBroker, openSubscriber } from "./broker.ts";
import { askGateway } from "./gateway-status.ts";
import { noCounts, openLine, type Processes, startGateway } from "./processes.ts";
import { createPulse, type Pulse } from "./pulse.ts";
import { createScreen, type Screen, type Terminal } from "./screen.ts";
import { createSession, type Session } from "./session.ts";
import { type DemoSummary, summarise } from "./summary.ts";
import { verifyCapture } from "./verdict.ts";

export interface DemoSettings {
  /** How long the belt runs; until it is interrupted if absent. */
  readonly seconds: number | undefined;
  readonly seed: number;
  readonly parcelsPerSecond: number;
  /** Keep the files of the run. */
  readonly keep: boolean;
  readonly terminal: Terminal;
}

export interface Demo {
  /** Settles when everything is stopped and cleared away. */
  readonly finished: Promise<DemoSummary>;
  /** The first time: stops in order, within five seconds. After that: ends everything at once, and says so. */
  interrupt(): "stopping" | "ended";
}

const topic = "sortgate/DEMO/line-1";
const drawEveryMs = 200;
const pollMs = 20;

/** What has not arrived this long after it passed is shown as missing; at the end all that has not arrived is. */
const missingAfterMs = 3_000;

/** How long an end may take: what is on its way, then the gateway. All of an interrupted run is within 5 s. */
const budgets = {
  ordered: { drainMs: 5_000, gatewayMs: 10_000 },
  interrupted: { drainMs: 1_000, gatewayMs: 2_500 },
};
const settleMs = 400;
const lineStopMs = 500;

interface Run {
  readonly settings: DemoSettings;
  readonly directory: string;
  readonly screen: Screen;
  readonly session: Session;
  readonly processes: Processes;
  readonly pulse: Pulse;
  /** Aborts at the first Ctrl-C. */
  readonly signal: AbortSignal;
}

/**
 * Runs the gateway on a virtual line with an embedded broker, and judges what comes out of it.
 *
 * Three processes: this one is broker and subscriber; one is the line; one is `sortgate run`, as a technician starts it.
 *
 * Fails:  never because of the gateway or the line: what goes wrong stands in the summary.
 */
export function startDemo(settings: DemoSettings): Demo {
  // A path of a Unix socket holds 107 characters, so this one stays short.
  const directory = mkdtempSync(join(tmpdir(), "sortgate-demo-"));
  const stop = new AbortController();
  const screen = createScreen(settings.terminal);
  const processes: Processes = { started: [], line: undefined, gateway: undefined, failure: undefined };
  const clear = (): void => {
    for (const child of processes.started) child.kill();
    if (!settings.keep) rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  };
  // Whatever ends this process early, such as a closed pipe behind it, must leave nothing behind.
  process.once("exit", clear);
  const finished = runDemo(settings, directory, screen, processes, stop.signal).finally(() => {
    process.off("exit", clear);
    clear();
  });
  return {
    finished,
    interrupt() {
      if (stop.signal.aborted) {
        clear();
        return "ended";
      }
      screen.say("Stopping; press Ctrl-C again to end at once …");
      stop.abort();
      return "stopping";
    },
  };
}

async function runDemo(
  settings: DemoSettings,
  directory: string,
  screen: Screen,
  processes: Processes,
  signal: AbortSignal,
): Promise<DemoSummary> {
  const capturePath = join(directory, "captured.jsonl");
  const capture = createWriteStream(capturePath);
  const session = createSession({ keep: (line) => capture.write(`${line}\n`), show: screen.row });
  const run: Run = { settings, directory, screen, session, processes, pulse: createPulse(), signal };
  screen.say("Starting an MQTT broker and a subscriber of our own …");
  const broker = await openBroker();
  const subscriber = await openSubscriber(broker.url, topic, session.message);
  const unforeseen = await play(run, broker.url).catch((error: unknown) => error);
  const budget = signal.aborted ? budgets.interrupted : budgets.ordered;
  const gatewayEnd = await processes.gateway?.stop(budget.gatewayMs);
  await Promise.race([subscriber.settled(), pause(settleMs)]);
  await processes.line?.child.stop(lineStopMs);
  await subscriber.close();
  await broker.close();
  capture.end();
  await written(capture);
  if (unforeseen !== undefined && processes.failure === undefined) throw unforeseen;
  const dataDir = join(directory, "data");
  return summarise({
    session,
    counts: processes.line?.counts() ?? noCounts,
    verdict: processes.gateway === undefined ? undefined : await verifyCapture(capturePath, dataDir),
    filesWithSecrets: await session.secrets.filesWith(directory),
    gatewayEnd,
    failure: processes.failure,
    keptIn: settings.keep ? directory : undefined,
  });
}

/** From the first process to the moment when all that passed has arrived, or will not any more. */
async function play(run: Run, brokerUrl: string): Promise<void> {
  const { settings, directory, screen, session, processes, signal } = run;
  screen.say("Opening the virtual line; its OPC UA server takes about five seconds …");
  const line = await openLine(processes, { ...settings, directory, tell: session.truth, say: screen.say, signal });
  if (line === undefined) return;
  screen.say("Starting the gateway (sortgate run) and waiting for its three devices and its broker …");
  const socket = await startGateway(processes, {
    directory,
    addresses: line.addresses,
    brokerUrl,
    say: screen.say,
    signal,
  });
  if (socket === undefined) return;
  const startedAtMs = machineMs();
  const endAtMs = settings.seconds === undefined ? Number.POSITIVE_INFINITY : startedAtMs + settings.seconds * 1_000;
  line.start();
  while (machineMs() < endAtMs && !signal.aborted) {
    if (processes.failure !== undefined) throw new Error(processes.failure.sentence);
    run.pulse.beat(await askGateway(socket), machineMs());
    draw(run);
    await pause(Math.min(drawEveryMs, Math.max(0, endAtMs - machineMs())), signal);
  }
  await line.halt();
  const drainMs = signal.aborted ? budgets.interrupted.drainMs : budgets.ordered.drainMs;
  for (const until = machineMs() + drainMs; !session.tally.isComplete() && machineMs() < until; ) await pause(pollMs);
  draw(run);
}

function draw({ screen, session, processes, pulse }: Run): void {
  screen.draw({
    rows: session.rows(),
    tally: session.tally.summary(machineMs(), missingAfterMs),
    line: processes.line?.counts() ?? noCounts,
    eventCount: session.eventCount(),
    unverifiedCount: session.unverifiedCount(),
    foundSecretCount: session.secrets.foundCount(),
    plantedSecretCount: session.secrets.plantedCount(),
    readsPerSecond: pulse.readsPerSecond(),
    state: pulse.state(),
  });
}
