import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { policyHash, readPolicyText } from "../src/config/index.ts";
import { dropping } from "../src/guard/policy/index.ts";
import { findPolicy, judgeCentreKey, judgePolicy, policyStatus, rememberPolicy, takePolicy } from "../src/policy.ts";
import { canonicalize } from "../src/seal/index.ts";
import { aPair } from "./config/certificates.ts";
import { aCentre, aPolicySite, type PolicySite } from "./fakes/policy.ts";

const nowMs = Date.parse("2026-11-23T03:00:00Z");
const dayMs = 86_400_000;
const drops = { core: "drop", basic: "token", public: "drop", unknown: "token", policy: [] };

let site: PolicySite;
beforeEach(() => {
  site = aPolicySite(
    'carriers = ["sf"]\nmasks = "documents"\n[[guard.policy]]\nread_point = "tunnel-1"\ncore = "mask"\n',
  );
  mkdirSync(join(site.dataDir, "identity"), { recursive: true });
  writeFileSync(join(site.dataDir, "identity/device.key"), "");
});
afterEach(() => site.remove());

const find = async (mustRemember = true) => findPolicy(await site.config(), { nowMs, mustRemember });
const take = async () => takePolicy(await site.config(), nowMs);
const memory = (): string => join(site.dataDir, "identity/policy.json");

/** What becomes of a policy that the centre signs. */
async function refusedFor(policy: unknown): Promise<string> {
  await site.take(policy);
  const { refused, guard } = await find();
  expect(guard).toMatchObject(drops);
  return `${refused?.reason}: ${refused?.sentence}`;
}

describe("R41 the policy in force", () => {
  it("says what the signed one says, and where it says nothing what the config does", async () => {
    await site.take({ version: 7, site: "HZ01", guard: { core: "token", carriers: ["zto"], policy: [] } });
    const { guard, signed, refused } = await find();
    expect(refused).toBeUndefined();
    expect(signed).toMatchObject({ version: 7, keys: ["carriers", "core", "policy"] });
    expect(guard).toMatchObject({ core: "token", carriers: ["zto"], policy: [], masks: "documents", basic: "clear" });
    await site.take({ version: 8, guard: {} });
    expect((await find()).guard).toEqual((await site.config()).guard);
  });

  it("leaves no word to the read points of the config once it says what becomes of a class", async () => {
    expect((await site.config()).guard.policy).toHaveLength(1);
    for (const [version, guard] of [{ core: "drop" }, { basic: "token" }, { public: "drop" }].entries()) {
      await site.take({ version: version + 9, guard });
      const { guard: effective, signed } = await find();
      expect(effective.policy).toEqual([]);
      expect(signed?.keys).toContain("policy");
    }
    await site.take({ version: 12, guard: { masks: "gbt41833" } });
    expect((await find()).guard.policy).toHaveLength(1);
  });

  it("drops what the config drops where the signed one does not hold", async () => {
    const { guard } = await site.config();
    expect(dropping({ ...guard, unknown: "drop" })).toMatchObject({ core: "drop", basic: "token", unknown: "drop" });
  });

  it("has a hash over its canonical form, in which the places of files do not matter", async () => {
    await site.take({ version: 7, guard: { core: "drop" } });
    const { guard, hash } = await find();
    const { policy_file, policy_key_file, ...rest } = guard;
    expect([policy_file, policy_key_file]).toEqual([join(site.dir, "policy.jws"), join(site.dir, "centre.pem")]);
    const canonical = canonicalize(JSON.parse(JSON.stringify(rest)));
    expect(hash).toBe(createHash("sha256").update(canonical).digest("base64url"));
    expect(policyHash({ ...guard, seal_key_file: "/a", policy_file: "/b", policy_key_file: "/c" })).toBe(hash);
    expect(policyHash({ ...guard, basic: "token" })).not.toBe(hash);
  });

  it("never lets core data out in clear, and takes no key that is not known: the key is named with what is allowed", async () => {
    const allowed = 'one of "drop", "mask", "token", "seal"';
    expect(await refusedFor({ version: 1, guard: { core: "clear" } })).toBe(
      `invalid: the signed policy does not hold: guard > core: found "clear"; allowed: ${allowed}`,
    );
    expect(await refusedFor({ version: 1, guard: { carriers: ["sf", "shunfeng"] } })).toContain(
      'found "shunfeng"; allowed: one of "sf"',
    );
    for (const key of ["crypto", "seal_key_file", "policy_file", "policy_key_file", "__proto__", "constructor"])
      expect(await refusedFor(`{"version":1,"guard":{"${key}":"gm"}}`), key).toContain(
        `guard > ${key}: found an unknown key`,
      );
    expect(await refusedFor({ version: 0, guard: {} })).toContain(
      "version: found 0; allowed: a whole number, 1 or higher",
    );
    expect(await refusedFor({ version: 1.5, guard: {} })).toContain("version: found 1.5; allowed: a whole number");
    expect(await refusedFor({ guard: {} })).toContain("version: found nothing");
    expect(await refusedFor({ version: 1, guard: { core: null } })).toContain("guard > core: found");
    expect(await refusedFor({ version: 1, not_after: "next year", guard: {} })).toContain("a time in UTC");
    expect(await refusedFor({ version: 1, site: 5, guard: {}, more: 1 })).toContain("(and 1 more)");
    for (const nothing of [
      "",
      "null",
      "[]",
      "7",
      '"a"',
      "{",
      `${"[".repeat(50_000)}`,
      `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
    ])
      expect(await refusedFor(nothing), nothing.slice(0, 9)).toMatch(/^invalid: .*JSON/);
  });

  it("is explained whatever the centre signs, and never lets core data out", () => {
    const keys = fc.constantFrom(
      "version",
      "site",
      "not_after",
      "guard",
      "core",
      "basic",
      "public",
      "policy",
      "carriers",
      "masks",
      "read_point",
      "x",
    );
    const words = fc.constantFrom("clear", "drop", "mask", "token", "seal", "sf", "tunnel-1", "HZ01");
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { depthSize: "small" },
        words,
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        tie("object"),
        fc.array(tie("value"), { maxLength: 3 }),
      ),
      object: fc.dictionary(keys, tie("value"), { maxKeys: 4 }),
    }));
    const wholes = fc
      .record({ version: fc.oneof(fc.integer({ min: 1 }), value), guard: value })
      .map((policy) => JSON.stringify(policy));
    fc.assert(
      fc.property(fc.oneof(wholes, fc.json()), (text) => {
        const read = readPolicyText(text);
        if (read.ok)
          expect(
            [read.policy, ...(read.policy.guard.policy ?? [])].map((one) => ("core" in one ? one.core : "")),
            text,
          ).not.toContain("clear");
        else
          expect(read.sentences.join(" "), text).toMatch(
            /^(?!.*(?:undefined|\[object|Invalid input)).*found .*; allowed: /,
          );
      }),
      { numRuns: 2_000 },
    );
  });

  it("is no other site's, none that ended, and none for read points that are not there", async () => {
    expect(await refusedFor({ version: 1, site: "HZ02", guard: {} })).toBe(
      'site: the policy is for the site "HZ02"; allowed: "HZ01", or none',
    );
    const until = new Date(nowMs).toISOString();
    expect(await refusedFor({ version: 1, not_after: until, guard: {} })).toBe(`expired: the policy ended on ${until}`);
    await site.take({ version: 1, not_after: new Date(nowMs + 1).toISOString(), guard: {} });
    expect((await find()).refused).toBeUndefined();
    const policy = [{ read_point: "tunnel-9", core: "drop" }];
    expect(await refusedFor({ version: 1, guard: { policy } })).toContain(
      'guard > policy: found "tunnel-9", which is no read_point; allowed: "tunnel-1"',
    );
    const twice = [{ read_point: "tunnel-1" }, { read_point: "tunnel-1", core: "mask" }];
    expect(await refusedFor({ version: 1, guard: { policy: twice } })).toContain('found "tunnel-1" twice');
    expect(await refusedFor({ version: 1, guard: { core: "seal" } })).toContain("seal_key_file is missing");
  });

  it("is dropping where a file cannot be read, is not signed, or is signed by somebody else", async () => {
    expect((await find()).refused).toMatchObject({ reason: "unreadable", key: "policy_file" });
    site.put("policy.jws", JSON.stringify({ version: 1, guard: {} }));
    expect((await find()).refused).toMatchObject({ reason: "unsigned", key: "policy_file" });
    site.put("policy.jws", await aCentre().sign({ version: 1, guard: {} }));
    expect((await find()).refused).toMatchObject({ reason: "signature", key: "policy_file" });
    site.put("centre.pem", site.centre.privateKey);
    expect((await find()).refused).toMatchObject({ reason: "key", key: "policy_key_file" });
    rmSync(join(site.dir, "centre.pem"));
    expect((await find()).refused).toMatchObject({ reason: "unreadable", key: "policy_key_file" });
    expect((await find()).guard).toMatchObject({ ...drops, carriers: ["sf"], masks: "documents" });
  });
});

describe("R41 a rollback", () => {
  it("is refused: no version comes back that is older than the newest ever used", async () => {
    const old = { version: 6, guard: { core: "mask" } };
    for (const version of [6, 7]) {
      await site.take({ ...old, version });
      expect((await take()).policy.signed?.version).toBe(version);
    }
    expect(await refusedFor(old)).toBe(
      "older: the policy is version 6, and version 7 was used already; allowed: 7 or higher",
    );
    expect((await find()).refused?.hint).toContain("have it sign the old content again as version 8");
    expect((await take()).policy.refused?.reason).toBe("older");
    await site.take({ ...old, version: 8 });
    expect((await take()).policy.signed?.version).toBe(8);
  });

  it("is refused by the same version with other content too, and not where it is only signed anew", async () => {
    site.remove();
    site = aPolicySite("", aCentre("P-256"));
    mkdirSync(join(site.dataDir, "identity"), { recursive: true });
    writeFileSync(join(site.dataDir, "identity/device.key"), "");
    await site.take({ version: 7, guard: { core: "drop" } });
    const first = readFileSync(join(site.dir, "policy.jws"), "utf8");
    await take();
    await site.take({ version: 7, guard: { core: "drop" } });
    expect(readFileSync(join(site.dir, "policy.jws"), "utf8")).not.toBe(first);
    expect((await find()).refused).toBeUndefined();
    expect(await refusedFor({ version: 7, guard: { core: "mask" } })).toMatch(/^other-content: .*version 7/);
  });

  it("is refused where the signed policy is left out of the config, until the centre signs one that says nothing", async () => {
    const text = readFileSync(site.configPath, "utf8");
    const without = text.replace(/^policy_(?:key_)?file = .*\n/gm, "");
    site.put("sortgate.toml", without);
    expect((await take()).policy).toEqual({ guard: (await site.config()).guard, hash: expect.any(String) });
    site.put("sortgate.toml", text);
    await site.take({ version: 7, guard: {} });
    await take();
    site.put("sortgate.toml", without);
    for (const policy of [await find(), (await take()).policy]) {
      expect(policy).toMatchObject({ guard: drops, refused: { reason: "unsigned", key: "policy_file" } });
      expect(policy.refused?.sentence).toContain("version 7 of a signed policy was used already");
    }
    const sound = readFileSync(memory());
    writeFileSync(memory(), "{}");
    expect(await find()).toMatchObject({ guard: drops, refused: { reason: "memory" } });
    writeFileSync(memory(), sound);
    site.put("sortgate.toml", text);
    await site.take({ version: 8, guard: {} });
    expect((await take()).policy).toMatchObject({ guard: (await site.config()).guard, signed: { version: 8 } });
  });

  it("is looked for by a look at the config as well, which remembers nothing", async () => {
    await site.take({ version: 7, guard: {} });
    await find();
    expect(existsSync(memory())).toBe(false);
    await take();
    expect(JSON.parse(readFileSync(memory(), "utf8"))).toMatchObject({ version: 7 });
    expect(statSync(memory()).mode & 0o777).toBe(0o600);
  });

  it("is not let through by a memory that is damaged, open to others, or cannot be written", async () => {
    await site.take({ version: 7, guard: {} });
    await take();
    const sound = readFileSync(memory(), "utf8");
    for (const damaged of ["", "{}", "null", '{"version":"7"}', sound.replace("7", "-7"), sound.slice(0, -5)]) {
      writeFileSync(memory(), damaged);
      expect((await find()).refused?.reason, damaged).toBe("memory");
      expect((await take()).policy, damaged).toMatchObject({ guard: drops, refused: { reason: "memory" } });
    }
    writeFileSync(memory(), sound);
    chmodSync(memory(), 0o644);
    expect((await take()).policy.refused).toMatchObject({
      reason: "memory",
      hint: expect.stringContaining("chmod 600"),
    });
    chmodSync(memory(), 0o600);
    expect((await take()).policy.refused).toBeUndefined();
    await site.take({ version: 8, guard: {} });
    // The draft of the file that replaces it can be neither removed nor made.
    mkdirSync(`${memory()}.new/a`, { recursive: true });
    expect((await take()).policy).toMatchObject({ guard: drops, refused: { reason: "memory" } });
    rmSync(`${memory()}.new`, { recursive: true });
    expect((await take()).policy.signed?.version).toBe(8);
  });

  it("on the very first start is remembered as soon as there is an identity", async () => {
    rmSync(site.dataDir, { recursive: true });
    await site.take({ version: 7, guard: {} });
    const taken = await take();
    expect([taken.isRemembered, taken.policy.signed?.version, existsSync(site.dataDir)]).toEqual([false, 7, false]);
    mkdirSync(join(site.dataDir, "identity"), { recursive: true });
    writeFileSync(join(site.dataDir, "identity/device.key"), "");
    expect(await rememberPolicy(await site.config(), taken.policy)).toBe(true);
    expect(await refusedFor({ version: 6, guard: {} })).toMatch(/^older/);
  });
});

describe("R41 what is told of a policy", () => {
  it("is a problem of its key, or a warning before it ends", async () => {
    expect(judgePolicy(await find(), nowMs, (await site.config()).guard)).toMatchObject([
      { level: "problem", path: ["guard", "policy_file"] },
    ]);
    await site.take({ version: 7, not_after: new Date(nowMs + 29 * dayMs).toISOString(), guard: {} });
    expect(judgePolicy(await find(), nowMs, (await site.config()).guard)).toMatchObject([
      {
        level: "warning",
        sentence: "the policy ends on 2026-12-22T03:00:00.000Z; a start after that lets out tokens alone",
      },
    ]);
    await site.take({ version: 7, not_after: new Date(nowMs + 31 * dayMs).toISOString(), guard: {} });
    expect(judgePolicy(await find(), nowMs, (await site.config()).guard)).toEqual([]);
    await site.take({ version: 8, guard: { core: "drop" } });
    expect(judgePolicy(await find(), nowMs, (await site.config()).guard)).toMatchObject([
      { level: "warning", path: ["guard", "policy"], sentence: expect.stringContaining("has no effect") },
    ]);
  });

  it("is also that the certificate of the centre's key is over, not yet valid, or ends soon", async () => {
    const told = async (fromDays: number, toDays: number): Promise<string[]> => {
      site.put("centre.pem", aPair(nowMs + fromDays * dayMs, nowMs + toDays * dayMs).cert);
      const found = await judgeCentreKey(await site.config(), nowMs);
      return found.map(({ level, path, sentence }) => `${level} ${path.join(".")}: ${sentence}`);
    };
    const proof = "; what the centre signs is proven by its key all the same";
    const place = "warning guard.policy_key_file: its certificate";
    expect(await told(-10, 0)).toEqual([`${place} ended on 2026-11-23T03:00:00.000Z${proof}`]);
    expect(await told(1, 100)).toEqual([`${place} begins on 2026-11-24T03:00:00.000Z${proof}`]);
    expect(await told(-10, 29)).toEqual([`${place} ends on 2026-12-22T03:00:00.000Z`]);
    expect(await told(-10, 31)).toEqual([]);
    site.put("centre.pem", site.centre.publicKey);
    expect(await judgeCentreKey(await site.config(), nowMs)).toEqual([]);
    site.put("centre.pem", "none");
    expect(await judgeCentreKey(await site.config(), nowMs)).toEqual([]);
  });

  it("is also whether its file is still what was read, and whether it ended meanwhile", async () => {
    const until = new Date(nowMs + dayMs).toISOString();
    await site.take({ version: 7, not_after: until, guard: {} });
    const policy = await find();
    expect(await policyStatus(policy, nowMs)).toMatchObject({
      version: 7,
      crypto: "intl",
      isOver: false,
      fileNow: "same",
    });
    expect(await policyStatus(policy, nowMs + dayMs)).toMatchObject({ notAfter: until, isOver: true });
    await site.take({ version: 8, guard: {} });
    expect(await policyStatus(policy, nowMs)).toMatchObject({ version: 7, fileNow: "changed" });
    rmSync(join(site.dir, "policy.jws"));
    expect(await policyStatus(policy, nowMs)).toMatchObject({ version: 7, fileNow: "gone" });
  });
});
