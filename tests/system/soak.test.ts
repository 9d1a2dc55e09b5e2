import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { count, figure } from "../figures.ts";

const soak = join(import.meta.dirname, "../../dist/tests/soak/main.js");

test("a minute of random traffic and faults loses, doubles and alters nothing, and the chain is whole", async () => {
  const dir = await mkdtemp(join(tmpdir(), "sortgate-soak-test-"));
  try {
    const options = ["--minutes", "1", "--rate", "50", "--seed", "3"];
    const child = spawn(process.execPath, [soak, ...options], { cwd: dir, stdio: ["ignore", "pipe", "pipe"] });
    const said = { out: "", error: "" };
    child.stdout.on("data", (chunk: Buffer) => {
      said.out += chunk.toString();
    });
    child.stderr.on("data", (chunk: Buffer) => {
      said.error += chunk.toString();
    });
    const [code] = (await once(child, "close")) as [number | null];
    expect({ code, said: code === 0 ? "" : said.error }).toEqual({ code: 0, said: "" });
    const result = JSON.parse(said.out) as { events: number; audits: number; faults: Record<string, number> };
    expect(result.events).toBeGreaterThan(100);
    expect(Object.keys(result.faults).length).toBeGreaterThan(0);
    expect(result.audits).toBeGreaterThan(3);
    figure(
      "G25",
      "soak",
      `${result.audits} looks at the accounts under faults, ${count(result.events)} events: every read and event accounted for`,
    );
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}, 300_000);
