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

const core = z
  .enum(["drop", "mask", "token", "seal"])
  .describe("What becomes of names, telephones, addresses and the like on a label; never in clear");
const basic = z
  .enum(["clear", "mask", "token", "seal"])
  .describe("What becomes of the parcel's number of a shape in carriers");
const open = z.enum(["clear", "drop"]).describe("What becomes of routing and service codes on a label");

const policySettings = z.strictObject({
  read_point: z.string().min(1).describe("Name of the [[read_point]] for which this policy holds"),
  core: core.optional(),
  basic: basic.optional(),
  public: open.optional(),
});

/** `[guard]` of the config file. */
export const guardSettings = z
  .strictObject({
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
    core: core.default("drop"),
    basic: basic.default("clear"),
    public: open.default("clear"),
    masks: z
      .enum(["gbt41833", "documents"])
      .default("gbt41833")
      .describe("How much a mask hides: six digits of a telephone (GB/T 41833-2022), or the middle four"),
    crypto: z
      .enum(["intl", "gm"])
      .default("intl")
      .describe("Algorithms of tokens and sealing: SHA-256, AES, RSA and elliptic curves; or SM2, SM3 and SM4"),
    seal_key_file: z.string().min(1).optional().describe("The centre's public key (PEM), for what is sealed to it"),
    policy: z
      .array(policySettings.meta({ title: "[[guard.policy]]", description: "What is different at one read point" }))
      .default([])
      .describe("Other policies for single read points; what is not named is as in [guard]"),
  })
  .superRefine((guard, context) => {
    const seals = [guard, ...guard.policy].some((policy) => policy.core === "seal" || policy.basic === "seal");
    if (seals && guard.seal_key_file === undefined)
      context.addIssue({
        code: "custom",
        path: ["seal_key_file"],
        message: 'the file of the centre\'s public key, for "seal" needs it',
      });
  });

export type GuardSettings = z.infer<typeof guardSettings>;
