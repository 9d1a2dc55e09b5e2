import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import {
  framed,
  makeSite,
  oneScanner,
  openSubscriber,
  openTcpScanner,
  runCommand,
  startCommand,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

it("R17 a probe that shows everything needs a reason, and the chain tells who did it and why", async () => {
  const [broker, scanner] = await Promise.all([openMosquitto(), openTcpScanner()]);
  const url = `mqtt://127.0.0.1:${broker.port}`;
  const subscriber = await openSubscriber(url);
  const site = makeSite({ brokerUrl: url, rest: oneScanner(scanner.port) });
  cleanups.push(
    () => site.remove(),
    () => broker.stop("SIGKILL"),
    () => scanner.close(),
    () => subscriber.close(),
  );
  const probe = ["probe", "scanner-1", "--count", "1", "--config", site.configPath, "--raw"];
  const refused = await runCommand(probe);
  expect([refused.code, refused.stdout]).toEqual([2, ""]);
  expect(refused.stderr).toMatch(
    /needs a reason\nTry: sortgate probe scanner-1 --config \S+ --raw --reason TICKET-4711\n/,
  );
  expect((await runCommand([...probe, "--reason", "ask Zhang"])).stderr).toContain("is not the name of a ticket");
  expect(existsSync(site.dataDir)).toBe(false);

  const running = startCommand([...probe, "--reason", "TICKET-4711"]);
  await vi.waitFor(() => expect(running.said.stderr).toContain("is open"), 20_000);
  scanner.send(framed("Zhang Wei 13800138000"));
  const shown = await running.finished;
  expect([shown.code, shown.stdout]).toEqual([0, expect.stringContaining("Zhang Wei")]);

  const daemon = await startDaemon(site);
  cleanups.push(() => daemon.end("SIGKILL"));
  const audits = (): { data: object }[] =>
    subscriber.messages.filter(({ topic }) => topic.endsWith("/log/audit")).map(({ text }) => JSON.parse(text));
  await vi.waitFor(() => expect(audits()).toHaveLength(1), 10_000);
  expect(audits()[0]?.data).toMatchObject({ action: "probe-raw", device: "scanner-1", reason: "TICKET-4711" });
  expect(audits()[0]?.data).toMatchObject({ outcome: "shown", byteCount: framed("Zhang Wei 13800138000").length });
  await vi.waitFor(() => expect(existsSync(join(site.dataDir, "raw-probes.taken.jsonl"))).toBe(false), 10_000);
});

it("R17 a probe for all bytes that reached no device stands in the chain as that, and so does one that heard nothing", async () => {
  const scanner = await openTcpScanner();
  const site = makeSite({ brokerUrl: "mqtt://127.0.0.1:1", rest: oneScanner(scanner.port) });
  cleanups.push(() => site.remove());
  const probe = ["probe", "scanner-1", "--seconds", "1", "--config", site.configPath, "--raw", "--reason", "TICKET-1"];
  expect((await runCommand(probe)).stderr).toContain("nothing was heard");
  await scanner.close();
  expect((await runCommand(probe)).code).toBe(1);

  const daemon = await startDaemon(site);
  cleanups.push(() => daemon.end("SIGKILL"));
  const exported = async (): Promise<object[]> => {
    const { stdout } = await runCommand(["queue", "export", "--config", site.configPath, "--reason", "TICKET-2"]);
    const events = stdout.split("\n").filter((line) => line.startsWith("{"));
    return events.map((line) => JSON.parse(line).data).filter(({ action }) => action === "probe-raw");
  };
  await vi.waitFor(async () => expect(await exported()).toHaveLength(2), 10_000);
  const [silent, unreached] = await exported();
  expect(silent).toMatchObject({ device: "scanner-1", reason: "TICKET-1", outcome: "nothing", byteCount: 0 });
  expect(unreached).toMatchObject({ device: "scanner-1", reason: "TICKET-1", outcome: "not-opened" });
});
