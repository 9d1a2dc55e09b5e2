import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { provenByCentre } from "../../src/guard/policy/index.ts";
import { limits } from "../../src/model/limits.ts";
import { smallest } from "../config/sound.ts";
import { anOrder } from "../fakes/centre.ts";
import { aCentre } from "../fakes/policy.ts";
import { runHere } from "./run-here.ts";

const token = "t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A";
const number = "SF1385628716739";

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "sortgate-order-"));
});
afterEach(() => rmSync(dir, { recursive: true }));

const put = (name: string, content: string | Uint8Array): void => writeFileSync(join(dir, name), content);
const sign = (order: unknown, key: string | Uint8Array) => {
  put("order.json", typeof order === "string" ? order : JSON.stringify(order));
  put("key.pem", key);
  return runHere("order", "sign", join(dir, "order.json"), "--key", join(dir, "key.pem"));
};

describe("R33 sortgate order sign", () => {
  test("signs what a gateway then takes for an order, and for no policy, with a key that openssl made", async () => {
    for (const kind of [
      ["Ed25519"],
      ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"],
      ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"],
    ]) {
      const key = execFileSync("openssl", ["genpkey", "-algorithm", ...kind], { stdio: "pipe" });
      const order = anOrder(7, [token, number], { notAfter: "2099-01-01T00:00:00Z" });
      const { code, stdout, stderr } = await sign(order, key);
      expect([code, stderr, stdout]).toEqual([0, "", expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)]);
      const publicKey = execFileSync("openssl", ["pkey", "-in", join(dir, "key.pem"), "-pubout"]);
      const proven = await provenByCentre("order", Buffer.from(stdout), publicKey);
      expect("payload" in proven && JSON.parse(Buffer.from(proven.payload).toString())).toEqual(order);
      const asPolicy = await provenByCentre("policy", Buffer.from(stdout), publicKey);
      expect("refused" in asPolicy && asPolicy.refused.reason).toBe("unsigned");
    }
  });

  test("signs none that a gateway would refuse, and repeats nothing of it", async () => {
    const { privateKey, publicKey } = aCentre();
    const told = async (order: unknown, key: Uint8Array = privateKey): Promise<string> => {
      const { code, stdout, stderr } = await sign(order, key);
      expect([code, stdout, stderr]).toEqual([1, "", expect.stringMatching(/^Error: .*\nTry: .+\n$/)]);
      expect(stderr).not.toMatch(/SF138|t1\.J8/);
      return stderr;
    };
    expect(await told(anOrder(7, [token, "of Anna"]))).toMatch(/order\.json {2}erase: number 2 of the list is neither/);
    expect(await told(anOrder(0, [token]))).toMatch(/order is missing or of another form; allowed: a whole number/);
    expect(await told(anOrder(Number.MAX_SAFE_INTEGER, [token]))).toMatch(
      /order is missing or of another form; allowed: a whole number from 1 to 1000000000000/,
    );
    expect(await told(anOrder(7, [token], { notafter: number }))).toMatch(
      /order\.json {2}it has a member that no order has; allowed: site, [^\n]*, erase; found: "notafter"\nTry: correct it; /,
    );
    expect(await told(`{"erase":["${number}"]`)).toMatch(
      /order\.json {2}it is no JSON \(it ends too early, at line 1, column 29\); allowed: /,
    );
    expect(await told(`{\n  "reason": "T",\n  "erase": [${number}]}`)).toMatch(/it is no JSON \(line 3, column 13\)/);
    expect(await told(anOrder(7, [token], { notAfter: "2020-01-01T00:00:00Z" }))).toMatch(/it ended on 2020-01-01/);
    expect(await told(anOrder(7, Array(1_000).fill("1".repeat(64))))).toMatch(
      new RegExp(`signed it has \\d+ bytes; allowed: ${limits.orderBytesMax}\\nTry: make two of it`),
    );
    expect(await told(anOrder(7, [token]), publicKey)).toMatch(/holds no private key/);
    expect((await runHere("order", "sign", join(dir, "none.json"), "--key", join(dir, "key.pem"))).stderr).toMatch(
      /Cannot read .*none\.json \(ENOENT\)\nTry: /,
    );
  });

  test("signs a file with a byte order mark as one without", async () => {
    const { code, stdout, stderr } = await sign(`\ufeff${JSON.stringify(anOrder(7, [token]))}`, aCentre().privateKey);
    expect([code, stderr, stdout]).toEqual([0, "", expect.stringMatching(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)]);
  });

  test("signs a thousand tokens in one order", async () => {
    const { code, stdout } = await sign(anOrder(7, Array(1_000).fill(token)), aCentre("RSA").privateKey);
    expect([code, stdout.length < limits.orderBytesMax]).toEqual([0, true]);
  });
});

describe("R33 sortgate check", () => {
  const text = smallest
    .replace('1883"\n', '1883"\norders = true\n')
    .replace("/dev/serial/by-id/usb-a", "/dev/pts/ptmx");
  const check = async (config: string) => {
    put("sortgate.toml", config);
    return runHere("check", "--config", join(dir, "sortgate.toml"));
  };

  test("wants the centre's public key where orders are taken, and says where to put it", async () => {
    const { code, stdout } = await check(text);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /:\d+:1 {2}broker "central" > orders: found true, and policy_key_file is missing in \[guard\]; allowed .*\n {2}Try: put the centre's public key there, .*policy_key_file = …\n/,
    );
    expect((await check(text.replace("orders = true", "orders = false"))).code).toBe(0);
  });

  test("refuses orders by a broker that gets views", async () => {
    put("centre.pem", aCentre().publicKey);
    const viewed = text.replace("orders = true\n", "orders = true\n[broker.view]\n");
    const { code, stdout } = await check(`${viewed}[guard]\npolicy_key_file = "centre.pem"\n`);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /:\d+:1 {2}broker "central" > orders: found true, and this broker gets views; allowed: [^\n]*\n {2}Try: write orders = true in the \[\[broker\]\] of the centre/,
    );
  });

  test("proves that key, also without a signed policy", async () => {
    const centre = aCentre();
    const named = `${text}[guard]\npolicy_key_file = "centre.pem"\n`;
    const told = async (): Promise<string> => (await check(named)).stdout;
    expect(await told()).toMatch(
      /guard > policy_key_file: the centre's public key .*centre\.pem cannot be read \(ENOENT\)/,
    );
    put("centre.pem", centre.privateKey);
    expect(await told()).toMatch(
      /guard > policy_key_file: the file holds a private key; allowed: the public one alone/,
    );
    put("centre.pem", centre.publicKey);
    const { code, stdout } = await check(named);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/central {2}mqtt:.*; gives orders$/m)]);
    // To be compared with the centre's own, as an operator of the centre would look for it.
    const der = execFileSync("openssl", ["pkey", "-pubin", "-in", join(dir, "centre.pem"), "-outform", "DER"]);
    const fingerprint = createHash("sha256").update(der).digest("hex");
    const short = fingerprint.slice(0, 16).match(/.{4}/g)!.join(" ");
    expect(stdout).toMatch(new RegExp(`^ *orders +proven by the key ${short}$`, "m"));
    const json = JSON.parse((await runHere("check", "--json", "--config", join(dir, "sortgate.toml"))).stdout);
    expect(json.config.orderKey).toEqual({ fingerprint });
  });

  test("says that the key is of no use with neither orders nor a signed policy", async () => {
    put("centre.pem", aCentre().publicKey);
    const idle = `${text.replace("orders = true\n", "")}[guard]\npolicy_key_file = "centre.pem"\n`;
    const { code, stdout } = await check(idle);
    expect(code).toBe(1);
    expect(stdout).toMatch(/guard > policy_key_file: found the centre's public key, which nothing needs; allowed: /);
  });
});
