import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, readConfig } from "../../src/config/index.ts";
import { signAsCentre } from "../../src/guard/policy/index.ts";
import { smallest } from "../config/sound.ts";

/** The centre's key for policies. */
export interface Centre {
  readonly privateKey: Buffer;
  readonly publicKey: Buffer;
  sign(policy: unknown): Promise<string>;
}

const kinds = {
  Ed25519: () => generateKeyPairSync("ed25519"),
  "P-256": () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  RSA: () => generateKeyPairSync("rsa", { modulusLength: 2_048 }),
};

export function aCentre(kind: keyof typeof kinds = "Ed25519"): Centre {
  const pair: { publicKey: KeyObject; privateKey: KeyObject } = kinds[kind]();
  const privateKey = Buffer.from(pair.privateKey.export({ type: "pkcs8", format: "pem" }));
  const publicKey = Buffer.from(pair.publicKey.export({ type: "spki", format: "pem" }));
  return {
    privateKey,
    publicKey,
    async sign(policy) {
      const text = typeof policy === "string" ? policy : JSON.stringify(policy);
      return (await signAsCentre("policy", Buffer.from(text), privateKey))!;
    },
  };
}

/** A folder with a config that names a signed policy, and the centre's key. */
export interface PolicySite {
  readonly dir: string;
  readonly configPath: string;
  readonly dataDir: string;
  readonly centre: Centre;
  config(): Promise<Config>;
  /** Puts a file there. */
  put(name: string, content: string | Uint8Array): void;
  /** Has the centre sign a policy, and puts it where the config looks for it. */
  take(policy: unknown): Promise<void>;
  remove(): void;
}

export function aPolicySite(guard = "", centre = aCentre()): PolicySite {
  const dir = mkdtempSync(join(tmpdir(), "sortgate-policy-"));
  const dataDir = join(dir, "data");
  const configPath = join(dir, "sortgate.toml");
  const put: PolicySite["put"] = (name, content) => writeFileSync(join(dir, name), content);
  put("centre.pem", centre.publicKey);
  const names = 'policy_file = "policy.jws"\npolicy_key_file = "centre.pem"\n';
  const head = smallest.replace('id = "line-3"', `id = "line-3"\ndata_dir = "${dataDir}"`);
  put("sortgate.toml", `${head.replace("/dev/serial/by-id/usb-a", "/dev/pts/ptmx")}[guard]\n${names}${guard}`);
  return {
    dir,
    configPath,
    dataDir,
    centre,
    config: () => readConfig(configPath),
    put,
    take: async (policy) => put("policy.jws", await centre.sign(policy)),
    remove: () => rmSync(dir, { recursive: true, force: true }),
  };
}
