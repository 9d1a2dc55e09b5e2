import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { createConnection, createServer as createTcpServer, type Server } from "node:net";
import { join } from "node:path";
import { Aedes } from "aedes";
import mqtt from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Backlog, Forwarder } from "../../src/forward/index.ts";
import type { BrokerSettings } from "../../src/forward/settings.ts";
import type { SealedEvent } from "../../src/model/event.ts";
import type { Notice } from "../../src/model/notice.ts";
import { createBacklog } from "../fakes/backlog.ts";
import { aForwarder } from "../fakes/forwarder.ts";
import { type Certificates, freePort, makeCertificates, openMosquitto } from "../fakes/mosquitto.ts";

let certificates: Certificates;
beforeAll(() => {
  certificates = makeCertificates();
});
afterAll(() => rmSync(certificates.dir, { recursive: true, force: true }));

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function anEvent(sequence: number, size = 20): SealedEvent {
  return { sequence, kind: "read", subject: "tunnel-1", bytes: Buffer.alloc(size, `${sequence} `) };
}

interface Rig {
  readonly forwarder: Forwarder;
  readonly notices: Notice[];
}

function startRig(settings: Partial<BrokerSettings> & { url: string }, backlog: Backlog): Rig {
  const notices: Notice[] = [];
  const forwarder = aForwarder({ settings, backlog, tell: (notice) => notices.push(notice) });
  cleanups.push(() => forwarder.close(500));
  return { forwarder, notices };
}

const isUp = (rig: Rig): Promise<void> => vi.waitFor(() => expect(rig.forwarder.state().state).toBe("up"), 15_000);

async function openSubscriber(port: number, topic = "sortgate/#"): Promise<mqtt.IPublishPacket[]> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 });
  cleanups.push(() => client.endAsync(true));
  const packets: mqtt.IPublishPacket[] = [];
  client.on("message", (_topic, _payload, packet) => packets.push(packet));
  await client.subscribeAsync(topic, { qos: 1 });
  return packets;
}

async function mosquitto(...args: Parameters<typeof openMosquitto>): ReturnType<typeof openMosquitto> {
  const broker = await openMosquitto(...args);
  cleanups.push(() => broker.stop("SIGKILL"));
  return broker;
}

describe("a forwarder to mosquitto", () => {
  it("publishes the exact bytes with topic, content type and properties, and says that it is there", async () => {
    const broker = await mosquitto();
    const packets = await openSubscriber(broker.port);
    const events = [anEvent(1), { ...anEvent(2), kind: "checkpoint" as const, subject: undefined }];
    const backlog = createBacklog(events);
    const rig = startRig({ url: `mqtt://127.0.0.1:${broker.port}` }, backlog);
    await vi.waitFor(() => expect(packets).toHaveLength(3), 10_000);
    const [status, read, checkpoint] = packets;
    expect(status).toMatchObject({ topic: "sortgate/HZ01/line-3/status", qos: 1 });
    expect(JSON.parse(status!.payload.toString())).toMatchObject({ online: true, gateway: "line-3" });
    expect(read).toMatchObject({
      topic: "sortgate/HZ01/line-3/read/tunnel-1",
      qos: 1,
      retain: false,
      properties: {
        contentType: "application/cloudevents+json",
        userProperties: { id: "line-3/6f1c2a9be04d/1", sequence: "1" },
      },
    });
    expect(Buffer.from(read!.payload).equals(Buffer.from(events[0]!.bytes))).toBe(true);
    expect(checkpoint!.topic).toBe("sortgate/HZ01/line-3/log/checkpoint");
    await vi.waitFor(() => expect([...backlog.settled]).toEqual([1, 2]));
    expect(rig.forwarder.state()).toMatchObject({ state: "up", protocol: 5, acknowledgedCount: 2, inFlightCount: 0 });
  });

  it("never has more in flight than its window", async () => {
    const broker = await mosquitto();
    const backlog = createBacklog(Array.from({ length: 500 }, (_, index) => anEvent(index + 1)));
    startRig({ url: `mqtt://127.0.0.1:${broker.port}`, in_flight_max: 7 }, backlog);
    await vi.waitFor(() => expect(backlog.settled.size).toBe(500), 20_000);
    expect(backlog.mostOut).toBeLessThanOrEqual(7);
  });

  it("delivers everything when the broker is killed and comes back", async () => {
    const first = await openMosquitto();
    const backlog = createBacklog([anEvent(1)]);
    const rig = startRig({ url: `mqtt://127.0.0.1:${first.port}` }, backlog);
    await vi.waitFor(() => expect(backlog.settled.has(1)).toBe(true), 10_000);
    await first.stop("SIGKILL");
    await vi.waitFor(() => expect(rig.forwarder.state().state).toBe("down"), 10_000);
    backlog.add(anEvent(2));
    const second = await mosquitto(undefined, first.port);
    const packets = await openSubscriber(second.port, "sortgate/+/+/read/#");
    await vi.waitFor(() => expect(packets).toHaveLength(1), 15_000);
    expect(packets[0]!.properties?.userProperties).toMatchObject({ sequence: "2" });
  });

  it("tells every subscriber when it is gone without a word", async () => {
    const broker = await mosquitto();
    const proxy = createTcpServer((socket) => {
      const onward = createConnection(broker.port, "127.0.0.1");
      socket.pipe(onward).pipe(socket);
      socket.on("error", () => {});
      cleanups.push(() => socket.destroy());
      cut = () => {
        onward.destroy();
        socket.destroy();
      };
    });
    let cut = (): void => {};
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    cleanups.push(() => proxy.close());
    const packets = await openSubscriber(broker.port, "sortgate/+/+/status");
    const rig = startRig({ url: `mqtt://127.0.0.1:${portOf(proxy)}` }, createBacklog([]));
    await isUp(rig);
    await vi.waitFor(() => expect(packets).toHaveLength(1));
    cut();
    await vi.waitFor(() => expect(packets.length).toBeGreaterThan(1), 10_000);
    expect(JSON.parse(packets[1]!.payload.toString())).toMatchObject({ online: false });
  });

  it("says offline once when it is closed", async () => {
    const broker = await mosquitto();
    const packets = await openSubscriber(broker.port, "sortgate/+/+/status");
    const rig = startRig({ url: `mqtt://127.0.0.1:${broker.port}` }, createBacklog([]));
    await isUp(rig);
    await rig.forwarder.close(2_000);
    // A message that comes after shows that no will stands between.
    const other = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`);
    await other.publishAsync("sortgate/HZ01/line-4/status", "{}", { qos: 1 });
    await other.endAsync();
    await vi.waitFor(() => expect(packets.at(-1)?.topic).toContain("line-4"));
    expect(packets.map((packet) => JSON.parse(packet.payload.toString()).online)).toEqual([true, false, undefined]);
  });
});

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

describe("a forwarder to a broker without MQTT 5", () => {
  it("falls back to MQTT 3.1.1 and says so", async () => {
    const aedes = await Aedes.createBroker();
    const server = createTcpServer(aedes.handle).listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => new Promise<void>((resolve) => aedes.close(() => server.close(() => resolve()))));
    const backlog = createBacklog([anEvent(1)]);
    const rig = startRig({ url: `mqtt://127.0.0.1:${portOf(server)}` }, backlog);
    await vi.waitFor(() => expect(backlog.settled.has(1)).toBe(true), 15_000);
    expect(rig.forwarder.state()).toMatchObject({ state: "up", protocol: 4 });
    expect(rig.notices.map((notice) => notice.name)).toContain("broker/warning");
  });

  it("makes a new connection when a broker is connected but acknowledges nothing", async () => {
    const aedes = await Aedes.createBroker();
    let isSilent = true;
    aedes.authorizePublish = (_client, packet, done) => {
      if (!isSilent || packet.topic.endsWith("/status")) done(null);
    };
    const server = createTcpServer(aedes.handle).listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => new Promise<void>((resolve) => aedes.close(() => server.close(() => resolve()))));
    const backlog = createBacklog([anEvent(1)]);
    const rig = startRig({ url: `mqtt://127.0.0.1:${portOf(server)}`, protocol: 4 }, backlog);
    // Asked of the notices: the state is "up" again as soon as the next connection is.
    await vi.waitFor(() => {
      const told = rig.notices.filter(({ name }) => name === "broker/down").map(({ message }) => message);
      expect(told).toContainEqual(expect.stringContaining("acknowledges nothing"));
    }, 15_000);
    isSilent = false;
    await vi.waitFor(() => expect(backlog.settled.has(1)).toBe(true), 10_000);
  });
});

/** The first problem that a forwarder with these settings reports. */
async function problemWith(settings: Partial<BrokerSettings> & { url: string }): Promise<Notice> {
  const rig = startRig(settings, createBacklog([]));
  return vi.waitFor(() => {
    const notice = rig.notices.find(({ name }) => name === "broker/down");
    expect(notice).toBeDefined();
    return notice!;
  }, 20_000);
}

describe("a broker over TLS", () => {
  const lines = (server: { cert: string; key: string }, more: string[] = []): string[] => [
    "allow_anonymous true",
    `certfile ${server.cert}`,
    `keyfile ${server.key}`,
    ...more,
  ];
  const url = (port: number): string => `mqtts://127.0.0.1:${port}`;

  it("that the CA vouches for is used", async () => {
    const broker = await mosquitto(lines(certificates.server));
    const backlog = createBacklog([anEvent(1)]);
    startRig({ url: url(broker.port), ca_file: certificates.ca }, backlog);
    await vi.waitFor(() => expect(backlog.settled.has(1)).toBe(true), 10_000);
  });

  it("that asks for a certificate gets ours, and refuses without it with a sentence that says so", async () => {
    const broker = await mosquitto(
      lines(certificates.server, [`cafile ${certificates.ca}`, "require_certificate true"]),
    );
    const ca_file = certificates.ca;
    const { cert: cert_file, key: key_file } = certificates.client;
    const backlog = createBacklog([anEvent(1)]);
    startRig({ url: url(broker.port), ca_file, cert_file, key_file }, backlog);
    await vi.waitFor(() => expect(backlog.settled.has(1)).toBe(true), 10_000);
    const refused = await problemWith({ url: url(broker.port), ca_file });
    expect(refused.message).toMatch(/TLS handshake|closed the connection/);
  });

  it("that another CA vouches for is not used", async () => {
    const broker = await mosquitto(lines(certificates.server));
    const { fields, message } = await problemWith({ url: url(broker.port), ca_file: certificates.otherCa });
    expect(fields?.code).toBe("broker/tls");
    expect(message).toContain("ca_file");
  });

  it("whose certificate has expired is not used, and the clock is named", async () => {
    const broker = await mosquitto(lines(certificates.expired));
    const { fields, message } = await problemWith({ url: url(broker.port), ca_file: certificates.ca });
    expect(fields?.code).toBe("broker/tls");
    expect(message).toMatch(/expired.*clock/);
  });

  it("is used as soon as the CA file is put right, without a restart", async () => {
    const broker = await mosquitto(lines(certificates.server));
    const ca_file = join(certificates.dir, "replaced.pem");
    copyFileSync(certificates.otherCa, ca_file);
    const rig = startRig({ url: url(broker.port), ca_file }, createBacklog([]));
    await vi.waitFor(() => expect(rig.forwarder.state().state).toBe("down"), 10_000);
    copyFileSync(certificates.ca, ca_file);
    await isUp(rig);
  });

  it("that speaks no TLS on this port is told from one with a wrong certificate", async () => {
    const broker = await mosquitto();
    const { message } = await problemWith({ url: url(broker.port), ca_file: certificates.ca });
    expect(message).toMatch(/TLS|closed/);
    expect(message).toMatch(/Try: .*port of url.* mqtt:\/\//);
  });

  it("on a port that is called without TLS is told as what it may be", async () => {
    const broker = await mosquitto(lines(certificates.server));
    const { message } = await problemWith({ url: `mqtt://127.0.0.1:${broker.port}` });
    expect(message).toMatch(/closed the connection.*Try: .*mqtts:\/\/.*ca_file/);
  });

  it("is not asked when a file of ours cannot be read", async () => {
    const { message } = await problemWith({ url: url(1), ca_file: join(certificates.dir, "none.pem") });
    expect(message).toContain("none.pem");
  });

  it("is not asked without its password, which is told as what check names, and not as a certificate", async () => {
    const password_file = join(certificates.dir, "no-password");
    const { fields, message } = await problemWith({ url: url(1), username: "sortgate", password_file });
    expect(fields?.code).toBe("config/invalid");
    expect(message).toContain(`cannot read password_file ${password_file} (ENOENT)`);
  });
});

describe("a broker that cannot be used", () => {
  it("because of a wrong password is told apart, with the keys to check", async () => {
    const passwords = join(certificates.dir, "passwords");
    writeFileSync(passwords, "");
    const broker = await mosquitto(["allow_anonymous false", `password_file ${passwords}`]);
    const password_file = join(certificates.dir, "password");
    writeFileSync(password_file, "wrong\n");
    const { fields, message } = await problemWith({
      url: `mqtt://127.0.0.1:${broker.port}`,
      username: "sortgate",
      password_file,
    });
    expect(fields?.code).toBe("broker/refused");
    expect(message).toContain("password_file");
    expect(message).not.toContain("wrong");
  });

  it("is used with a password that an editor wrote behind a byte order mark", async () => {
    const passwords = join(certificates.dir, "right-passwords");
    execFileSync("mosquitto_passwd", ["-b", "-c", passwords, "sortgate", "right"], { stdio: "pipe" });
    const broker = await mosquitto(["allow_anonymous false", `password_file ${passwords}`]);
    const password_file = join(certificates.dir, "marked-password");
    writeFileSync(password_file, "\uFEFFright\r\n");
    await isUp(
      startRig({ url: `mqtt://127.0.0.1:${broker.port}`, username: "sortgate", password_file }, createBacklog([])),
    );
  });

  it("because nobody listens is told with its address", async () => {
    const port = await freePort();
    const { fields, message } = await problemWith({ url: `mqtt://127.0.0.1:${port}` });
    expect(fields?.code).toBe("broker/unreachable");
    expect(message).toContain(String(port));
  });

  it("because it accepts and says nothing is given up after the connect deadline", async () => {
    const server = createTcpServer(() => {}).listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => server.close());
    const { message } = await problemWith({ url: `mqtt://127.0.0.1:${portOf(server)}` });
    expect(message).toContain("does not answer");
  });

  it("never keeps a stop waiting", async () => {
    const server = createTcpServer(() => {}).listen(0, "127.0.0.1");
    await once(server, "listening");
    cleanups.push(() => server.close());
    const rig = startRig({ url: `mqtt://127.0.0.1:${portOf(server)}` }, createBacklog([anEvent(1)]));
    await once(server, "connection");
    await rig.forwarder.close(500);
    expect(rig.forwarder.state().state).not.toBe("up");
  });
});

describe("an event that is larger than the broker's packets", () => {
  it("is told and does not hold up the others", async () => {
    const broker = await mosquitto(["allow_anonymous true", "max_packet_size 3000"]);
    const packets = await openSubscriber(broker.port, "sortgate/+/+/read/#");
    const backlog = createBacklog([anEvent(1), anEvent(2, 4_000), anEvent(3)]);
    const rig = startRig({ url: `mqtt://127.0.0.1:${broker.port}` }, backlog);
    await vi.waitFor(() => expect(backlog.settled.size).toBe(3), 10_000);
    await vi.waitFor(() => expect(packets).toHaveLength(2));
    expect(rig.notices.find(({ fields }) => fields?.sequence === 2)?.level).toBe("error");
  });
});
