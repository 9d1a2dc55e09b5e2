import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { builtMain } from "../cli/run-here.ts";
import { anOrderedSite } from "../fakes/centre.ts";
import { logLines, openSubscriber, openTcpScanner, startDaemon } from "../fakes/gateway.ts";
import { openMosquitto } from "../fakes/mosquitto.ts";
import { commandLines, read } from "./documents.ts";

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const lines = [
  "sortgate order sign order.json --key centre-policy.key > order.jws && mosquitto_pub -h broker.example -t sortgate/HZ01/line-3/order -q 1 -r -f order.jws",
  "mosquitto_pub -h broker.example -t sortgate/HZ01/line-3/order -q 1 -r -n",
] as const;

/** What a centre may publish, and a gateway may read, by the rules that docs/privacy.md shows. */
const rules = (section: string): string => /^```\n(user centre[\s\S]*?)^```$/m.exec(section)![1]!;

test("R33 the commands of docs/privacy.md sign the order that stands there, and the gateway carries it out, by the rules that stand there", async () => {
  const section = read("docs/privacy.md").split("## Orders of the centre")[1]!.split("\n## ")[0]!;
  const order = JSON.parse(/```json\n([\s\S]*?)```/.exec(section)![1]!);
  const scanner = await openTcpScanner();
  const { site, centre } = anOrderedSite("mqtt://127.0.0.1:1", scanner.port, { broker: 'username = "line-3"' });
  cleanups.push(
    () => site.remove(),
    () => scanner.close(),
  );
  const events = "topic write sortgate/HZ01/line-3/#\nuser auditor\ntopic read sortgate/#\n";
  writeFileSync(join(site.dir, "acl"), `${rules(section)}${events}`, { mode: 0o600 });
  const broker = await openMosquitto(["allow_anonymous true", `acl_file ${site.dir}/acl`]);
  const subscriber = await openSubscriber(`mqtt://auditor@127.0.0.1:${broker.port}`);
  site.configure(readFileSync(site.configPath, "utf8").replace("127.0.0.1:1", `127.0.0.1:${broker.port}`));
  writeFileSync(join(site.dir, "centre-policy.key"), centre.privateKey);
  // The day in the document comes some time.
  const notAfter = new Date(Date.now() + 365 * 86_400_000).toISOString();
  writeFileSync(join(site.dir, "order.json"), JSON.stringify({ ...order, notAfter }));
  const daemon = await startDaemon(site);
  cleanups.push(
    () => broker.stop("SIGKILL"),
    () => subscriber.close(),
    () => daemon.end("SIGKILL"),
  );
  const run = (line: string): string => {
    const command = line
      .replace(/^sortgate/, `"${process.execPath}" "${builtMain}"`)
      .replace("-h broker.example", `-h 127.0.0.1 -p ${broker.port} -u centre`);
    return execFileSync("sh", ["-c", command], { cwd: site.dir, encoding: "utf8", stdio: "pipe" });
  };
  // Those of the document, in their order.
  expect(commandLines("docs/privacy.md").filter((line) => line.includes("order"))).toEqual(lines);
  run(lines[0]);
  const done = (): unknown => subscriber.messages.find(({ text }) => text.includes('"action":"order-done"'));
  await vi.waitFor(() => expect(done()).toBeDefined(), 10_000);
  const digest = /`(tr -d [^`]*sha256sum)`/.exec(section)![1]!;
  const sha256 = createHash("sha256")
    .update(readFileSync(join(site.dir, "order.jws"), "utf8").trim())
    .digest("hex");
  expect(run(digest).split(" ")[0]).toBe(sha256);
  expect(JSON.parse((done() as { text: string }).text).data).toMatchObject({ order: order.order, subjects: 2, sha256 });
  run(lines[1]);
  expect(logLines(daemon).filter(({ level }) => level === "error")).toEqual([]);
});
