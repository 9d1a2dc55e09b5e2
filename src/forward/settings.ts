import { z } from "zod";
import { limits } from "../model/limits.ts";

const loopbackHosts = new Set(["localhost", "127.0.0.1", "[::1]"]);

function isBrokerUrl(text: string): boolean {
  return /^mqtts?:\/\/[^/?#@\s]+$/.test(text) && URL.canParse(text) && new URL(text).port !== "0";
}

/** `[broker.view]`: what this broker may see of events that others get whole. */
const viewSettings = z
  .strictObject({
    basic: z
      .enum(["clear", "mask", "token", "drop"])
      .default("token")
      .describe("What becomes of the parcel's number: a token is of this broker's own, no other has the same"),
    public: z.enum(["clear", "drop"]).default("drop").describe("What becomes of routing and service codes on a label"),
    read_points: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe("Names of the read points whose parcels it sees; of others it learns that there was an event, no more"),
  })
  .meta({ title: "[broker.view]", description: "A poorer view of every event for this broker" });

/** One `[[broker]]` of the config file. Keys are the file's own words. */
export const brokerSettings = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,32}$/, "1 to 32 letters, digits, - and _")
      .describe("Name of this broker in commands, logs and counters"),
    url: z
      .string()
      .refine(isBrokerUrl, "mqtts://host:port, or mqtt://host:port")
      .describe("mqtts://host:port; mqtt:// only to this machine unless allow_plaintext is true"),
    allow_plaintext: z
      .boolean()
      .default(false)
      .describe("Allow mqtt:// to another machine: events can be read on the way"),
    ca_file: z.string().min(1).optional().describe("Certificates (PEM) that may vouch for the broker"),
    cert_file: z.string().min(1).optional().describe("Our certificate (PEM) for mutual TLS"),
    key_file: z.string().min(1).optional().describe("Private key (PEM) of cert_file"),
    username: z.string().min(1).optional().describe("User name at the broker"),
    password_file: z.string().min(1).optional().describe("File that holds the password, one line"),
    protocol: z
      .union([z.literal(5), z.literal(4)])
      .default(5)
      .describe("MQTT version: 5, which falls back to 4 and says so, or 4 (3.1.1)"),
    in_flight_max: z
      .int()
      .min(1)
      .max(1_024)
      .default(limits.inFlightMax)
      .describe("Publishes that may wait for their acknowledgement at once"),
    keepalive_s: z.int().min(5).max(600).default(30).describe("Seconds between signs of life"),
    topic_prefix: z
      .string()
      .regex(/^[^+#$/\s][^+#\s]{0,127}$/, "1 to 128 characters without +, # and spaces, not starting with $ or /")
      .default("sortgate")
      .describe("First part of every topic"),
    orders: z
      .boolean()
      .default(false)
      .describe("Take orders that the centre signed (policy_key_file) and publishes at this broker"),
    view: viewSettings.optional(),
  })
  .superRefine((broker, context) => {
    const explain = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message });
    if (isBrokerUrl(broker.url) && broker.url.startsWith("mqtt:") && !broker.allow_plaintext) {
      if (!loopbackHosts.has(new URL(broker.url).hostname))
        explain("url", "mqtts:// for another machine; mqtt:// only with allow_plaintext = true");
    }
    if (broker.cert_file !== undefined && broker.key_file === undefined)
      explain("cert_file", "cert_file and key_file together, or neither");
    if (broker.key_file !== undefined && broker.cert_file === undefined)
      explain("key_file", "cert_file and key_file together, or neither");
    if (broker.password_file !== undefined && broker.username === undefined)
      explain("password_file", "password_file only together with username");
  });

export type BrokerSettings = z.infer<typeof brokerSettings>;
