import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { assert } from "../lib/assert.ts";
import { readSmallFile } from "../lib/small-file.ts";
import { SortgateError, systemCode } from "../model/error.ts";
import { limits } from "../model/limits.ts";
import { explainMqtt } from "./explain.ts";
import { createInboundBudget, type InboundBudget } from "./inbound.ts";
import { createPublishWriter } from "./publish-writer.ts";
import type { BrokerSettings } from "./settings.ts";

/** The broker has it; or it refuses it, for this reason (MQTT 5 §3.4.2.1, §3.9.3). */
export type Published = (refusedFor?: number) => void;

/**
 * One connection to one broker; when it ends, a new one is made. MQTT.js connects, keeps alive and reads; what we publish and
 * ask for is written here (see `createPublishWriter`). There is no store and no retry.
 */
export interface MqttLink {
  readonly protocol: 4 | 5;
  /** Publishes that the broker takes at once (MQTT 5 receive maximum). */
  readonly inFlightMax: number;
  /** Bytes of one packet that the broker takes (MQTT 5 maximum packet size). */
  readonly packetBytesMax: number;
  /** Publishes with QoS 1; calls back once with what became of it, or never if the link ends before. */
  publish(message: Message, done: Published): void;
  /**
   * Asks for what comes under one topic, QoS 1. `take` gets the bytes of each message, retained ones too; `answered` is
   * called once, or never if the link ends before.
   */
  subscribe(topic: string, take: (bytes: Uint8Array) => void, answered: Published): void;
  /** Settles exactly once with the reason; never rejects. */
  readonly ended: Promise<SortgateError>;
  /** Breaks the link at once; what was not acknowledged stays so, and the broker publishes the will. */
  end(reason: SortgateError): void;
  /** Says goodbye, so that the broker does not publish the will. Only when nothing is in flight. */
  leave(): Promise<void>;
}

export interface Message {
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly isRetained?: boolean;
  readonly contentType?: string;
  readonly userProperties?: Record<string, string>;
}

export interface LinkOptions {
  readonly settings: BrokerSettings;
  readonly protocol: 4 | 5;
  readonly clientId: string;
  /** What the broker publishes (retained) when the link breaks. */
  readonly will: Message;
  readonly signal: AbortSignal;
}

async function readKeyFile(path: string, key: string, broker: string): Promise<Buffer> {
  return readSmallFile(path).catch((error: unknown) => {
    // A password has nothing to do with certificates: sortgate check names it as a problem of the config.
    const code = key === "password_file" ? "config/invalid" : "broker/tls";
    throw new SortgateError(code, `Broker "${broker}": cannot read ${key} ${path} (${systemCode(error)})`, {
      cause: error,
      hint: `check that it is a file and that the daemon's user may read it: ls -l ${path}`,
    });
  });
}

/** Files are read at each connection, so that renewed certificates are taken without a restart. */
async function clientOptions({ settings, protocol, clientId, will }: LinkOptions): Promise<IClientOptions> {
  const read = async (key: "ca_file" | "cert_file" | "key_file" | "password_file"): Promise<Buffer | undefined> => {
    const path = settings[key];
    return path === undefined ? undefined : readKeyFile(path, key, settings.name);
  };
  const [ca, cert, key, password] = await Promise.all([
    read("ca_file"),
    read("cert_file"),
    read("key_file"),
    read("password_file"),
  ]);
  return {
    manualConnect: true,
    reconnectPeriod: 0,
    clean: true,
    clientId,
    protocolVersion: protocol,
    keepalive: settings.keepalive_s,
    connectTimeout: limits.connectTimeoutMs,
    queueQoSZero: false,
    // Else it keeps a buffer of each number that two bytes hold, 8 MB in all; what we publish does not come by there.
    writeCache: false,
    resubscribe: false,
    rejectUnauthorized: true,
    ...(protocol === 5 ? { properties: { maximumPacketSize: limits.inboundBytesMax } } : {}),
    // Each packet would set the timer of the pings anew; acknowledgements do so once a second, see `overClient`.
    reschedulePings: false,
    // Its own log is never read, and costs as much as a tenth of a publish to prepare.
    log: () => {},
    will: { topic: will.topic, payload: Buffer.from(will.bytes), qos: 1, retain: true },
    ...(settings.username === undefined ? {} : { username: settings.username }),
    ...(password === undefined ? {} : { password: password.toString("utf8").replace(/\r?\n$/, "") }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

function tooMuch({ name, url }: BrokerSettings): SortgateError {
  return new SortgateError("broker/refused", `Broker "${name}" at ${url} sends far more than answers`, {
    hint: "check that it is an MQTT broker, and look at its log; the connection is made anew",
    context: { flood: true },
  });
}

/** Waits for the broker's CONNACK. */
function connected(client: MqttClient, { settings, signal }: LinkOptions, budget: InboundBudget): Promise<void> {
  return new Promise((resolve, reject) => {
    const release = (): void => {
      clearTimeout(deadline);
      signal.removeEventListener("abort", onAbort);
      // What ends the connection later is told by whoever holds it then, before anybody breaks it off.
      client.off("connect", onConnect);
      client.off("error", settle);
      client.off("close", onClose);
    };
    const settle = (error?: unknown): void => {
      release();
      if (error === undefined) resolve();
      else {
        client.end(true);
        reject(explainMqtt(error, settings, false));
      }
    };
    const onAbort = (): void => settle(new Error("stopped"));
    const onConnect = (): void => settle();
    const onClose = (): void => settle(new Error("closed before the broker answered"));
    // MQTT.js has its own connect timeout; this one holds even where that is not armed (a TLS handshake that hangs).
    const deadline = setTimeout(() => settle(new Error("connack timeout")), limits.connectTimeoutMs + 1_000);
    signal.addEventListener("abort", onAbort, { once: true });
    client.once("connect", onConnect);
    client.on("error", settle);
    client.once("close", onClose);
    try {
      client.connect();
      // Counted where it comes in: MQTT.js gathers a packet in memory, however long the broker says that it is.
      client.stream.on("data", (bytes: Uint8Array) => {
        if (budget.received(bytes.length, performance.now())) return;
        client.emit("error", tooMuch(settings));
        client.stream.destroy();
      });
    } catch (error) {
      // Files that hold no key or certificate, or two that do not belong together, are told by a throw, not by an event;
      // and then there is no stream yet, without which MQTT.js cannot `end`.
      release();
      reject(explainMqtt(error, settings));
    }
  });
}

/**
 * Connects once.
 *
 * Fails:   broker/refused, broker/tls, broker/unreachable, config/invalid (no password); the forwarder calls again with back-off until it succeeds.
 */
export async function openMqttLink(options: LinkOptions): Promise<MqttLink> {
  const { settings, protocol } = options;
  let client: MqttClient;
  try {
    client = mqtt.connect(settings.url, await clientOptions(options));
  } catch (error) {
    throw explainMqtt(error, settings);
  }
  // Without a listener an error of the client would end the process (mqttjs/MQTT.js#1015).
  client.on("error", () => {});
  if (options.signal.aborted) throw explainMqtt(new Error("stopped"), settings);
  const budget = createInboundBudget(performance.now());
  await connected(client, options, budget);
  // MQTT 5 §3.2.2.3.4. What it never acknowledges would come again and again.
  if (client.serverProperties?.maximumQoS === 0) {
    client.end(true);
    throw explainMqtt({ code: 155 }, settings);
  }
  return overClient(client, settings, protocol, budget);
}

/** What answers a publish of ours, and what a subscription. */
type Awaited = "puback" | "suback";

/** Reason codes of an answer that says yes (MQTT 5 §3.4.2.1, §3.9.3: QoS 1, or less where the broker knows no more). */
const success: Readonly<Record<Awaited, ReadonlySet<number>>> = {
  puback: new Set([0, 16]),
  suback: new Set([0, 1]),
};
const packetIdMax = 65_535;

/** What may answer us, beside messages; MQTT.js leaves alone what answers none of its own. */
const answers: ReadonlySet<string> = new Set(["puback", "pubrec", "pubcomp", "suback"]);

/** What of a packet that came in is looked at here. */
interface Answer {
  readonly cmd: string;
  /** Of a PUBLISH. */
  readonly qos?: number;
  readonly messageId?: number;
  readonly reasonCode?: number;
  /** Of a SUBACK: one for each topic. */
  readonly granted?: readonly unknown[];
}

/** An acknowledgement counts as a sign of life this often; each time takes as long as a publish. */
const heardMs = 1_000;

function wrongAnswer({ name, url }: BrokerSettings, { cmd }: Answer): SortgateError {
  const how =
    cmd === "pubrec" || cmd === "pubcomp" ? "QoS 1 as if it was QoS 2" : "with what does not fit what we sent";
  return new SortgateError("broker/refused", `Broker "${name}" at ${url} answers ${how}`, {
    hint: "check that it is an MQTT broker, and look at its log; the connection is made anew",
  });
}

/**
 * MQTT.js keeps a message with QoS 2 until the broker says that it is over, which it may never do; and none is asked for.
 * With QoS 0 and 1 what some brokers send by themselves is none of our business.
 */
function unasked({ name, url }: BrokerSettings): SortgateError {
  return new SortgateError(
    "broker/refused",
    `Broker "${name}" at ${url} sends a message with QoS 2, which nobody asked for`,
    {
      hint: "check that it is an MQTT broker, and that it subscribes no client by itself; the connection is made anew",
      context: { qos: 2 },
    },
  );
}

/** Publishes and subscriptions on their way to the broker, by packet identifier: they share them (MQTT 5 §2.2.1). */
class InFlight {
  readonly #waiting = new Map<number, { readonly by: Awaited; readonly done: Published }>();
  #lastId = 0;

  add(by: Awaited, done: Published): number {
    assert(this.#waiting.size < packetIdMax, "fewer publishes are in flight than there are packet identifiers");
    do this.#lastId = (this.#lastId % packetIdMax) + 1;
    while (this.#waiting.has(this.#lastId));
    this.#waiting.set(this.#lastId, { by, done });
    return this.#lastId;
  }

  /** Gives false for an answer that fits nothing that was sent under its identifier. */
  answered({ cmd, messageId = 0, reasonCode = 0, granted = [] }: Answer): boolean {
    const waiting = this.#waiting.get(messageId);
    if (waiting === undefined) return true;
    const { by, done } = waiting;
    if (cmd !== by) return false;
    this.#waiting.delete(messageId);
    const code = by === "suback" ? Number(granted[0] ?? 128) : reasonCode;
    done(success[by].has(code) ? undefined : code);
    return true;
  }
}

function overClient(client: MqttClient, settings: BrokerSettings, protocol: 4 | 5, budget: InboundBudget): MqttLink {
  let settle: (reason: SortgateError) => void = () => {};
  const ended = new Promise<SortgateError>((resolve) => (settle = resolve));
  let isOver = false;
  const end = (reason: SortgateError): void => {
    if (isOver) return;
    isOver = true;
    settle(reason);
    client.end(true);
  };
  // MQTT 5 §3.2.2.3.5: a broker that keeps nothing breaks a connection over which it is asked to.
  const mayRetain = client.serverProperties?.retainAvailable !== false;
  const writer = createPublishWriter(client.stream, protocol);
  const inFlight = new InFlight();
  /** Who takes what comes under a topic. */
  const takers = new Map<string, (bytes: Uint8Array) => void>();
  client.on("message", (topic, bytes) => {
    if (!isOver) takers.get(topic)?.(bytes);
  });
  client.on("error", (error) => end(explainMqtt(error, settings)));
  client.on("disconnect", (packet) => end(explainMqtt({ code: packet.reasonCode ?? 0 }, settings)));
  client.on("close", () => end(explainMqtt(new Error("closed"), settings)));
  let heardAt = performance.now();
  client.on("packetreceive", (packet: Answer) => {
    if (packet.cmd === "publish" && packet.qos === 2) return end(unasked(settings));
    if (!answers.has(packet.cmd) || isOver) return;
    if (!inFlight.answered(packet)) return end(wrongAnswer(settings, packet));
    const now = performance.now();
    if (now - heardAt < heardMs) return;
    heardAt = now;
    // The answer to a ping comes behind all that the broker has still to acknowledge, which may be much.
    client.reschedulePing(true);
  });
  return {
    protocol,
    inFlightMax: client.serverProperties?.receiveMaximum ?? packetIdMax,
    packetBytesMax: client.serverProperties?.maximumPacketSize ?? 268_435_455,
    publish(message, done) {
      if (isOver) return;
      budget.published();
      writer.publish(inFlight.add("puback", done), message, message.isRetained === true && mayRetain);
    },
    subscribe(topic, take, answered) {
      if (isOver) return;
      budget.published();
      takers.set(topic, take);
      writer.subscribe(inFlight.add("suback", answered), topic);
    },
    ended,
    end,
    leave: () => new Promise((resolve) => client.end(false, () => resolve())),
  };
}
