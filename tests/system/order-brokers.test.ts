import { pbkdf2Sync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import mqtt from "mqtt";
import { afterEach, describe, expect, it, vi } from "vitest";
import { limits } from "../../src/model/limits.ts";
import { anOrder, anOrderedSite, orderTopic, publishOrder, signOrder } from "../fakes/centre.ts";
import {
  askStatus,
  aWaybill,
  type Daemon,
  framed,
  logLines,
  openSubscriber,
  openTcpScanner,
  startDaemon,
} from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** What the log says of orders that do not come by the broker. */
const complaints = (daemon: Daemon): string[] =>
  logLines(daemon)
    .filter(({ name, kind }) => name === "broker/refused" && kind === "order")
    .map(({ msg }) => msg);

/** A client of mosquitto's security plugin. */
function aClient(username: string, rolename: string): object {
  const salt = Buffer.alloc(12, 7);
  const password = pbkdf2Sync("secret", salt, 101, 64, "sha512").toString("base64");
  return { username, password, salt: salt.toString("base64"), iterations: 101, roles: [{ rolename }] };
}

const allow = (acltype: string): object => ({ acltype, topic: "#", allow: true });

/** Who may subscribe to what: mosquitto's `acl_file` refuses no subscription, but this plugin does. */
const security = {
  defaultACLAccess: { publishClientSend: true, publishClientReceive: true, subscribe: false, unsubscribe: true },
  clients: [aClient("gateway", "sender"), aClient("auditor", "listener")],
  groups: [],
  roles: [
    { rolename: "sender", acls: [] },
    { rolename: "listener", acls: [allow("subscribePattern"), allow("publishClientReceive")] },
  ],
};

describe("R33 a broker that", () => {
  it("is not named for orders gives none, beside one that is", async () => {
    const [central, other, scanner] = await Promise.all([openMosquitto(), openMosquitto(), openTcpScanner()]);
    const [url, otherUrl] = [central, other].map(({ port }) => `mqtt://127.0.0.1:${port}`) as [string, string];
    const subscriber = await openSubscriber(url);
    const queue = `[[broker]]\nname = "other"\nurl = "${otherUrl}"`;
    const { site, centre } = anOrderedSite(url, scanner.port, { queue });
    const daemon = await startDaemon(site);
    cleanups.push(
      () => site.remove(),
      () => Promise.all([central.stop("SIGKILL"), other.stop("SIGKILL")]),
      () => scanner.close(),
      () => subscriber.close(),
      () => daemon.end("SIGKILL"),
    );
    await vi.waitFor(async () =>
      expect((await askStatus(site)).brokers.map(({ state }) => state)).toEqual(["up", "up"]),
    );
    await publishOrder(otherUrl, await signOrder(centre, anOrder(1, [aWaybill(1)])));
    await publishOrder(url, await signOrder(centre, anOrder(2, [aWaybill(2)])));
    const done = (): unknown[] =>
      logLines(daemon)
        .filter(({ name }) => name.startsWith("order/"))
        .map(({ name, broker, order }) => [name, broker, order]);
    await vi.waitFor(() => expect(done()).not.toEqual([]), 10_000);
    // Whichever came first: order 1 would have been done, or refused as older.
    await publishOrder(url, await signOrder(centre, anOrder(3, [aWaybill(3)])));
    await vi.waitFor(() => expect(done()).toHaveLength(2), 10_000);
    expect(done()).toEqual([2, 3].map((order) => ["order/done", "central", order]));
    const { brokers, orders } = await askStatus(site);
    expect(brokers.map((broker) => broker.orders)).toEqual([{ subscribed: true, problem: "" }, undefined]);
    expect(orders).toEqual({ last: 3, waitingCount: 0, refusedCount: {} });
  });

  it.each([5, 4] as const)(
    "refuses the subscription gets all events, and the log says what to do (MQTT %i)",
    async (protocol) => {
      const dir = mkdtempSync(join(tmpdir(), "sortgate-security-"));
      writeFileSync(join(dir, "security.json"), JSON.stringify(security), { mode: 0o600 });
      const plugin = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so";
      const [broker, scanner] = await Promise.all([
        openMosquitto(["allow_anonymous false", `plugin ${plugin}`, `plugin_opt_config_file ${dir}/security.json`]),
        openTcpScanner(),
      ]);
      const url = `mqtt://127.0.0.1:${broker.port}`;
      const subscriber = await openSubscriber(url.replace("//", "//auditor:secret@"));
      const lines = `protocol = ${protocol}\nusername = "gateway"\npassword_file = "password"`;
      const { site } = anOrderedSite(url, scanner.port, { broker: lines });
      writeFileSync(join(site.dir, "password"), "secret\n");
      const daemon = await startDaemon(site);
      cleanups.push(
        () => rmSync(dir, { recursive: true }),
        () => site.remove(),
        () => broker.stop("SIGKILL"),
        () => scanner.close(),
        () => subscriber.close(),
        () => daemon.end("SIGKILL"),
      );
      await scanner.connected();
      await vi.waitFor(() => expect(complaints(daemon)).toHaveLength(1), 10_000);
      expect(complaints(daemon)).toEqual([
        `No orders come by broker "central": it refuses the subscription to ${orderTopic} (reason ${protocol === 5 ? 135 : 128}). ` +
          `Events go on. Try: let the user of this gateway subscribe to ${orderTopic} in the broker's access rules (ACL)`,
      ]);
      scanner.send(framed(aWaybill(1)));
      await vi.waitFor(() => expect(subscriber.codes()).toEqual([aWaybill(1)]), 10_000);
      const hint = `let the user of this gateway subscribe to ${orderTopic} in the broker's access rules (ACL)`;
      expect((await askStatus(site)).brokers[0]).toMatchObject({
        state: "up",
        problem: "",
        orders: { subscribed: false, problem: expect.stringMatching(/^no orders come by it: it refuses/), hint },
      });
    },
  );

  it("holds megabytes under the topic of orders costs one connection; the next ones go without, and events go on", async () => {
    const [broker, scanner] = await Promise.all([openMosquitto(), openTcpScanner()]);
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const subscriber = await openSubscriber(url);
    // MQTT 3.1.1 has no way to say how long a packet may be.
    const { site, centre } = anOrderedSite(url, scanner.port, { broker: "protocol = 4" });
    const daemon = await startDaemon(site);
    cleanups.push(
      () => site.remove(),
      () => broker.stop("SIGKILL"),
      () => scanner.close(),
      () => subscriber.close(),
      () => daemon.end("SIGKILL"),
    );
    await scanner.connected();
    scanner.send(framed(aWaybill(1)));
    await vi.waitFor(() => expect(subscriber.codes()).toEqual([aWaybill(1)]), 10_000);
    await publishOrder(url, Buffer.alloc(8 * limits.inboundBytesMax, "a"));
    await vi.waitFor(() => expect(complaints(daemon)).toHaveLength(1), 10_000);
    expect(complaints(daemon)[0]).toMatch(
      /^No orders come by broker "central": more came under .* than may\. Events go on\. Try: /,
    );
    scanner.send(framed(aWaybill(2)));
    await vi.waitFor(() => expect(subscriber.codes()).toEqual([1, 2].map(aWaybill)), 20_000);
    const ups = (): number => logLines(daemon).filter(({ name }) => name === "broker/up").length;
    expect(ups()).toBe(2);
    // It is not asked again for a while: an order that comes now is not taken, and breaks nothing.
    await publishOrder(url, await signOrder(centre, anOrder(1, [aWaybill(1)])));
    scanner.send(framed(aWaybill(3)));
    await vi.waitFor(() => expect(subscriber.codes()).toEqual([1, 2, 3].map(aWaybill)), 10_000);
    expect([ups(), complaints(daemon).length]).toEqual([2, 1]);
  });

  it("floods the topic of orders with forged ones fills neither chain nor log, and the centre's own is carried out behind them", async () => {
    const [broker, scanner] = await Promise.all([openMosquitto(), openTcpScanner()]);
    const url = `mqtt://127.0.0.1:${broker.port}`;
    const subscriber = await openSubscriber(url);
    const { site, centre } = anOrderedSite(url, scanner.port);
    const daemon = await startDaemon(site);
    const flood = await mqtt.connectAsync(url);
    cleanups.push(
      () => site.remove(),
      () => broker.stop("SIGKILL"),
      () => scanner.close(),
      () => subscriber.close(),
      () => flood.endAsync(true),
      () => daemon.end("SIGKILL"),
    );
    await scanner.connected();
    scanner.send(framed(aWaybill(1)));
    await vi.waitFor(() => expect(subscriber.codes()).toEqual([aWaybill(1)]), 10_000);
    const unsigned = Array.from({ length: 300 }, (_, index) => `eyJhbGciOiJub25lIn0.${index}.AA`);
    const header = Buffer.from('{"alg":"Ed25519","typ":"sortgate-order+jws"}').toString("base64url");
    const forged = Array.from(
      { length: 600 },
      (_, index) => `${header}.e30.${"A".repeat(4 * (1 + (index % 20)))}${1_000 + index}`,
    );
    for (const message of [...unsigned, ...forged]) await flood.publishAsync(orderTopic, message, { qos: 1 });
    await publishOrder(url, await signOrder(centre, anOrder(1, [aWaybill(1)])));
    const told = (mark: string): number => subscriber.messages.filter(({ text }) => text.includes(mark)).length;
    await vi.waitFor(() => expect(told('"action":"order-done"')).toBe(1), 10_000);
    expect(told('"alarm":"order-refused"')).toBe(10);
    expect(logLines(daemon).filter(({ name }) => name === "order/refused")).toHaveLength(10);
    expect(logLines(daemon).filter(({ name }) => name === "broker/up")).toHaveLength(1);
  });
});
