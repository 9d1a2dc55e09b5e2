import { afterEach, describe, expect, it, vi } from "vitest";
import { latin1 } from "../../src/lib/bytes.ts";
import {
  askStatus,
  aWaybill,
  framed,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  startDaemon,
} from "../fakes/gateway.ts";
import { isReadable } from "../fakes/labels.ts";
import { freePort, openMosquitto } from "../fakes/mosquitto.ts";
import { hostileBytes } from "../guard/hostile.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const handful = 5;
const answerMsMax = 2_000;

async function aRig(core: "drop" | "mask") {
  const [broker, scanner, httpPort] = await Promise.all([
    openMosquitto(["allow_anonymous true", "max_queued_messages 0"]),
    openTcpScanner(),
    freePort(),
  ]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  const rest = oneScanner(scanner.port)
    .replace('name = "tunnel-1"', 'name = "tunnel-1"\ndepart_ms = 50')
    .replace("[guard]", `[guard]\ncore = "${core}"`);
  const site = makeSite({ brokerUrl: url, control: `http = "127.0.0.1:${httpPort}"`, rest });
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
    () => scanner.close(),
  );
  const daemon = await startDaemon(site);
  cleanups.push(() => daemon.end("SIGKILL"));
  await scanner.connected();
  const health = (): Promise<number | string> =>
    fetch(`http://127.0.0.1:${httpPort}/healthz`, { signal: AbortSignal.timeout(answerMsMax) }).then(
      ({ status }) => status,
      () => "no answer",
    );
  return { daemon, site, scanner, subscriber, health };
}

describe("R28 hostile codes, on the built product", () => {
  it.each(["drop", "mask"] as const)(
    "R28 hold up no waybill behind them, nor the answer to /healthz, and leave as tokens or not at all (%s)",
    async (core) => {
      const { daemon, site, scanner, subscriber, health } = await aRig(core);
      const codes = hostileBytes.map(([name, bytes]) => ({ name, symbology: "]Q1", bytes: Buffer.from(bytes) }));
      for (let at = 0; at < codes.length; at += handful) {
        for (const { bytes } of codes.slice(at, at + handful)) scanner.send(framed(`]Q1${latin1(bytes)}`));
        scanner.send(framed(aWaybill(at)));
        const asked: Promise<number | string>[] = [];
        await vi.waitFor(() => {
          asked.push(health());
          expect(subscriber.codes()).toContain(aWaybill(at));
        }, 10_000);
        expect(new Set(await Promise.all(asked))).toEqual(new Set([200]));
      }
      // Line breaks before ETX belong to the scanner.
      const whole = codes.map((code) => ({
        ...code,
        bytes: Buffer.from(latin1(code.bytes).replace(/[\r\n]+$/, ""), "latin1"),
      }));
      const readable = whole.filter((code) => isReadable({ ...code, expect: { codeClass: "" }, secrets: [] }, false));
      expect(readable.length).toBeGreaterThan(20);
      const tokens = subscriber.messages
        .filter(({ topic }) => topic.endsWith("/read/tunnel-1"))
        .map(({ text }) => (JSON.parse(text) as { data: { code?: string; token?: string; length: number } }).data)
        .filter(({ code }) => code === undefined);
      expect(tokens.map(({ length }) => length)).toEqual(readable.map(({ bytes }) => bytes.length));
      for (const { token } of tokens) expect(token).toMatch(/^t1\.[\w-]{8}\.[\w-]{22}$/);
      const device = (await askStatus(site)).devices[0]!;
      expect(device.malformedCount).toBe(codes.length - readable.length);
      expect(daemon.process.exitCode).toBeNull();
      expect(daemon.output.stderr).toBe("");
      const said = daemon.output.stdout + subscriber.messages.map(({ text }) => text).join("");
      for (const sign of ["\0", "\x07", "\x1b", "DROP TABLE", "__proto__", "13800138000", "市"])
        expect(said.includes(sign), JSON.stringify(sign)).toBe(false);
    },
  );
});
