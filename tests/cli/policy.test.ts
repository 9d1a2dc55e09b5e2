import { execFileSync } from "node:child_process";
import { createHash, createPublicKey } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { signAsCentre } from "../../src/guard/policy/index.ts";
import { takePolicy } from "../../src/policy.ts";
import { aPair } from "../config/certificates.ts";
import { aCentre, aPolicySite, type PolicySite } from "../fakes/policy.ts";
import { runHere } from "./run-here.ts";

let site: PolicySite;
beforeEach(() => {
  site = aPolicySite('carriers = ["sf"]\n');
});
afterEach(() => site.remove());

const show = (...more: string[]) => runHere("policy", "show", "--config", site.configPath, ...more);
const check = (...more: string[]) => runHere("check", "--config", site.configPath, ...more);

/** The policy was in force in a run of the daemon. */
async function used(policy: unknown): Promise<void> {
  mkdirSync(join(site.dataDir, "identity"), { recursive: true });
  writeFileSync(join(site.dataDir, "identity/device.key"), "");
  await site.take(policy);
  expect((await takePolicy(await site.config(), Date.now())).policy.refused).toBeUndefined();
  // No key that a start would take: only what is remembered counts here.
  rmSync(join(site.dataDir, "identity/device.key"));
}

describe("sortgate policy sign", () => {
  test("R41 signs what the gateway then works by, with a key that openssl made", async () => {
    for (const kind of [
      ["Ed25519"],
      ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
      ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ]) {
      const key = join(site.dir, "centre.key");
      execFileSync("openssl", ["genpkey", "-algorithm", ...kind, "-out", key], { stdio: "pipe" });
      site.put("centre.pem", execFileSync("openssl", ["pkey", "-in", key, "-pubout"]));
      site.put("policy.json", '{"version": 7, "site": "HZ01", "guard": {"core": "mask"}}');
      const { code, stdout, stderr } = await runHere("policy", "sign", join(site.dir, "policy.json"), "--key", key);
      expect([code, stderr, stdout]).toEqual([0, "", expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)]);
      site.put("policy.jws", stdout);
      expect(JSON.parse((await show("--json")).stdout), kind[0]).toMatchObject({ version: 7 });
    }
  });

  test("R41 signs no policy that a gateway would refuse, and with no key that it would", async () => {
    const sign = (text: string | Uint8Array, key: string | Uint8Array = site.centre.privateKey) => {
      site.put("policy.json", text);
      site.put("key.pem", key);
      return runHere("policy", "sign", join(site.dir, "policy.json"), "--key", join(site.dir, "key.pem"));
    };
    const wrong = await sign('{"version": 7, "guard": {"core": "clear"}}');
    expect([wrong.code, wrong.stdout]).toEqual([1, ""]);
    expect(wrong.stderr).toMatch(
      /^Error: .*policy\.json {2}guard > core: found "clear"; allowed: one of .*\nTry: .*\n$/,
    );
    for (const [text, told] of [
      [
        '{"version": 7, "guard": {"policy": [{"read_point": "tunnel-1"}, {"read_point": "dock"}, {"read_point": "tunnel-1", "core": "mask"}]}}',
        /^Error: \S+policy\.json {2}guard > policy: found "tunnel-1" twice; allowed: one policy for each read point\nTry: .+\n$/,
      ],
      [
        '{"version": 7,\n  "guard": {"carriers": [sf]}}',
        /^Error: \S+policy\.json {2}found a text that is no JSON \(line 2, column 26\); allowed: one JSON object\nTry: .+\n$/,
      ],
      [
        '{"version": 7, "not_after": "2020-01-01T00:00:00Z", "guard": {}}',
        /^Error: \S+policy\.json {2}not_after: found "2020-01-01T00:00:00Z", which is past; allowed: a time to come\nTry: write a later one.+\n$/,
      ],
    ] as const)
      expect(await sign(text)).toMatchObject({ code: 1, stdout: "", stderr: expect.stringMatching(told) });
    expect((await sign('{"version": 7, "not_after": "2036-01-01T00:00:00Z", "guard": {}}')).code).toBe(0);
    const good = '{"version": 7, "guard": {}}';
    expect((await sign(`\ufeff${good}`)).code).toBe(0);
    expect((await sign(good, site.centre.publicKey)).stderr).toContain("holds no private key");
    const p384 = execFileSync("openssl", ["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"]);
    expect((await sign(good, p384)).stderr).toMatch(
      /the centre does not sign with\nTry: make one under another name: openssl genpkey/,
    );
    const absent = await runHere("policy", "sign", join(site.dir, "none.json"), "--key", join(site.dir, "key.pem"));
    expect([absent.code, absent.stderr]).toEqual([
      1,
      expect.stringMatching(/Cannot read .*none\.json \(ENOENT\)\nTry: /),
    ]);
  });
});

describe("sortgate policy show", () => {
  test("R41 tells the policy by read point, its version and hash, and where each key comes from", async () => {
    await site.take({
      version: 7,
      not_after: "2036-01-01T00:00:00Z",
      guard: { core: "token", policy: [{ read_point: "tunnel-1", basic: "mask" }] },
    });
    const { code, stdout } = await show();
    expect(code).toBe(0);
    expect(stdout).toMatch(/^signed policy {2}version 7, .*policy\.jws$/m);
    const der = createPublicKey(site.centre.publicKey).export({ type: "spki", format: "der" });
    const [fingerprint] = createHash("sha256")
      .update(der)
      .digest("hex")
      .match(/^.{16}/)!;
    expect(stdout).toContain(`signed with    ${fingerprint.match(/.{4}/g)!.join(" ")}\n`);
    expect(stdout).toMatch(/^holds until +2036-01-01T00:00:00Z$/m);
    expect(stdout).toMatch(/^hash +[\w-]{43}, as in checkpoints$/m);
    expect(stdout).toMatch(/^tunnel-1 +token +mask +clear$/m);
    expect(stdout).toMatch(/^core +token +the signed policy$/m);
    expect(stdout).toMatch(/^carriers +sf +the config, or its default$/m);
    expect(stdout).toMatch(/^policy +tunnel-1 +the signed policy$/m);
  });

  test("R41 tells what is in force instead of a policy that does not hold, and ends with 1", async () => {
    await used({ version: 7, guard: {} });
    await site.take({ version: 6, guard: {} });
    const { code, stdout } = await show();
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^The signed policy does not hold, .*: the policy is version 6, .*\n {2}Try: .* as version 8$/m,
    );
    expect(stdout).toMatch(/^tunnel-1 +drop +token +drop$/m);
    expect(stdout).toMatch(/^core +drop +no policy that holds$/m);
    expect(JSON.parse((await show("--json")).stdout)).toMatchObject({
      reason: "older",
      readPoints: [{ basic: "token" }],
    });
  });
});

describe("sortgate check", () => {
  test("R41 proves the signed policy: one sentence at its line, and what to try", async () => {
    const told = async (): Promise<string[]> => {
      const { code, stdout } = await check("--json");
      const { problems } = JSON.parse(stdout) as {
        problems: { line: number; key: string; sentence: string; hint: string }[];
      };
      expect(code).toBe(problems.length === 0 ? 0 : 1);
      return problems.map(
        ({ line, key, sentence, hint }) => `${line} ${key}: ${sentence} (${hint === "" ? "no hint" : "hint"})`,
      );
    };
    expect(await told()).toEqual([
      expect.stringMatching(/^17 guard > policy_file: the file .* cannot be read \(ENOENT\) \(hint\)$/),
    ]);
    site.put("policy.jws", '{"version": 7, "guard": {}}');
    expect(await told()).toEqual([
      "17 guard > policy_file: the file holds no compact JWS: the policy is not signed (hint)",
    ]);
    site.put("policy.jws", await aCentre().sign({ version: 7, guard: {} }));
    expect(await told()).toEqual([expect.stringContaining("signed with the key")]);
    expect((await check()).stdout).toMatch(
      /Try: compare that fingerprint with the one that the centre gave you; only if it is the centre's, put [^\n]*; otherwise find out who put policy_file there$/m,
    );
    const token = await site.centre.sign({ version: 7, guard: {} });
    site.put(
      "policy.jws",
      token.replace(/\.(.)/, (_, first) => `.${first === "e" ? "f" : "e"}`),
    );
    expect(await told()).toEqual([expect.stringContaining("the policy was altered, or signed with another key")]);
    for (const [policy, sentence] of [
      [{ version: 7, not_after: "2020-01-01T00:00:00Z", guard: {} }, "the policy ended on 2020-01-01T00:00:00Z"],
      [{ version: 7, site: "HZ02", guard: {} }, 'the policy is for the site "HZ02"'],
      [{ version: 7, guard: { core: "clear" } }, 'guard > core: found "clear"'],
      [{ version: 7, guard: { carriers: ["shunfeng"] } }, 'found "shunfeng"'],
      [{ version: 7, guard: { policy: [{ read_point: "tunnel-9" }] } }, 'found "tunnel-9", which is no read_point'],
    ] as const) {
      await site.take(policy);
      expect(await told()).toEqual([expect.stringContaining(sentence)]);
    }
    await used({ version: 7, guard: {} });
    expect(await told()).toEqual([]);
    await site.take({ version: 6, guard: {} });
    expect(await told()).toEqual([expect.stringContaining("the policy is version 6, and version 7 was used already")]);
    site.put("centre.pem", site.centre.privateKey);
    expect(await told()).toEqual([
      "18 guard > policy_key_file: the file holds a private key; allowed: the public one alone (hint)",
    ]);
  });

  test("R41 warns of a certificate that ended where the centre's key is to be", async () => {
    const { cert, key } = aPair(Date.now() - 10_000_000, Date.now() - 1_000_000);
    site.put("centre.pem", cert);
    site.put("policy.jws", (await signAsCentre("policy", Buffer.from('{"version":7,"guard":{}}'), Buffer.from(key)))!);
    const { code, stdout } = await check();
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /1 warning:\n\S+:18:1 {2}guard > policy_key_file: its certificate ended on .*\n.*\n? *Try: get a new certificate/,
    );
  });

  test("R41 prints the policies in force in short", async () => {
    await site.take({ version: 7, guard: { core: "token", basic: "token" } });
    const { stdout } = await check();
    expect(stdout).toMatch(
      /^policy +tunnel-1 {2}core token, basic token, public clear\n +version 7, signed; hash [\w-]{43}$/m,
    );
    expect(JSON.parse((await check("--json")).stdout).config.policy).toMatchObject({ version: 7 });
  });

  test("R41 refuses a policy file without a key for it, and the other way round", async () => {
    const text = (await import("../config/sound.ts")).smallest;
    for (const [key, want] of [
      ["policy_file", "policy_key_file: found nothing; allowed: the file of"],
      [
        "policy_key_file",
        "policy_key_file: found the centre's public key, which nothing needs; allowed: together with",
      ],
    ]) {
      site.put("half.toml", `${text}[guard]\n${key} = "a"\n`);
      const { code, stdout } = await runHere("check", "--config", join(site.dir, "half.toml"));
      expect([code, stdout]).toEqual([1, expect.stringContaining(`guard > ${want}`)]);
    }
  });
});
