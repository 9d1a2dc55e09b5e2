import { z } from "zod";

/** What happens to new events when the ledger may not grow any further. */
export type WhenFull = "drop-oldest" | "drop-newest" | "stop-reading";

/** `[queue]` of the config file. */
export const queueSettings = z
  .strictObject({
    bytes_max: z
      .int()
      .min(16_000_000)
      .max(1_000_000_000_000)
      .default(2_000_000_000)
      .describe("Bytes that the ledger may take on disk, at most"),
    retain_days: z
      .number()
      .min(0)
      .max(3_650)
      .default(30)
      .describe("Days that delivered events stay before they go, with a signed record of their going"),
    retain_core_days: z
      .number()
      .min(0)
      .max(3_650)
      .optional()
      .describe(
        "Days that delivered events with masks, tokens or sealed data of a person stay; absent: as retain_days",
      ),
    when_full: z
      .enum(["drop-oldest", "drop-newest", "stop-reading"])
      .default("drop-oldest")
      .describe("What gives way when bytes_max is reached; a signed gap event tells it"),
  })
  .refine(({ retain_days, retain_core_days }) => retain_core_days === undefined || retain_core_days <= retain_days, {
    path: ["retain_core_days"],
    error: "no more than retain_days, after which all delivered events go",
  });

export type QueueSettings = z.infer<typeof queueSettings>;
