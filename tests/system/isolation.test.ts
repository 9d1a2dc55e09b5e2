import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createRandom } from "../../simulator/belt/random.ts";
import {
  askStatus,
  aWaybill,
  makeSite,
  openSubscriber,
  openTcpScanner,
  runCommand,
  startBelt,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";
import { aWire } from "../fakes/opcua.ts";
import { openSerialLine } from "../fakes/serial-line.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const listenerSource = `
const server = require("node:net").createServer();
server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => console.log(server.address().port));
`;

/** A port at which nobody answers at all: its program is stopped and its queue of calls is full. */
async function openMutePort(): Promise<number> {
  const listener = spawn(process.execPath, ["-e", listenerSource], { stdio: ["ignore", "pipe", "ignore"] });
  const gone = once(listener, "exit");
  const [text] = (await once(listener.stdout, "data")) as [Buffer];
  const port = Number(text.toString());
  listener.kill("SIGSTOP");
  // Some of these fill the queue, and the rest wait as everybody will who calls from now on.
  const calls = Array.from({ length: 4 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  cleanups.push(async () => {
    for (const call of calls) call.destroy();
    listener.kill("SIGKILL");
    await gone;
  });
  return port;
}

const device = (name: string, more: string): string => `
[[device]]
name = "${name}"
read_point = "tunnel-1"
${more}
`;

async function openRig() {
  const broker = await openMosquitto(["allow_anonymous true", "max_queued_messages 0"]);
  cleanups.push(() => broker.stop("SIGKILL"));
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  cleanups.push(() => subscriber.close());
  const good = await openTcpScanner();
  const garbled = await openTcpScanner();
  const serial = await openSerialLine();
  const silent = await aWire();
  cleanups.push(
    () => good.close(),
    () => garbled.close(),
    () => serial.close(),
    () => silent.close(),
  );
  const mutePort = await openMutePort();
  const tcp = (port: number, profile: string): string =>
    `driver = "tcp"\nhost = "127.0.0.1"\nport = ${port}\nprofile = "${profile}"`;
  const site = makeSite({
    brokerUrl: url,
    rest: [
      '[[read_point]]\nname = "tunnel-1"\n[guard]\ncarriers = ["sf"]',
      device("good", tcp(good.port, "stx-etx-barcode")),
      device("garbled", tcp(garbled.port, "line-barcode")),
      device("mute", tcp(mutePort, "stx-etx-barcode")),
      device("unplugged", `driver = "serial"\npath = "${serial.path}"\nprofile = "line-barcode"`),
      device("silent", `driver = "opcua"\nendpoint = "${silent.endpoint}"\nsecurity = "none"`),
    ].join("\n"),
  });
  cleanups.push(() => site.remove());
  const daemon = await startDaemon(site);
  cleanups.push(() => daemon.end("SIGKILL"));
  await Promise.all([good.connected(), garbled.connected()]);
  return { site, daemon, subscriber, good, garbled, serial };
}

const parcelCount = 300;

describe("beside devices that hang up, flood, never answer and say nothing", () => {
  it("all parcels of a good scanner arrive, each once, and status names every bad device", async () => {
    const { site, daemon, subscriber, good, garbled, serial } = await openRig();
    const belt = startBelt(good, 20);
    cleanups.push(() => belt.stop());
    const stateOf = async (name: string) => (await askStatus(site)).devices.find((one) => one.name === name);
    const reads = (number: number): Promise<void> =>
      vi.waitFor(() => expect(subscriber.codes()).toContain(aWaybill(number)), 15_000);

    const random = createRandom(20_261_123);
    const garbage = Uint8Array.from({ length: 65_536 }, () => random.between(0, 255));
    const flooding = garbled.flood(garbage, 20_000_000);

    // What is written before the port is open is nobody's.
    await vi.waitFor(async () => expect(await stateOf("unplugged")).toMatchObject({ state: "up" }), 10_000);
    serial.write(`${aWaybill(900_000)}\r\n`);
    await reads(900_000);
    await serial.unplug();
    await vi.waitFor(async () => expect(await stateOf("unplugged")).toMatchObject({ state: "down" }), 5_000);
    const told = await stateOf("unplugged");
    expect(told?.problem).toContain(serial.path);
    await serial.replug();
    await vi.waitFor(async () => expect(await stateOf("unplugged")).toMatchObject({ state: "up" }), 10_000);
    serial.write(`${aWaybill(900_001)}\r\n`);
    await reads(900_001);

    await Promise.all([flooding, belt.passed(parcelCount)]);
    const flooded = await stateOf("garbled");
    expect(flooded).toMatchObject({ state: "up" });
    expect(flooded?.malformedCount).toBeGreaterThan(10_000);
    const expected = Array.from({ length: parcelCount }, (_, number) => aWaybill(number));
    await vi.waitFor(() => expect(subscriber.codes()).toEqual(expect.arrayContaining(expected)), 20_000);
    const arrived = subscriber.codes().filter((code) => code !== "");
    expect(arrived).toHaveLength(parcelCount + 2);
    expect(new Set(arrived).size).toBe(parcelCount + 2);

    const problems: Record<string, RegExp> = {
      mute: /does not answer at port/,
      silent: /Something listens at .* but it does not answer|does not answer/,
    };
    for (const [name, sentence] of Object.entries(problems))
      await vi.waitFor(
        async () =>
          expect(await stateOf(name)).toMatchObject({ state: "down", problem: expect.stringMatching(sentence) }),
        20_000,
      );
    const { stdout, code } = await runCommand(["status", "--config", site.configPath]);
    expect(code).toBe(1);
    for (const name of Object.keys(problems)) expect(stdout).toMatch(new RegExp(`^${name}: .+`, "m"));
    expect(stdout).not.toMatch(/^good: /m);
    expect(daemon.process.exitCode).toBeNull();
    expect(await daemon.end()).toBe(0);
  }, 90_000);
});
