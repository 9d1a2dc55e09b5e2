import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createSecretSearch } from "../fakes/canary.ts";
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
import { freePort, makeCertificates, openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A partner's broker that wants a certificate of whoever calls it, and beside it a door for its own subscriber. */
async function openPartner({ ca, server }: ReturnType<typeof makeCertificates>) {
  const inside = await freePort();
  const broker = await openMosquitto([
    "allow_anonymous true",
    "max_queued_messages 0",
    `cafile ${ca}`,
    `certfile ${server.cert}`,
    `keyfile ${server.key}`,
    "require_certificate true",
    `listener ${inside} 127.0.0.1`,
  ]);
  const subscriber = await openSubscriber(`mqtt://127.0.0.1:${inside}`);
  cleanups.push(
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
  );
  return { subscriber, url: `mqtts://127.0.0.1:${broker.port}` };
}

describe("R24 a view for a partner whose broker is reached by TLS", () => {
  it("R24 comes with a certificate of the gateway's own; without one nothing comes, the centre has all, and what waited follows", async () => {
    const certificates = makeCertificates();
    cleanups.push(() => rmSync(certificates.dir, { recursive: true, force: true }));
    const [partner, centre, scanner] = await Promise.all([
      openPartner(certificates),
      openMosquitto(),
      openTcpScanner(),
    ]);
    const url = `mqtt://127.0.0.1:${centre.port}`;
    const whole = await openSubscriber(url);
    const { ca, client } = certificates;
    const own = `cert_file = "${client.cert}"\nkey_file = "${client.key}"\n`;
    const broker = `[[broker]]\nname = "partner"\nurl = "${partner.url}"\nca_file = "${ca}"\n[broker.view]\n`;
    const site = makeSite({ brokerUrl: url, broker, rest: oneScanner(scanner.port) });
    cleanups.push(
      () => site.remove(),
      () => centre.stop("SIGKILL"),
      () => scanner.close(),
      () => whole.close(),
    );
    const first = await startDaemon(site);
    cleanups.push(() => first.end("SIGKILL"));
    await scanner.connected();
    for (const parcel of [0, 1]) scanner.send(framed(aWaybill(parcel)));
    await vi.waitFor(() => expect(whole.codes()).toHaveLength(2), 20_000);
    await vi.waitFor(async () => {
      const state = (await askStatus(site)).brokers.find(({ name }) => name === "partner");
      expect(state).toMatchObject({ state: "down", problem: expect.stringMatching(/TLS|certificate|closed/) });
      expect(state!.queuedCount).toBeGreaterThanOrEqual(2);
    }, 20_000);
    expect(partner.subscriber.messages).toEqual([]);
    expect(await first.end("SIGTERM")).toBe(0);

    site.configure(readFileSync(site.configPath, "utf8").replace("[broker.view]", `${own}[broker.view]`));
    const second = await startDaemon(site);
    cleanups.push(() => second.end("SIGKILL"));
    await scanner.connected();
    scanner.send(framed(aWaybill(2)));
    await vi.waitFor(() => expect(whole.codes()).toHaveLength(3), 20_000);
    await vi.waitFor(
      () => expect([...partner.subscriber.sequences()].sort()).toEqual([...whole.sequences()].sort()),
      20_000,
    );
    const { verdict, chains } = partner.subscriber.verdict(join(site.dataDir, "identity", "device.crt"));
    expect([verdict, chains[0]?.trust, chains[0]?.viewCount]).toEqual([
      "whole",
      "authentic",
      chains[0]!.eventCount - 2,
    ]);
    const search = createSecretSearch([0, 1, 2].map(aWaybill));
    for (const { topic, text } of partner.subscriber.messages) expect(search.in(Buffer.from(text)), topic).toEqual([]);
  }, 90_000);
});
