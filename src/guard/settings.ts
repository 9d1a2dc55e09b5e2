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

const carriers = z
  .array(z.enum(carrierNames))
  .describe(
    "Shapes of codes that may leave in clear, alone or taken out of a label; everything else leaves as class, length and token",
  );
const unknown = z
  .enum(["token", "drop"])
  .describe("What becomes of a code of no known shape: a keyed token, or nothing but a count");
const core = z
  .enum(["drop", "mask", "token", "seal"])
  .describe("What becomes of names, telephones, addresses and the like on a label; never in clear");
const basic = z
  .enum(["clear", "mask", "token", "seal"])
  .describe("What becomes of the parcel's number of a shape in carriers");
const open = z.enum(["clear", "drop"]).describe("What becomes of routing and service codes on a label");
const masks = z
  .enum(["gbt41833", "documents"])
  .describe("How much a mask hides: six digits of a telephone (GB/T 41833-2022), or the middle four");

const policySettings = z.strictObject({
  read_point: z.string().min(1).describe("Name of the [[read_point]] for which this policy holds"),
  core: core.optional(),
  basic: basic.optional(),
  public: open.optional(),
});

const policies = z
  .array(policySettings.meta({ title: "[[guard.policy]]", description: "What is different at one read point" }))
  .describe("Other policies for single read points; what is not named is as in [guard]");

/** Whether anything is sealed to the centre. */
export function isSealing(guard: Pick<GuardSettings, "core" | "basic" | "policy">): boolean {
  return [guard, ...guard.policy].some((policy) => policy.core === "seal" || policy.basic === "seal");
}

/** `[guard]` of the config file. */
export const guardSettings = z
  .strictObject({
    carriers: carriers.default(["s10", "sscc"]),
    unknown: unknown.default("token"),
    core: core.default("drop"),
    basic: basic.default("clear"),
    public: open.default("clear"),
    masks: masks.default("gbt41833"),
    crypto: z
      .enum(["intl", "gm"])
      .default("intl")
      .describe(
        "Algorithms of tokens and sealing: SHA-256, AES, RSA and elliptic curves; or SM2, SM3 and SM4, and then checkpoints are signed with SM2 besides",
      ),
    seal_key_file: z.string().min(1).optional().describe("The centre's public key (PEM), for what is sealed to it"),
    policy_file: z
      .string()
      .min(1)
      .optional()
      .describe("Policy that the centre signed; what it says goes before [guard]"),
    policy_key_file: z
      .string()
      .min(1)
      .optional()
      .describe("The centre's public key (PEM) that policy_file and orders are signed with"),
    policy: policies.default([]),
  })
  .superRefine((guard, context) => {
    const want = (path: string, message: string): void => context.addIssue({ code: "custom", path: [path], message });
    if (isSealing(guard) && guard.seal_key_file === undefined)
      want("seal_key_file", 'the file of the centre\'s public key, for "seal" needs it');
    if (guard.policy_file !== undefined && guard.policy_key_file === undefined)
      want("policy_key_file", "the file of the centre's public key, for policy_file needs it");
  });

export type GuardSettings = z.infer<typeof guardSettings>;

const wholeNumber = "a whole number, 1 or higher";

/** What the centre signs: a policy of all sites or of one, which takes the place of the same keys of `[guard]`. */
export const policyPayload = z.strictObject({
  version: z
    .int(wholeNumber)
    .min(1, wholeNumber)
    .describe("Counts up with each policy that is signed; an older one is refused"),
  site: z.string().min(1).optional().describe("The site that it is for; absent: all"),
  not_after: z.iso
    .datetime('a time in UTC, for example "2027-12-31T00:00:00Z"')
    .optional()
    .describe("It does not hold from then on; absent: for ever"),
  guard: z.strictObject({
    carriers: carriers.optional(),
    unknown: unknown.optional(),
    core: core.optional(),
    basic: basic.optional(),
    public: open.optional(),
    masks: masks.optional(),
    policy: policies.optional(),
  }),
});

export type PolicyPayload = z.infer<typeof policyPayload>;
