import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { builtMain } from "../cli/run-here.ts";
import { smallest } from "../config/sound.ts";
import { read } from "./documents.ts";

const centre = [
  "openssl genpkey -algorithm Ed25519 -out centre-policy.key",
  "openssl pkey -in centre-policy.key -pubout -out centre-policy.pem",
  "sortgate policy sign policy.json --key centre-policy.key > policy.jws",
];

test("R41 the commands of docs/privacy.md sign the policy that stands there, and the gateway takes it", () => {
  const folder = mkdtempSync(join(tmpdir(), "sortgate-docs-policy-"));
  const section = read("docs/privacy.md").split("## A policy signed by the centre")[1]!;
  const policy = JSON.parse(/```json\n([\s\S]*?)```/.exec(section)![1]!);
  // The day in the document comes some time.
  const later = new Date(Date.now() + 365 * 86_400_000).toISOString();
  writeFileSync(join(folder, "policy.json"), JSON.stringify({ ...policy, not_after: later }));
  const names = 'policy_file = "policy.jws"\npolicy_key_file = "centre-policy.pem"\n';
  const text = smallest
    .replace("/dev/serial/by-id/usb-a", "/dev/pts/ptmx")
    .replace("[[broker]]", `data_dir = "${folder}"\n[[broker]]`);
  writeFileSync(join(folder, "sortgate.toml"), `${text}[guard]\n${names}`);
  const run = (line: string): string => {
    const command = line.replace(/^sortgate/, `"${process.execPath}" "${builtMain}"`);
    return execFileSync("sh", ["-c", command], { cwd: folder, encoding: "utf8", stdio: "pipe" });
  };
  for (const line of centre) run(line);
  expect(run("sortgate check --config sortgate.toml")).toMatch(/version 7, signed; hash/);
  expect(run("sortgate policy show --config sortgate.toml")).toMatch(/^signed policy +version 7/m);
  rmSync(folder, { recursive: true });
});
