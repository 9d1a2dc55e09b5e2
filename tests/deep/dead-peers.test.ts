import { afterAll, describe, expect, it, vi } from "vitest";
import {
  askStatus,
  aWaybill,
  type Daemon,
  makeSite,
  openSubscriber,
  type Site,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";
import { openSerialLine, type SerialLine } from "../fakes/serial-line.ts";
import { count, figure, seconds } from "../figures.ts";
import { openScriptedBroker } from "./rig/broker.ts";
import { type Defer, deferTo } from "./rig/defer.ts";
import { giveIdentity } from "./rig/line.ts";
import { type Namespace, openNamespace } from "./rig/namespace.ts";
import { breakProgram } from "./rig/program.ts";

/** What a fault needs of the world, and how it comes and goes. */
interface Peer {
  readonly url: string;
  readonly under: readonly string[];
  strike(): void;
  heal(): void;
  /** Distinct codes that the broker, or a subscriber of it, got. */
  codes(): Set<string>;
}

type Fault = (defer: Defer) => Promise<Peer>;

/** The broker is on the other end of a cable, and something happens to the cable. */
const cable =
  (strike: (space: Namespace, port: string) => void, heal: (space: Namespace, port: string) => void): Fault =>
  async (defer) => {
    const space = openNamespace(defer);
    const broker = await openScriptedBroker({ host: space.hostAddress });
    defer(() => broker.close());
    return {
      url: broker.url,
      under: space.inside,
      strike: () => strike(space, String(broker.port)),
      heal: () => heal(space, String(broker.port)),
      codes: () => broker.codes(),
    };
  };

const ruled = (chain: "OUTPUT" | "INPUT", end: "--dport" | "--sport", ...target: string[]): Fault => {
  const rule = (port: string): string[] => [chain, "-p", "tcp", end, port, "-j", ...target];
  return cable(
    (space, port) => space.rule("-A", ...rule(port)),
    (space, port) => space.rule("-D", ...rule(port)),
  );
};

const stopped: Fault = async (defer) => {
  const broker = await openMosquitto(["allow_anonymous true", "max_queued_messages 0"]);
  defer(() => broker.stop("SIGKILL"));
  const subscriber = await openSubscriber(`mqtt://127.0.0.1:${broker.port}`);
  defer(() => subscriber.close());
  return {
    url: `mqtt://127.0.0.1:${broker.port}`,
    under: [],
    strike: () => void broker.process.kill("SIGSTOP"),
    heal: () => void broker.process.kill("SIGCONT"),
    codes: () => new Set(subscriber.codes()),
  };
};

const faults: Record<string, Fault> = {
  "whose process is stopped": stopped,
  "to which nothing gets through": ruled("OUTPUT", "--dport", "DROP"),
  "from which nothing comes back": ruled("INPUT", "--sport", "DROP"),
  "whose cable is pulled": cable(
    (space) => space.link("down"),
    (space) => space.link("up"),
  ),
  "whose connections are reset": ruled("OUTPUT", "--dport", "REJECT", "--reject-with", "tcp-reset"),
};

interface Rig {
  readonly peer: Peer;
  readonly site: Site;
  readonly serial: SerialLine;
  readonly daemon: Daemon;
}

async function openRig(fault: Fault, keepaliveS: number, defer: Defer, main?: string): Promise<Rig> {
  const peer = await fault(defer);
  const serial = await openSerialLine();
  defer(() => serial.close());
  const site = makeSite({
    brokerUrl: peer.url,
    broker: `keepalive_s = ${keepaliveS}\nallow_plaintext = true`,
    rest: `
[[read_point]]
name = "tunnel-1"
[[device]]
name = "scanner-1"
read_point = "tunnel-1"
driver = "serial"
path = "${serial.path}"
profile = "line-barcode"
[guard]
carriers = ["sf"]
`,
  });
  defer(() => site.remove());
  await giveIdentity(site.dataDir);
  const daemon = await startDaemon(site, process.env, { under: peer.under, ...(main === undefined ? {} : { main }) });
  defer(() => daemon.end("SIGKILL"));
  await vi.waitFor(() => expect(daemon.output.stdout).toContain('"broker/up"'), 20_000);
  return { peer, site, serial, daemon };
}

/** A parcel each ten milliseconds until told to stop; gives the number of the next one. */
function startParcels(serial: SerialLine, first: number): () => number {
  let next = first;
  const timer = setInterval(() => serial.write(`${aWaybill(next++)}\r\n`), 10);
  return () => {
    clearInterval(timer);
    return next;
  };
}

const noticed: Record<"idle" | "load", number[]> = { idle: [], load: [] };
const delivered: number[] = [];
afterAll(() => {
  const worst = (all: readonly number[]): string => seconds(Math.max(...all));
  figure("G11", "idle", `idle, keepalive 5 s: ${noticed.idle.length} faults noticed within ${worst(noticed.idle)}`);
  figure("G11", "load", `under load: ${noticed.load.length} faults noticed within ${worst(noticed.load)}`);
  const sum = delivered.reduce((total, one) => total + one, 0);
  figure("G3", "network", `${delivered.length} network faults, all of ${count(sum)} events delivered afterwards`);
});

/** Strikes, waits until the daemon says that the broker is down, heals, and waits until everything is there. */
async function strike(rig: Rig, kind: "idle" | "load", withinMs: number): Promise<void> {
  const { peer, serial, daemon, site } = rig;
  const parcels = startParcels(serial, 0);
  await vi.waitFor(() => expect(peer.codes().size).toBeGreaterThan(30), 20_000);
  let next = kind === "idle" ? parcels() : 0;
  if (kind === "idle") await vi.waitFor(() => expect(peer.codes().size).toBe(next), 20_000);
  const struckAt = performance.now();
  peer.strike();
  await vi.waitFor(() => expect(daemon.output.stdout).toContain('"broker/down"'), { timeout: 40_000, interval: 50 });
  const tookMs = performance.now() - struckAt;
  expect(tookMs).toBeLessThan(withinMs);
  noticed[kind].push(tookMs);
  expect((await askStatus(site)).brokers[0]?.state).not.toBe("up");
  if (kind === "load") next = parcels();
  else {
    serial.write(`${aWaybill(next)}\r\n`);
    next += 1;
  }
  peer.heal();
  await vi.waitFor(() => expect(peer.codes().size).toBe(next), 90_000);
  delivered.push(next);
}

describe.concurrent("G11 a peer that is dead", () => {
  for (const [name, fault] of Object.entries(faults)) {
    it(`G11 a broker ${name} is noticed within 1.5 keepalives, and nothing is lost`, async ({ onTestFinished }) => {
      // Two seconds of grace for the looking of this test, beside seven others.
      await strike(await openRig(fault, 5, deferTo(onTestFinished)), "idle", 7_500 + 2_000);
    });
    it(`G11 a broker ${name} is noticed within 10 s under load, and nothing is lost`, async ({ onTestFinished }) => {
      // One second of grace for the looking of this test.
      await strike(await openRig(fault, 60, deferTo(onTestFinished)), "load", 10_000 + 1_000);
    });
  }

  it("G11 a broker to which nothing gets through is not noticed without keepalive", async ({ onTestFinished }) => {
    const defer = deferTo(onTestFinished);
    const trusting = breakProgram({
      file: "src/forward/mqtt-link.js",
      from: "keepalive: settings.keepalive_s",
      to: "keepalive: 0",
    });
    defer(() => trusting.remove());
    const rig = await openRig(faults["to which nothing gets through"]!, 5, defer, trusting.main);
    rig.peer.strike();
    const struckAt = performance.now();
    await vi.waitFor(() => expect(performance.now() - struckAt).toBeGreaterThan(11_000), { timeout: 14_000 });
    expect(rig.daemon.output.stdout).not.toContain('"broker/down"');
  });
});
