import { z } from "zod";

/** One `[[read_point]]` of the config file. */
export const readPointSettings = z
  .strictObject({
    name: z
      .string()
      .regex(/^[\p{L}\p{N}_-]{1,64}$/u, "1 to 64 letters, digits, - and _")
      .describe("The place where devices look; last part of its topic"),
    depart_ms: z
      .int()
      .min(10)
      .max(600_000)
      .default(500)
      .describe("Milliseconds without a read after which a pass is over"),
    pass_max_ms: z
      .int()
      .min(100)
      .max(86_400_000)
      .default(30_000)
      .describe(
        "Milliseconds after which a code that never leaves is told once as stalled, then silent until it departs",
      ),
    emit: z
      .enum(["first", "pass", "both"])
      .default("first")
      .describe("first: an event at the first read; pass: a summary when it departs; both"),
    reads_min: z
      .int()
      .min(1)
      .max(1_000)
      .default(1)
      .describe("Reads before a pass counts as real; fewer are refused as noise and counted"),
    rssi_min_dbm: z.number().min(-120).max(0).optional().describe("Weaker RFID reads are refused and counted"),
  })
  .superRefine((point, context) => {
    if (point.pass_max_ms <= point.depart_ms)
      context.addIssue({ code: "custom", path: ["pass_max_ms"], message: "more than depart_ms" });
  });

export type ReadPointSettings = z.infer<typeof readPointSettings>;
