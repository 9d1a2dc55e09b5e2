import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkConfig, configDigest, readControl } from "../../src/config/index.ts";
import { smallest } from "./sound.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-control-of-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function found(text: string | Buffer, env: Record<string, string> = {}) {
  const path = join(folder, "sortgate.toml");
  writeFileSync(path, text);
  return readControl(path, env);
}

const socket = "/run/elsewhere/control.sock";
const withSocket = `${smallest}[control]\nsocket = "${socket}"\n`;
const defaultSocket = "/run/sortgate/control.sock";

test("a sound file gives its socket, and the digest that a daemon started with it has", async () => {
  const checked = await checkConfig("x.toml", { text: withSocket });
  expect(await found(withSocket)).toEqual({
    socket,
    state: "sound",
    digest: checked.ok && configDigest(checked.config),
    hasCredentials: false,
  });
  expect(await found(smallest)).toMatchObject({ socket: defaultSocket, state: "sound" });
});

test("a digest that holds the directory of credentials is told as such", async () => {
  const text = withSocket.replace(
    "[[read_point]]",
    `username = "u"\npassword_file = "\${CREDENTIALS_DIRECTORY}/p"\n$&`,
  );
  expect(await found(text, { CREDENTIALS_DIRECTORY: "/run/c" })).toMatchObject({
    state: "sound",
    hasCredentials: true,
  });
});

test.each([
  ["a mistyped key", withSocket.replace("site =", "sit =")],
  ["a value of the wrong kind", withSocket.replace('"HZ01"', "7")],
  ["a key of [control] that is not known", `${withSocket}htpp = "127.0.0.1:1"\n`],
  ["a missing section", withSocket.replace(/\[\[broker\]\]\n.*\n.*\n/, "")],
  ["a line that is no TOML", withSocket.replace('"HZ01"', "HZ01")],
  ["a line that is no TOML, behind [control]", `${withSocket}[log]\nlevel = info\n`],
  ["a text without its quote", withSocket.replace('"line-3"', '"line-3')],
  ["a key that is given twice", withSocket.replace('id = "line-3"', 'id = "line-3"\nid = "line-4"')],
  ["a comment that is not UTF-8", Buffer.from(`# Stra\xdfe\n${withSocket}`, "latin1")],
  ["a dotted key before a line that is no TOML", `control.socket = "${socket}"\n${smallest}x\n`],
])("%s does not hide the socket", async (_fact, text) => {
  expect(await found(text)).toMatchObject({ socket, state: "flawed", digest: undefined });
});

test.each([
  ["whose socket is no path", withSocket.replace(socket, "control.sock")],
  ["whose socket is a number", withSocket.replace(`"${socket}"`, "7")],
  ["whose line of the socket is no TOML", withSocket.replace(`"${socket}"`, socket)],
  ["that is no TOML and names none", smallest.replace('"HZ01"', "HZ01")],
])("a file %s leaves the default, and that is said", async (_fact, text) => {
  expect(await found(text)).toMatchObject({ socket: defaultSocket, state: "lost" });
});

test("a file with problems that names no socket means the default", async () => {
  expect(await found(smallest.replace("site =", "sit ="))).toMatchObject({ socket: defaultSocket, state: "flawed" });
});

test("a file that is not there is an error", async () => {
  await expect(readControl(join(folder, "none.toml"), {})).rejects.toMatchObject({ code: "config/unreadable" });
});
