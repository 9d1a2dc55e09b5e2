import { createHash } from "node:crypto";
import { type Config, type Judgement, policyHash, readPolicyText } from "./config/index.ts";
import type { PolicyStatus } from "./control/index.ts";
import {
  combined,
  dropping,
  isForAll,
  isSealing,
  type PolicyRefusal,
  policyKeys,
  provenByCentre,
  readReceiver,
  refusal,
} from "./guard/policy/index.ts";
import { policyMemory } from "./identity/index.ts";
import { readSmallFile } from "./lib/small-file.ts";
import { validityOf } from "./lib/validity.ts";
import { SortgateError, systemCode } from "./model/error.ts";

type Guard = Config["guard"];

/** A policy that the centre signed, and that holds. */
interface SignedPolicy {
  readonly version: number;
  /** SHA-256 in hex of what was signed. */
  readonly sha256: string;
  readonly notAfter: string | undefined;
  /** Fingerprint in hex of the key that it is signed with. */
  readonly signer: string;
  /** The keys of `[guard]` that it says. */
  readonly keys: readonly string[];
}

/** What the guard works by, and why. */
export interface Policy {
  readonly guard: Guard;
  /** See `policyHash`; stands in every checkpoint. */
  readonly hash: string;
  /** The signed policy in force; absent if there is none. */
  readonly signed?: SignedPolicy;
  /** Why the one that the config names does not hold: the guard lets out tokens alone. */
  readonly refused?: PolicyRefusal;
  /** Nobody could tell whether it is older than one that was used: this user may not read what is remembered. */
  readonly isUnremembered?: boolean;
  /** The policy file as it was read; absent if there is none, or it could not be read. */
  readonly file?: { readonly path: string; readonly sha256: string };
}

interface Sources {
  readonly nowMs: number;
  /** A command may be run by a user who may not read the identity; the daemon must know what was used. */
  readonly mustRemember: boolean;
}

/**
 * Finds what the guard is to work by: what the centre signed where the config names such a file, else `[guard]`.
 *
 * Fails:   never. A signed policy that does not hold is told in `refused`, and the guard then drops: parcels go on.
 */
export async function findPolicy(config: Config, sources: Sources): Promise<Policy> {
  const { gateway, guard, readPoints } = config;
  const { policy_file: path, policy_key_file: keyPath } = guard;
  if (path === undefined || keyPath === undefined) return unsignedPolicy(config, sources.mustRemember);
  const bytes = await readNamed(path, "policy_file");
  const key = await readNamed(keyPath, "policy_key_file");
  const file = "refused" in bytes ? {} : { file: { path, sha256: sha256(bytes.bytes) } };
  const refuse = (refused: PolicyRefusal): Policy => ({ ...fallback(guard, refused), ...file });
  if ("refused" in bytes) return refuse(bytes.refused);
  if ("refused" in key) return refuse(key.refused);
  const proven = await provenByCentre("policy", bytes.bytes, key.bytes);
  if ("refused" in proven) return refuse(proven.refused);
  const read = readPolicyText(Buffer.from(proven.payload).toString("utf8"));
  if (!read.ok) return refuse(invalid(read.sentences).refused);
  const { policy } = read;
  const effective = combined(guard, policy);
  const names = readPoints.map(({ name }) => name);
  const misfit = misfitOf(policy, effective, gateway.site, names, sources.nowMs);
  if (misfit !== undefined) return refuse(misfit.refused);
  const { version, not_after: notAfter } = policy;
  const { signer } = proven;
  const signed = {
    signer,
    version,
    sha256: sha256(proven.payload),
    notAfter,
    keys: policyKeys.filter((key) => policy.guard[key] !== undefined || (key === "policy" && isForAll(policy.guard))),
  };
  const remembered = await compare(gateway.data_dir, signed, sources.mustRemember);
  if (typeof remembered === "object") return refuse(remembered.refused);
  const isUnremembered = remembered === "unknown";
  return { guard: effective, hash: policyHash(effective), signed, ...file, ...(isUnremembered && { isUnremembered }) };
}

function fallback(guard: Guard, refused: PolicyRefusal): Policy {
  const effective = dropping(guard);
  return { guard: effective, hash: policyHash(effective), refused };
}

type Read = { readonly bytes: Buffer } | { readonly refused: PolicyRefusal };

async function readNamed(path: string, key: PolicyRefusal["key"]): Promise<Read> {
  try {
    return { bytes: await readSmallFile(path) };
  } catch (error) {
    const sentence = `the file ${path} cannot be read (${systemCode(error) || "unknown reason"})`;
    return refusal("unreadable", sentence, "put it there, and let the user that runs sortgate read it", key);
  }
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const mend = "have the centre correct it, and sign it again with a higher version";

function invalid([first = "", ...others]: readonly string[]): { readonly refused: PolicyRefusal } {
  const more = others.length === 0 ? "" : ` (and ${others.length} more)`;
  return refusal("invalid", `the signed policy does not hold: ${first}${more}`, mend);
}

type Payload = Extract<ReturnType<typeof readPolicyText>, { ok: true }>["policy"];

/** Why a policy that was signed does not fit this gateway or this day. */
function misfitOf(policy: Payload, effective: Guard, site: string, readPoints: readonly string[], nowMs: number) {
  if (policy.site !== undefined && policy.site !== site)
    return refusal(
      "site",
      `the policy is for the site ${JSON.stringify(policy.site)}; allowed: ${JSON.stringify(site)}, or none`,
      "take the file that the centre signed for this site, or correct site under [gateway]",
    );
  if (policy.not_after !== undefined && Date.parse(policy.not_after) <= nowMs)
    return refusal(
      "expired",
      `the policy ended on ${policy.not_after}`,
      "have the centre sign a newer one; timedatectl shows whether the clock of this machine is right",
    );
  const points = (policy.guard.policy ?? []).map(({ read_point }) => read_point);
  const stray = points.find((point) => !readPoints.includes(point));
  if (stray !== undefined)
    return invalid([
      `guard > policy: found ${JSON.stringify(stray)}, which is no read_point; allowed: ${readPoints.map((name) => JSON.stringify(name)).join(", ")}`,
    ]);
  if (isSealing(effective) && effective.seal_key_file === undefined)
    return refusal(
      "invalid",
      'the policy seals to the centre, and seal_key_file is missing; allowed with "seal": the file of the centre\'s public key',
      "name it in [guard]: seal_key_file = …",
    );
  return undefined;
}

/** What was used before; "unknown" where that cannot be read, and need not. */
async function usedBefore(dataDir: string, mustRemember: boolean) {
  try {
    return await policyMemory(dataDir).read();
  } catch (error) {
    if (!mustRemember && systemCode((error as { cause?: unknown }).cause) === "EACCES") return "unknown";
    return unremembered(error);
  }
}

/** Whether a policy is none older than what was used. */
async function compare(dataDir: string, { version, sha256 }: SignedPolicy, mustRemember: boolean) {
  const used = await usedBefore(dataDir, mustRemember);
  if (used === "unknown" || (used !== undefined && "refused" in used)) return used;
  if (used === undefined || version > used.version) return "newer";
  if (version < used.version)
    return refusal(
      "older",
      `the policy is version ${version}, and version ${used.version} was used already; allowed: ${used.version} or higher`,
      `take the newest from the centre; to go back, have it sign the old content again as version ${used.version + 1}`,
    );
  return sha256 === used.sha256
    ? "same"
    : refusal(
        "other-content",
        `the policy is version ${version}, which was used with other content; allowed: the same content, or a higher version`,
        `have the centre sign it again as version ${version + 1}`,
      );
}

/** Without a signed policy the config says all, unless there was one before: it is not got rid of by leaving it out. */
async function unsignedPolicy({ gateway, guard }: Config, mustRemember: boolean): Promise<Policy> {
  const used = await usedBefore(gateway.data_dir, mustRemember);
  if (used === undefined || used === "unknown") return { guard, hash: policyHash(guard) };
  if ("refused" in used) return fallback(guard, used.refused);
  const { refused } = refusal(
    "unsigned",
    `version ${used.version} of a signed policy was used already, and policy_file is missing; allowed: a policy that the centre signed`,
    `write policy_file and policy_key_file again; to let the config say all, have the centre sign a version ${used.version + 1} with an empty guard`,
  );
  return fallback(guard, refused);
}

function unremembered(error: unknown): { readonly refused: PolicyRefusal } {
  const { message, hint } =
    error instanceof SortgateError ? error : { message: "what was used cannot be read", hint: "ls -l data_dir" };
  return refusal("memory", `which policy was used last can be neither read nor kept: ${message}`, hint);
}

/** What the daemon works by, and whether it is remembered: on the very first start there is no place for it yet. */
export interface TakenPolicy {
  readonly policy: Policy;
  readonly isRemembered: boolean;
}

/**
 * Finds what the guard is to work by, as `findPolicy`, and remembers a signed policy, so that none before it comes back.
 *
 * Fails:   never; a policy that cannot be remembered does not hold.
 */
export async function takePolicy(config: Config, nowMs: number): Promise<TakenPolicy> {
  const policy = await findPolicy(config, { nowMs, mustRemember: true });
  try {
    return { policy, isRemembered: await rememberPolicy(config, policy) };
  } catch (error) {
    const { refused } = unremembered(error);
    return {
      policy: { ...fallback(config.guard, refused), ...(policy.file && { file: policy.file }) },
      isRemembered: true,
    };
  }
}

/** Remembers a signed policy that is in force. False: there is no place for it yet. Fails: identity/*. */
export async function rememberPolicy({ gateway }: Config, { signed }: Policy): Promise<boolean> {
  if (signed === undefined) return true;
  const memory = policyMemory(gateway.data_dir);
  // A start writes nothing where nothing is new.
  return (
    (await memory.read())?.version === signed.version ||
    memory.write({ version: signed.version, sha256: signed.sha256 })
  );
}

/** What a look at the config has to say of the signed policy. */
export function judgePolicy(
  { guard, refused, signed, isUnremembered }: Policy,
  nowMs: number,
  configured: Guard,
): Judgement[] {
  const path = ["guard", refused?.key ?? "policy_file"];
  if (refused !== undefined) return [{ level: "problem", path, sentence: refused.sentence, hint: refused.hint }];
  const warnings: Judgement[] = [];
  if (configured.policy.length > 0 && guard.policy.length === 0)
    warnings.push({
      level: "warning",
      path: ["guard", "policy"],
      sentence: "the signed policy is for all read points, so that [[guard.policy]] has no effect",
      hint: "remove it, or have the centre sign it as policy under guard",
    });
  if (isUnremembered)
    warnings.push({
      level: "warning",
      path,
      sentence: "whether the policy is older than the last one that was used cannot be told by this user",
      hint: "run this command as the user that runs sortgate, or with sudo",
    });
  if (signed?.notAfter !== undefined && validityOf(undefined, Date.parse(signed.notAfter), nowMs) !== "good")
    warnings.push({
      level: "warning",
      path,
      sentence: `the policy ends on ${signed.notAfter}; a start after that lets out tokens alone`,
      hint: "have the centre sign one with a later not_after, and a higher version",
    });
  return warnings;
}

/**
 * What a look at the config has to say of the certificate in policy_key_file; a bare key has none.
 *
 * A warning: it is the key that proves what the centre signed, and without it no policy would hold after a restart.
 */
export async function judgeCentreKey({ guard }: Config, nowMs: number): Promise<Judgement[]> {
  // What else is wrong with the file, the policy and orders tell.
  const file = guard.policy_key_file;
  const facts = file === undefined ? undefined : await readReceiver(file).catch(() => undefined);
  if (facts?.notBefore === undefined || facts.notAfter === undefined) return [];
  const validity = validityOf(facts.notBefore, facts.notAfter, nowMs);
  const told = (verb: string, at: number): string => `its certificate ${verb} on ${new Date(at).toISOString()}`;
  const proof = "; what the centre signs is proven by its key all the same";
  const warning = (sentence: string, hint: string): Judgement[] => [
    { level: "warning", path: ["guard", "policy_key_file"], sentence, hint },
  ];
  const renew = "get a new certificate of the same key from the centre, and put it there";
  if (validity === "ended") return warning(told("ended", facts.notAfter) + proof, renew);
  if (validity === "early")
    return warning(told("begins", facts.notBefore) + proof, "check the clock of this machine with: timedatectl");
  return validity === "ending" ? warning(told("ends", facts.notAfter), renew) : [];
}

/** What `sortgate status` shows of the policy. Cost: one small file is read. */
export async function policyStatus(
  { guard, hash, signed, refused, file }: Policy,
  nowMs: number,
): Promise<PolicyStatus> {
  const isOver = signed?.notAfter !== undefined && Date.parse(signed.notAfter) <= nowMs;
  return {
    hash,
    crypto: guard.crypto,
    ...(signed === undefined ? {} : { version: signed.version, sha256: signed.sha256, signer: signed.signer }),
    ...(signed?.notAfter === undefined ? {} : { notAfter: signed.notAfter, isOver }),
    ...(refused === undefined ? {} : { problem: refused.sentence, hint: refused.hint }),
    ...(file === undefined ? {} : { file: file.path, fileNow: await fileNow(file.path, file.sha256) }),
  };
}

/** What is sealed to, as far as it can be told now; undefined where nothing is sealed. */
export async function sealKeyFacts(
  guard: Guard,
): Promise<{ readonly fingerprint: string; readonly notAfter?: string } | undefined> {
  if (guard.seal_key_file === undefined || !isSealing(guard)) return undefined;
  try {
    const { fingerprint, notAfter } = await readReceiver(guard.seal_key_file);
    return { fingerprint, ...(notAfter === undefined ? {} : { notAfter: new Date(notAfter).toISOString() }) };
  } catch {
    // `checkNamedFiles` tells what is wrong with it.
    return undefined;
  }
}

/** Whether a file still is what was read of it. */
export async function fileNow(path: string, sha256Then: string): Promise<"same" | "changed" | "gone"> {
  try {
    return sha256(await readSmallFile(path)) === sha256Then ? "same" : "changed";
  } catch (error) {
    return ["ENOENT", "ENOTDIR"].includes(systemCode(error)) ? "gone" : "changed";
  }
}
