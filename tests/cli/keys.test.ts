import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { smallest } from "../config/sound.ts";
import { runHere } from "./run-here.ts";

const folder = mkdtempSync(join(tmpdir(), "sortgate-keys-"));
const dataDir = join(folder, "data");
const config = join(folder, "sortgate.toml");
const inFolder = (name: string): string => join(folder, name);

function openssl(...args: string[]): string {
  return execFileSync("openssl", args, { encoding: "utf8", stdio: "pipe", cwd: folder });
}

beforeAll(() => {
  const text = smallest.includes("data_dir")
    ? smallest.replace(/data_dir = .*/, `data_dir = "${dataDir}"`)
    : smallest.replace(/^\[gateway\]$/m, `[gateway]\ndata_dir = "${dataDir}"`);
  writeFileSync(config, text);
  openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.crt", "-subj", "/CN=site");
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Signs the request as an authority would. */
function issued(request: string): string {
  writeFileSync(inFolder("asked.csr"), request);
  const base = ["x509", "-req", "-in", "asked.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"];
  return openssl(...base, "-days", "9", "-copy_extensions", "copy");
}

describe("sortgate keys", () => {
  test("csr makes the key and prints a request that openssl verifies", async () => {
    const { code, stdout, stderr } = await runHere("keys", "csr", "--config", config);
    expect(code).toBe(0);
    expect(stderr).toContain("Made a device key");
    writeFileSync(inFolder("printed.csr"), stdout);
    expect(openssl("req", "-in", "printed.csr", "-noout", "-verify", "-subject")).toContain("O = HZ01, CN = line-3");
    expect(readdirSync(join(dataDir, "identity")).sort()).toEqual(["device.crt", "device.key"]);
  });

  test("csr --out writes a new file, and never over one that is there", async () => {
    const out = inFolder("line-3.csr");
    const first = await runHere("keys", "csr", "--config", config, "--out", out);
    expect(first).toMatchObject({ code: 0, stderr: "" });
    expect(first.stdout).toContain("sortgate keys import");
    const text = readFileSync(out, "utf8");
    const second = await runHere("keys", "csr", "--config", config, "--out", out);
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(/^Error: .+ is there already and is not written over\nTry: .+ --out, .+\n$/);
    expect(readFileSync(out, "utf8")).toBe(text);
    const nowhere = await runHere("keys", "csr", "--json", "--config", config, "--out", inFolder("none/line-3.csr"));
    expect(nowhere.code).toBe(2);
    expect(JSON.parse(nowhere.stdout)).toMatchObject({ error: { code: "usage/invalid" } });
  });

  test("csr --json gives the request as JSON", async () => {
    const { stdout } = await runHere("keys", "csr", "--config", config, "--json");
    expect((JSON.parse(stdout) as { request: string }).request).toContain("BEGIN CERTIFICATE REQUEST");
  });

  test("import puts the authority's certificate in place and keeps the old one", async () => {
    const { stdout: request } = await runHere("keys", "csr", "--config", config);
    const before = readFileSync(join(dataDir, "identity", "device.crt"), "latin1");
    writeFileSync(inFolder("own.crt"), issued(request));
    const { code, stdout, stderr } = await runHere("keys", "import", inFolder("own.crt"), "--config", config);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toContain("O=HZ01, CN=line-3");
    expect(openssl("verify", "-CAfile", "ca.crt", join(dataDir, "identity", "device.crt"))).toContain("OK");
    const kept = readdirSync(join(dataDir, "identity")).find((name) => name.startsWith("device-")) ?? "";
    expect(readFileSync(join(dataDir, "identity", kept), "latin1")).toBe(before);
    const both = `--trust ${join(dataDir, "identity", kept)} --trust ${join(dataDir, "identity", "device.crt")}`;
    expect(stdout).toMatch(/^It endorses from the next start on\. Try: systemctl restart sortgate$/m);
    expect(stdout).toContain(both);
  });

  test("import of what is in place already changes nothing and says so", async () => {
    const files = () =>
      readdirSync(join(dataDir, "identity")).map((name) => [name, statSync(join(dataDir, "identity", name)).mtimeMs]);
    const before = files();
    const { code, stdout } = await runHere("keys", "import", inFolder("own.crt"), "--config", config);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^This certificate is in place already$[\s\S]*^Nothing was changed\. Try: sortgate keys show, /m,
    );
    expect(stdout).not.toMatch(/new certificate|old one|restart/);
    const json = await runHere("keys", "import", inFolder("own.crt"), "--json", "--config", config);
    expect(JSON.parse(json.stdout)).toMatchObject({ isNew: false, keptAs: null });
    expect(files()).toEqual(before);
  });

  test.each([
    ["somebody else's certificate", () => inFolder("ca.crt"), "is not over this gateway's device key"],
    ["a file that is not there", () => inFolder("nowhere.crt"), "Cannot read"],
    ["a directory", () => folder, "Cannot read"],
    ["a file without a certificate", () => config, "holds no certificate"],
  ])("import refuses %s and changes nothing", async (_, file, sentence) => {
    const path = join(dataDir, "identity", "device.crt");
    const before = readFileSync(path, "latin1");
    const { code, stderr } = await runHere("keys", "import", file(), "--config", config);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^Error: .+\nTry: .+\n$/);
    expect(stderr).toContain(sentence);
    expect(readFileSync(path, "latin1")).toBe(before);
  });

  test("check tells that the certificate ends soon", async () => {
    // It was imported above, for nine days.
    const { code, stdout } = await runHere("check", "--config", config);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /gateway > data_dir: The device certificate ends on .*\n(?: {4}.*\n)* {2}Try: .*sortgate keys csr/,
    );
  });

  test("print no key", async () => {
    const secret = readFileSync(join(dataDir, "identity", "device.key"), "latin1").split("\n")[1] as string;
    for (const argv of [["csr"], ["csr", "--json"], ["import", inFolder("own.crt")]]) {
      const { stdout, stderr } = await runHere("keys", ...argv, "--config", config);
      expect(stdout + stderr).not.toContain(secret);
    }
  });

  test("end with 2 if they are used wrongly, and with 1 without a config", async () => {
    expect((await runHere("keys", "import", "--config", config)).code).toBe(2);
    expect((await runHere("keys", "nonsense")).code).toBe(2);
    expect((await runHere("keys", "csr", "--config", inFolder("no.toml"))).code).toBe(1);
    expect(existsSync(inFolder("no.toml"))).toBe(false);
  });
});
