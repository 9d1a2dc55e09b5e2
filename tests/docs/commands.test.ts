import { afterEach, expect, test } from "vitest";
import { type Proof, proofs, run } from "./commands.ts";
import { commandLines, documents, read } from "./documents.ts";
import { openSandbox, type Sandbox } from "./sandbox.ts";

let sandbox: Sandbox | undefined;
afterEach(async () => {
  await sandbox?.close();
  sandbox = undefined;
});

test("every command of every document is proven, in the order of the document", () => {
  const found = Object.fromEntries(
    documents().flatMap((path) => (commandLines(path).length === 0 ? [] : [[path, commandLines(path)]])),
  );
  const proven = Object.fromEntries(Object.entries(proofs).map(([path, rows]) => [path, rows.map(([line]) => line)]));
  expect(found).toEqual(proven);
});

const all: [string, Proof][] = Object.values(proofs).flatMap((rows) =>
  rows.map(([line, proof]): [string, Proof] => [line, proof]),
);

test("a command that another test or CI proves stands there", () => {
  const ci = read(".ci/run") + read("scripts/prepare.mjs");
  for (const [line, proof] of all) {
    if ("test" in proof) expect(read(proof.test), line).toContain(proof.says);
    if ("ci" in proof) for (const part of proof.ci) expect(ci, line).toContain(part);
  }
});

test("npm start is the preparation that CI runs, and then the demo that a system test runs", () => {
  const { scripts } = JSON.parse(read("package.json")) as { scripts: Record<string, string> };
  expect(scripts.start).toBe("node scripts/prepare.mjs && node dist/sortgate.js demo");
  expect(scripts.test).toBe("node scripts/prepare.mjs && vitest run");
  expect(scripts.build).toBe("tsc -p tsconfig.build.json && node scripts/bundle.mjs");
});

test("few commands are left to a person", () => {
  const left = all.filter(([, proof]) => "person" in proof).map(([line]) => line.replace(/^sudo /, ""));
  for (const line of left)
    expect(line).toMatch(/^(?:systemctl|journalctl|udevadm|usermod|git clone) |^npm run (?:bench$|soak )/);
});

async function runAll(path: string, before: readonly string[] = []): Promise<Sandbox> {
  sandbox = await openSandbox();
  for (const line of before) expect((await sandbox.run(line)).code, line).toBe(0);
  for (const [line, proof] of proofs[path] ?? [])
    await run(proof, line, sandbox).catch((error: unknown) => {
      throw new Error(`${path}: ${line}`, { cause: error });
    });
  return sandbox;
}

const installed = [
  "chmod 755 /opt/sortgate/dist/sortgate.js",
  "ln -sfn /opt/sortgate/dist/sortgate.js /usr/bin/sortgate",
];

test("the README leads from an installed program to verified events", async () => {
  await runAll("README.md");
  // Some forty commands, each a process of its own, and three starts of the daemon: slow on a machine that others use too.
}, 180_000);

test("systemd/README.md makes every path, user and directory that the unit names", async () => {
  const { run: runLine, mode } = await runAll("systemd/README.md", installed);
  const unit = read("systemd/sortgate.service");
  const commands = [...unit.matchAll(/^Exec\w+=(.+)$/gm)].flatMap(([, text]) => text!.split(" "));
  const paths = commands.filter((word) => word.startsWith("/"));
  expect(new Set(paths)).toEqual(new Set(["/usr/bin/sortgate", "/etc/sortgate/sortgate.toml"]));
  for (const path of paths) expect(mode(path.slice(1)), path).toMatch(/^(?:755|644)$/);
  expect((await runLine("/usr/bin/sortgate version")).code).toBe(0);
  for (const [, path] of unit.matchAll(/(?:WorkingDirectory|HOME)=(\/[\w/]+)/g))
    expect(mode(path!.slice(1))).toBe("700");
  expect(read("systemd/sortgate.sysusers.conf")).toMatch(/^u sortgate - .*\nm sortgate dialout\n/m);
  expect(unit).toMatch(/^User=sortgate\nGroup=sortgate\n[\s\S]*^SupplementaryGroups=dialout$/m);
  expect(read("systemd/sortgate.tmpfiles.conf")).toMatch(/^d \/var\/lib\/sortgate 0700 sortgate sortgate -$/m);
});

test("the commands of config/README.md work one after the other", async () => {
  sandbox = await openSandbox();
  for (const line of [...installed, "mkdir /etc/sortgate"]) expect((await sandbox.run(line)).code, line).toBe(0);
  for (const [line, proof] of proofs["config/README.md"] ?? []) await run(proof, line, sandbox);
});
