import { z } from "zod";
import { deviceKeys, streamKeys, streamProfileNames } from "../../src/driver/settings.ts";

/** A `[[device]]` with `driver = "serial"`. */
export const serialSettings = z.strictObject({
  ...deviceKeys,
  ...streamKeys,
  driver: z.literal("serial"),
  path: z
    .string()
    .regex(/^\/dev\/.+/, "a path under /dev")
    .describe("Device node; best a stable one under /dev/serial/by-id or by-path"),
  baud_rate: z.int().min(50).max(4_000_000).default(9_600).describe("Bits per second"),
  data_bits: z.union([z.literal(5), z.literal(6), z.literal(7), z.literal(8)]).default(8),
  parity: z.enum(["none", "even", "odd"]).default("none"),
  stop_bits: z.union([z.literal(1), z.literal(2)]).default(1),
  flow_control: z
    .enum(["none", "hardware", "software"])
    .default("none")
    .describe("hardware: RTS/CTS; software: XON/XOFF"),
  profile: z.enum(streamProfileNames),
});

export type SerialSettings = z.infer<typeof serialSettings>;
