import { z } from "zod";
import { opcuaSettings } from "../../drivers/opcua/settings.ts";
import { serialSettings } from "../../drivers/serial/settings.ts";
import { tcpSettings } from "../../drivers/tcp/settings.ts";
import { type ControlSettings, controlSettings } from "../control/settings.ts";
import { type ReadPointSettings, readPointSettings } from "../dedup/settings.ts";
import { type BrokerSettings, brokerSettings } from "../forward/settings.ts";
import { type GuardSettings, guardSettings } from "../guard/settings.ts";
import { type QueueSettings, queueSettings } from "../ledger/settings.ts";
import { type LogSettings, logSettings } from "../telemetry/settings.ts";

/** `[gateway]` of the config file: who we are and where our state lies. */
const gatewaySettings = z.strictObject({
  site: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 letters, digits, - and _")
    .describe("The sorting centre; a part of every topic"),
  id: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/, "1 to 64 letters, digits, - and _")
    .describe("This gateway; unique within the site, a part of every topic and event id"),
  data_dir: z
    .string()
    .regex(/^\/./, 'an absolute path, for example "/var/lib/sortgate"')
    .default("/var/lib/sortgate")
    .describe("Directory of the ledger and the identity"),
});

type GatewaySettings = z.infer<typeof gatewaySettings>;

const deviceSettings = z.discriminatedUnion("driver", [serialSettings, tcpSettings, opcuaSettings]);

type DeviceSettings = z.infer<typeof deviceSettings>;

/** The config file as a whole. The keys are the file's own words. */
export const fileSettings = z
  .strictObject({
    gateway: gatewaySettings.meta({ title: "[gateway]", description: "Who we are and where our state lies" }),
    broker: z
      .array(brokerSettings.meta({ title: "[[broker]]", description: "A broker; each has its own cursor" }))
      .min(1)
      .describe("One or more brokers; each receives every event"),
    queue: queueSettings
      .meta({ title: "[queue]", description: "The ledger, which is also the outage queue" })
      .prefault({}),
    read_point: z
      .array(readPointSettings.meta({ title: "[[read_point]]", description: "A place where devices look" }))
      .min(1)
      .describe("One or more places where devices look"),
    device: z
      .array(deviceSettings.meta({ title: "[[device]]", description: "A reader, scanner or PLC; driver says which" }))
      .default([])
      .describe("Readers, scanners and PLCs"),
    guard: guardSettings.meta({ title: "[guard]", description: "Which codes may leave in clear" }).prefault({}),
    control: controlSettings.meta({ title: "[control]", description: "How the daemon is asked" }).prefault({}),
    log: logSettings.meta({ title: "[log]", description: "What is logged" }).prefault({}),
  })
  .meta({ title: "sortgate.toml", description: "Configuration of one sortgate gateway" });

/** A configuration that was proven: every default filled in, every reference resolved. */
export interface Config {
  readonly gateway: GatewaySettings;
  readonly brokers: readonly BrokerSettings[];
  readonly queue: QueueSettings;
  readonly readPoints: readonly ReadPointSettings[];
  readonly devices: readonly DeviceSettings[];
  readonly guard: GuardSettings;
  readonly control: ControlSettings;
  readonly log: LogSettings;
}

/** The part of JSON Schema that zod writes for our settings. */
export interface JsonSchema {
  readonly title?: string;
  readonly description?: string;
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly enum?: readonly (string | number)[];
  readonly const?: string | number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly default?: unknown;
}

/** The JSON Schema (draft 2020-12) of what may stand in the file. */
export function configJsonSchema(): JsonSchema {
  return z.toJSONSchema(fileSettings, { io: "input", target: "draft-2020-12" }) as JsonSchema;
}
