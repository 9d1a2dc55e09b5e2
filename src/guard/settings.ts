import { z } from "zod";

/** Shapes that a site may let leave in clear. */
export const carrierNames = [
  "sf",
  "yto",
  "zto",
  "sto",
  "yunda",
  "jd",
  "jt",
  "ems",
  "deppon",
  "cainiao",
  "ups",
  "usps",
  "fedex",
  "s10",
  "sscc",
] as const;

export type CarrierName = (typeof carrierNames)[number];

/** `[guard]` of the config file. */
export const guardSettings = z.strictObject({
  carriers: z
    .array(z.enum(carrierNames))
    .default(["s10", "sscc"])
    .describe(
      "Shapes of codes that may leave in clear, alone or taken out of a label; everything else leaves as class, length and token",
    ),
  unknown: z
    .enum(["token", "drop"])
    .default("token")
    .describe("What becomes of a code of no known shape: a keyed token, or nothing but a count"),
});

export type GuardSettings = z.infer<typeof guardSettings>;
