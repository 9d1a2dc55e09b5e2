import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readConfig } from "../../src/config/index.ts";
import { openIdentity } from "../../src/identity/index.ts";
import { createSystemClock } from "../../src/lib/clock.ts";
import { smallest as smallestSound } from "../config/sound.ts";
import { runHere } from "./run-here.ts";

/** With a port that is there on every Linux, below a folder of stable names. */
const smallest = smallestSound.replace("/dev/serial/by-id/usb-a", "/dev/pts/ptmx");

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-check-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function written(text: string): string {
  const path = join(folder, "sortgate.toml");
  writeFileSync(path, text);
  return path;
}

test("a sound file is summarised and ends with 0", async () => {
  const path = written(smallest);
  const { code, stdout, stderr } = await runHere("check", "--config", path);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout.split("\n")[0]).toBe(`${path} is fine`);
  for (const fact of [
    "HZ01",
    "line-3",
    "mqtt://127.0.0.1:1883",
    "tunnel-1",
    "scanner-1  serial /dev/pts/ptmx",
    "s10, sscc",
  ])
    expect(stdout).toContain(fact);
  expect(stdout).not.toContain("warning");
});

test.each([
  ["clear", "clear", 'basic = "clear"', "numbers clear, routing clear\n"],
  ["mask", "clear", 'basic = "clear"', "numbers token (not clear: the policy keeps it), routing clear\n"],
  ["mask", "clear", 'basic = "mask"', "numbers drop (not mask: the policy keeps it), routing clear\n"],
  ["mask", "clear", 'basic = "token"', "numbers token, routing clear\n"],
  ["mask", "drop", 'basic = "drop"', "numbers drop, routing carrier alone (not clear: the policy keeps it)\n"],
  ["mask", "drop", 'basic = "drop"\npublic = "drop"', "numbers drop, routing drop\n"],
])(
  "with basic = %s and public = %s in the policy, a view with %s is told as what it gets",
  async (basic, open, view, text) => {
    const broker = smallest.replace(
      '1883"\n',
      `1883"\n[broker.view]\n${view.includes("public") ? view : `${view}\npublic = "clear"`}\n`,
    );
    const path = written(`${broker}[guard]\nbasic = "${basic}"\npublic = "${open}"\n`);
    const { stdout } = await runHere("check", "--config", path);
    expect(stdout).toContain(`; gets views: ${text}`);
  },
);

test("the national algorithms are told where they are on", async () => {
  const rest = '[guard]\ncrypto = "gm"\n';
  const { stdout } = await runHere("check", "--config", written(smallest + rest));
  expect(stdout).toMatch(/^ *crypto +gm: tokens by HMAC-SM3, sealing by SM2/m);
  const { stdout: json } = await runHere("check", "--json", "--config", written(smallest + rest));
  expect(JSON.parse(json)).toMatchObject({ config: { crypto: "gm" } });
  const other = await runHere("check", "--config", written(smallest));
  expect(other.stdout).not.toMatch(/crypto/);
});

test("a view is told by read point where the policy of one keeps numbers", async () => {
  const point = '[[read_point]]\nname = "cell-2"\n';
  const rest = `${point}[[guard.policy]]\nread_point = "cell-2"\nbasic = "mask"\n`;
  const view = smallest.replace('1883"\n', '1883"\n[broker.view]\nbasic = "clear"\npublic = "drop"\n');
  const all = await runHere("check", "--config", written(view + rest));
  expect(all.stdout).toContain("; gets views: numbers clear (at cell-2 token), routing drop\n");
  const one = view.replace('basic = "clear"\n', 'basic = "clear"\nread_points = ["tunnel-1"]\n');
  const { stdout } = await runHere("check", "--config", written(one + rest));
  expect(stdout).toContain("; gets views: numbers clear, routing drop of tunnel-1 alone\n");
});

test("every problem is told with file, line, key and what to try, and the end is 1", async () => {
  const path = written(smallest.replace('"HZ01"', '"HZ 01"').replace('"serial"', '"seral"'));
  const { code, stdout } = await runHere("check", "--config", path);
  expect(code).toBe(1);
  expect(stdout.split("\n")).toEqual([
    `${path}: 2 problems`,
    `${path}:2:1  gateway > site: found "HZ 01"; allowed: 1 to 64 letters, digits, - and _`,
    "  Try: correct site; config/README.md explains every key",
    `${path}:12:1  device "scanner-1" > driver: found "seral"; allowed: one of "serial", "tcp", "opcua"`,
    '  Try: write driver = "serial"',
    "",
  ]);
});

test("a syntax error shows the line above a caret", async () => {
  const { stdout } = await runHere("check", "--config", written(smallest.replace('"HZ01"', "HZ01")));
  expect(stdout).toContain("    site = HZ01\n           ^\n  Try: ");
});

test("files that the configuration names are looked at", async () => {
  const path = written(smallest.replace('mqtt://127.0.0.1:1883"', 'mqtts://b:1"\nca_file = "none.pem"'));
  const { code, stdout } = await runHere("check", "--config", path);
  expect(code).toBe(1);
  expect(stdout).toContain("but there is no such file");
});

test("a data_dir that is a file, or below one, is one problem, for the daemon too", async () => {
  const file = join(folder, "ca.pem");
  writeFileSync(file, "");
  for (const [dataDir, what] of [
    [file, "which is a file"],
    [join(file, "data"), "which lies below a file"],
  ]) {
    const path = written(smallest.replace("[gateway]\n", `[gateway]\ndata_dir = "${dataDir}"\n`));
    const { code, stdout } = await runHere("check", "--config", path);
    const sentence = `${path}:2:1  gateway > data_dir: found "${dataDir}", ${what}, not a directory; allowed: a directory, or nothing yet`;
    const hint = 'name a directory of its own for this gateway, for example data_dir = "/var/lib/sortgate"';
    expect({ code, stdout }).toEqual({ code: 1, stdout: `${path}: 1 problem\n${sentence}\n  Try: ${hint}\n` });
    await expect(readConfig(path)).rejects.toMatchObject({ code: "config/invalid", message: sentence, hint });
  }
});

test("the summary says whether metrics and health are served", async () => {
  const { stdout: off } = await runHere("check", "-c", written(smallest));
  expect(off).toMatch(/^http +off: \/metrics, \/healthz and \/readyz are not served$/m);
  const { stdout: on } = await runHere("check", "-c", written(`${smallest}[control]\nhttp = "127.0.0.1:9477"\n`));
  expect(on).toMatch(/^http +127\.0\.0\.1:9477$/m);
});

test("a warning alone ends with 0", async () => {
  const { code, stdout } = await runHere("check", "-c", written(smallest.replace("/dev/pts/ptmx", "/dev/null")));
  expect(code).toBe(0);
  expect(stdout).toContain("1 warning:");
});

test("a scanner that is not plugged in, and a rate that is a slip of the pen, are warnings", async () => {
  const { code, stdout } = await runHere("check", "-c", written(`${smallestSound}baud_rate = 9601\n`));
  expect(code).toBe(0);
  expect(stdout).toContain("2 warnings:");
  expect(stdout).toMatch(/not there now; it may be plugged in later\n {2}Try: plug the scanner in/);
  expect(stdout).toMatch(/found 9601, an unusual rate\n {2}Try: .* the nearest usual one is 9600\n/);
});

test("--json tells the same to programs", async () => {
  const sound = JSON.parse((await runHere("check", "--json", "-c", written(smallest))).stdout);
  expect(sound).toMatchObject({ ok: true, problems: [], warnings: [], config: { site: "HZ01", gateway: "line-3" } });
  expect(sound.config.digest).toMatch(/^[0-9a-f]{64}$/);
  const broken = await runHere("check", "--json", "-c", written(smallest.replace("line-3", "")));
  expect(broken.code).toBe(1);
  expect(JSON.parse(broken.stdout)).toMatchObject({
    ok: false,
    problems: [{ code: "config/invalid", line: 3, key: "gateway > id" }],
  });
});

test("of very many problems the first hundred are shown", async () => {
  const { stdout } = await runHere("check", "-c", written(`${smallest}[guard]\ncarriers = [${'"qq",'.repeat(500)}]\n`));
  expect(stdout.match(/^ {2}Try: /gm)).toHaveLength(100);
  expect(stdout).toContain("… and 400 more");
});

test("control characters from the file do not reach the terminal", async () => {
  const { stdout } = await runHere("check", "-c", written(smallest.replace('"HZ01"', '"\\u001b[31m\\u202e"')));
  expect(stdout.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Bidi_Control}]/u);
});

test("of a file that is not there, or is empty, the hint names that file", async () => {
  const none = join(folder, "none.toml");
  for (const command of ["check", "run", "status", "probe"]) {
    const argv = command === "probe" ? [command, "scanner-1"] : [command];
    const { stdout, stderr } = await runHere(...argv, "-c", none);
    expect(stdout + stderr, command).toContain(`sortgate init ${none}, or`);
  }
  const empty = written("");
  expect((await runHere("check", "-c", empty)).stdout).toContain(`sortgate init ${empty} --force`);
});

describe("the identity in data_dir", () => {
  const dataDir = (): string => join(folder, "data");
  const inIdentity = (name: string): string => join(dataDir(), "identity", name);
  const checked = () =>
    runHere("check", "--config", written(smallest.replace("[gateway]", `[gateway]\ndata_dir = "${dataDir()}"`)));

  test("is looked at as run does: what a start would refuse is a problem", async () => {
    expect((await checked()).code).toBe(0);
    await openIdentity({ dataDir: dataDir(), site: "HZ01", gateway: "line-3", clock: createSystemClock() });
    expect(await checked()).toMatchObject({ code: 0, stdout: expect.not.stringContaining("warning") });
    chmodSync(inIdentity("device.key"), 0o644);
    const open = await checked();
    expect(open.code).toBe(1);
    expect(open.stdout).toMatch(
      /gateway > data_dir: \S+device\.key is open to other users.*\n(.*\n)* {2}Try: chmod 600/,
    );
    renameSync(inIdentity("device.key"), inIdentity("key"));
    const gone = await checked();
    expect([gone.code, gone.stdout]).toEqual([1, expect.stringMatching(/device\.key is missing\n/)]);
    renameSync(inIdentity("device.crt"), inIdentity("crt"));
    expect((await checked()).code).toBe(0);
  });

  test("is said to be unseen by a user who may not look into it, and nothing is refused for that", async () => {
    const path = join(folder, "sortgate.toml");
    await openIdentity({ dataDir: dataDir(), site: "HZ01", gateway: "line-3", clock: createSystemClock() });
    await checked();
    chmodSync(folder, 0o755);
    chmodSync(dataDir(), 0o000);
    const isRoot = process.geteuid?.() === 0;
    // Root may read everything, so the check is made as nobody.
    if (isRoot) process.seteuid?.(65_534);
    const { code, stdout } = await runHere("check", "--config", path).finally(() => {
      if (isRoot) process.seteuid?.(0);
      chmodSync(dataDir(), 0o750);
    });
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /cannot be told by this user\n(.*\n)* {2}Try: run this command as the user that runs sortgate/,
    );
  });
});
