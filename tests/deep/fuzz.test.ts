import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { count, figure } from "../figures.ts";
import { defer } from "./rig/defer.ts";
import { breakProgram } from "./rig/program.ts";

const root = join(import.meta.dirname, "../..");

interface Result {
  readonly triedCount: number;
  readonly before: { readonly blockCount: number; readonly share: number };
  readonly after: { readonly blockCount: number; readonly share: number };
  readonly faults: readonly string[];
}

async function fuzz(main: string, ...options: readonly string[]): Promise<Result & { readonly code: number | null }> {
  const child = spawn(process.execPath, [main, ...options], { stdio: ["ignore", "pipe", "ignore"] });
  defer(() => child.kill("SIGKILL"));
  const said: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(child, "close")) as [number | null];
  return { ...(JSON.parse(Buffer.concat(said).toString()) as Result), code };
}

it("R28 half a minute of codes that nobody thought of, led by what they reach, makes nothing of a secret leave", async () => {
  const result = await fuzz(join(root, "dist/tests/fuzz/main.js"), "--minutes", "0.5", "--seed", "3");
  expect(result).toMatchObject({ code: 0, faults: [] });
  expect(result.triedCount).toBeGreaterThan(1_100);
  expect(result.after.blockCount).toBeGreaterThan(result.before.blockCount);
  const share = (result.after.share * 100).toFixed(1);
  figure(
    "R28",
    "fuzz",
    `${count(result.triedCount)} codes, ${result.after.blockCount} blocks, ${share} % of the guard`,
  );
});

it("R28 it finds a name in the place of a route, where that is not looked at", async () => {
  const broken = breakProgram({
    file: "src/guard/label/sorting-code.js",
    from: 'member?.[1].test(value ?? "") ? member[0]',
    to: "member !== undefined ? member[0]",
  });
  defer(() => broken.remove());
  cpSync(join(root, "tests/captures/guard"), join(broken.at("../tests/captures/guard")), { recursive: true });
  const { code, faults } = await fuzz(
    broken.at("tests/fuzz/main.js"),
    "--minutes",
    "1",
    "--seed",
    "3",
    "--faults",
    "1",
  );
  expect({ code, count: faults.length }).toEqual({ code: 1, count: 1 });
  expect(faults[0]).toContain("of a secret stands in");
});
