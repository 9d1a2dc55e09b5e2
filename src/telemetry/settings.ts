import { z } from "zod";

/** `[log]` of the config file. */
export const logSettings = z.strictObject({
  level: z.enum(["error", "warn", "info", "debug"]).default("info").describe("Least level that is logged"),
});

export type LogSettings = z.infer<typeof logSettings>;
