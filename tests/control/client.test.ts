import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createControlClient } from "../../src/control/index.ts";

let folder: string;
let servers: Server[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sortgate-client-"));
  servers = [];
});
afterEach(() => {
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});

/** A daemon that answers each request with these bytes, whatever they are. */
async function aDaemon(answer: (socket: Socket) => void): Promise<string> {
  const path = join(folder, "control.sock");
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => answer(socket));
  });
  servers.push(server);
  await once(server.listen(path), "listening");
  return path;
}

const isRoot = process.getuid?.() === 0;

/** Does it as a user without rights; root would open everything. */
async function asNobody<Result>(act: () => Promise<Result>): Promise<Result> {
  if (!isRoot) return act();
  const groups = process.getgroups?.() ?? [];
  process.setgroups?.([]);
  process.setegid?.(65_534);
  process.seteuid?.(65_534);
  try {
    return await act();
  } finally {
    process.seteuid?.(0);
    process.setegid?.(0);
    process.setgroups?.(groups);
  }
}

async function all(lines: AsyncIterable<Buffer>): Promise<string[]> {
  const texts: string[] = [];
  for await (const line of lines) texts.push(line.toString());
  return texts;
}

const head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

describe("a command that talks to the daemon", () => {
  test("is told what to do when there is no socket, or nobody behind it", async () => {
    const nowhere = join(folder, "nowhere.sock");
    await expect(createControlClient(nowhere).get("/status")).rejects.toMatchObject({
      code: "control/unreachable",
      message: expect.stringContaining("no such socket"),
      hint: expect.stringMatching(/systemctl status sortgate.*sortgate run.*--config/),
    });
    const file = join(folder, "file");
    writeFileSync(file, "");
    await expect(all(createControlClient(file).stream("/watch"))).rejects.toMatchObject({
      code: "control/unreachable",
      message: expect.stringContaining("nobody answers"),
    });
  });

  test("is told by which group the socket may be opened, if there is one, and else of sudo", async () => {
    const hintAt = (path: string) =>
      asNobody(() =>
        createControlClient(path)
          .get("/status")
          .catch(({ hint }) => hint),
      );
    const path = await aDaemon(() => {});
    chmodSync(folder, 0o755);
    const ownGroup = execFileSync("id", ["-gn"], { encoding: "utf8" }).trim();
    // Only root can give a file to another group.
    const groups = isRoot
      ? [
          ["root", ""],
          ["daemon", "daemon"],
          ["54321", ""],
        ]
      : [[ownGroup, ownGroup]];
    for (const [owner = "", named] of groups) {
      execFileSync("chgrp", [owner, path]);
      chmodSync(path, isRoot ? 0o660 : 0o060);
      const wanted =
        named === "" ? "run this command with sudo" : `become a member of the group ${named}: sudo usermod`;
      expect(await hintAt(path), owner).toMatch(new RegExp(`^${wanted}`));
    }
    const last = groups.at(-2)?.[0] ?? ownGroup;
    execFileSync("chgrp", [last, folder]);
    chmodSync(folder, isRoot ? 0o750 : 0o010);
    const hidden = await hintAt(path);
    chmodSync(folder, 0o700);
    expect(hidden).toContain(`the group ${last}:`);
    expect(await hintAt(path)).toMatch(isRoot ? /^run this command with sudo/ : /^become a member/);
  });

  test("hands on the daemon's own error, also one whose code it does not know", async () => {
    const answer = (code: string): string => {
      const body = JSON.stringify({ error: { code, sentence: "No", hint: "yes" } });
      return `HTTP/1.1 400 Bad\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`;
    };
    let code = "usage/invalid";
    const client = createControlClient(await aDaemon((socket) => socket.end(answer(code))));
    await expect(client.get("/x")).rejects.toMatchObject({ code: "usage/invalid", message: "No", hint: "yes" });
    await expect(all(client.stream("/x"))).rejects.toMatchObject({ code: "usage/invalid", message: "No" });
    code = "made/up";
    await expect(client.post("/x", {})).rejects.toMatchObject({ code: "control/refused", message: "No" });
  });

  test("is not fooled by an answer that breaks off", async () => {
    const client = createControlClient(
      await aDaemon((socket) => socket.end(`${head}Transfer-Encoding: chunked\r\n\r\n5\r\n{"a"\n\r\n`)),
    );
    await expect(client.get("/status")).rejects.toMatchObject({ code: "control/unreachable" });
    await expect(all(client.stream("/queue/events"))).rejects.toMatchObject({ code: "control/unreachable" });
  });

  test("is not fooled by what is not HTTP or not JSON", async () => {
    let answer = "SSH-2.0-OpenSSH_9.2\r\n";
    const client = createControlClient(await aDaemon((socket) => socket.end(answer)));
    await expect(client.get("/status")).rejects.toMatchObject({ code: "control/unreachable" });
    answer = `${head}Content-Length: 4\r\n\r\nnope`;
    await expect(client.get("/status")).rejects.toMatchObject({ code: "control/refused" });
  });

  test("gives up on a daemon that says nothing", async () => {
    const client = createControlClient(await aDaemon(() => {}));
    const startedAt = performance.now();
    const both = Promise.allSettled([client.get("/status"), all(client.stream("/watch"))]);
    for (const result of await both)
      expect(result).toMatchObject({ status: "rejected", reason: { code: "control/unreachable" } });
    expect(performance.now() - startedAt).toBeLessThan(12_000);
  });

  test("gives up on a stream that stops in the middle, if it must not", async () => {
    const client = createControlClient(
      await aDaemon((socket) => socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n1\r\n\n\r\n`)),
    );
    const lines = client.stream("/queue/events", { silenceMaxMs: 200 });
    expect(String((await lines.next()).value)).toBe("{}");
    await expect(lines.next()).rejects.toMatchObject({
      code: "control/unreachable",
      message: expect.stringContaining("did not answer"),
    });
  });

  test("ends a stream without an error when it is told to", async () => {
    const client = createControlClient(
      await aDaemon((socket) => socket.write(`${head}Transfer-Encoding: chunked\r\n\r\n3\r\n{}\n\r\n`)),
    );
    const stop = new AbortController();
    const lines = client.stream("/watch", { signal: stop.signal });
    await lines.next();
    const next = lines.next();
    stop.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(await all(client.stream("/watch", { signal: AbortSignal.abort() }))).toEqual([]);
  });

  test("joins lines that arrive in pieces", async () => {
    const chunks = ['{"a":', "1}\n\n", '{"b":2}\n{"c"', ":3}\n"];
    const body = chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("");
    const client = createControlClient(
      await aDaemon((socket) => socket.end(`${head}Transfer-Encoding: chunked\r\n\r\n${body}0\r\n\r\n`)),
    );
    expect(await all(client.stream("/watch"))).toEqual(['{"a":1}', '{"b":2}', '{"c":3}']);
  });
});
