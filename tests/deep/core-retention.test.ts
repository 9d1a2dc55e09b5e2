import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { createSecretSearch, filesBelow } from "../fakes/canary.ts";
import { aWaybill, framed, runCommand } from "../fakes/gateway.ts";
import { openScriptedBroker, type ScriptedBroker } from "./rig/broker.ts";
import { defer } from "./rig/defer.ts";
import { openLine } from "./rig/line.ts";
import { breakProgram } from "./rig/program.ts";
import { clockFrom } from "./rig/wrong-clock.ts";

/** It is asked once a minute, and only its third answer lets anything go. */
const patience = 200_000;

interface StoredEvent {
  readonly type: string;
  readonly sequence: string;
  readonly time: string;
  readonly data: { readonly code?: string; readonly reason?: string; readonly tokens?: { readonly token: string }[] };
}

const eventsOf = (broker: ScriptedBroker): StoredEvent[] =>
  [...broker.distinct().values()].map((bytes) => JSON.parse(bytes.toString()) as StoredEvent);

/** What the time service of the box says, one time after the other: there is one, there is none, and at last it has set the clock. */
const answers = ["NTP=yes\\nNTPSynchronized=no", "NTP=no\\nNTPSynchronized=no", "NTP=yes\\nNTPSynchronized=yes"];

/** A `timedatectl` that gives these answers, and notes when it was asked, by the clock of who asks. */
function makeTimeService(folder: string): { readonly path: string; askedAt(): number[] } {
  const [bin, asked] = [join(folder, "bin"), join(folder, "asked")];
  mkdirSync(bin);
  writeFileSync(asked, "");
  const cases = answers.map((answer, index) => `${index + 1}) printf '${answer}\\n' ;;`).join("\n");
  const script = `#!/bin/sh\ndate +%s%3N >> "${asked}"\ncase $(wc -l < "${asked}") in\n${cases}\n*) printf '${answers[2]}\\n' ;;\nesac\n`;
  writeFileSync(join(bin, "timedatectl"), script);
  chmodSync(join(bin, "timedatectl"), 0o755);
  const askedAt = (): number[] => readFileSync(asked, "utf8").trim().split("\n").filter(Boolean).map(Number);
  return { path: `${bin}:${process.env.PATH}`, askedAt };
}

/** A label of a person and a plain parcel, delivered in one run; the next one runs with a clock that is months ahead. */
async function openOldEvents(main?: string) {
  const broker = await openScriptedBroker();
  defer(() => broker.close());
  const more = 'core = "token"\n[queue]\nretain_core_days = 0.00003\n';
  const { site, scanner, start } = await openLine({ brokerUrl: broker.url, more }, defer);
  const service = makeTimeService(site.dir);
  const clockFile = join(site.dir, "clock");
  writeFileSync(clockFile, "+0\n");
  const first = await start();
  scanner.send(framed(JSON.stringify({ waybillNo: aWaybill(1), tel: "13912345678" })));
  scanner.send(framed(aWaybill(2)));
  await vi.waitFor(() => expect(broker.codes().size).toBe(2), 20_000);
  expect(await first.end()).toBe(0);
  const env = { ...clockFrom(clockFile), PATH: service.path };
  const daemon = await start({ env, ...(main === undefined ? {} : { main }) });
  writeFileSync(clockFile, "+60d\n");
  const purges = (): StoredEvent[] => eventsOf(broker).filter(({ type }) => type === "org.sortgate.purge.v1");
  await vi.waitFor(() => expect(purges()).toHaveLength(1), patience);
  return { broker, site, daemon, purge: purges()[0]!, askedAt: service.askedAt() };
}

describe("R19 core data whose time is over", () => {
  it("R19 goes once a time server has set the clock, and before that by none: not by one that is months ahead", async () => {
    const { broker, site, daemon, purge, askedAt } = await openOldEvents();
    const [label, plain] = [1, 2].map((parcel) =>
      eventsOf(broker).find(({ data }) => data.code === aWaybill(parcel)),
    ) as [StoredEvent, StoredEvent];
    expect(purge.data).toEqual({ count: 1, reason: "core-expired", sequences: [label.sequence] });
    expect(askedAt).toHaveLength(3);
    expect(Date.parse(purge.time)).toBeGreaterThanOrEqual(askedAt[2]!);
    const exported = await runCommand(["queue", "export", "--reason", "TICKET-1", "--config", site.configPath]);
    expect(exported.stdout.match(/^\{"erased":.*$/gm)).toEqual([expect.stringContaining(`/${label.sequence}"`)]);
    expect(exported.stdout).toContain(plain.data.code);
    expect(await daemon.end()).toBe(0);
    const search = createSecretSearch([label.data.tokens![0]!.token, aWaybill(1)]);
    for (const { path, bytes } of filesBelow(site.dataDir)) expect(search.in(bytes), path).toEqual([]);
  }, 300_000);

  it("R19 goes before, where any clock is believed", async () => {
    const broken = breakProgram({
      file: "src/workers/retention.js",
      from: "const isTrusted = () => {",
      to: "const isTrusted = () => { return true;",
    });
    defer(() => broken.remove());
    expect((await openOldEvents(broken.main)).askedAt.length).toBeLessThan(3);
  }, 300_000);
});
