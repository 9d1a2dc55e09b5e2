import { expect, test } from "vitest";
import { checkConfig } from "../src/config/index.ts";
import { ledgerOptions } from "../src/head-start.ts";
import type { Policy } from "../src/policy.ts";
import type { LedgerOptions } from "../src/workers/index.ts";
import { smallest } from "./config/sound.ts";

const day = 86_400_000;

async function optionsOf(text: string, signed?: Policy["signed"]): Promise<LedgerOptions> {
  const checked = await checkConfig("/etc/sortgate/sortgate.toml", { text });
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems));
  const policy: Policy = { guard: checked.config.guard, hash: "h", ...(signed === undefined ? {} : { signed }) };
  return ledgerOptions(checked.config, policy, "1.2.3", "d1e5");
}

test("R19 the ledger is opened with all that the config says of it, the days of core data too", async () => {
  const text = `${smallest.replace('id = "line-3"', 'id = "line-3"\ndata_dir = "/srv/sortgate"')}
[[read_point]]
name = "slow"
pass_max_ms = 60_000
depart_ms = 700
[[broker]]
name = "partner"
url = "mqtt://127.0.0.1:1884"
[broker.view]
basic = "mask"
read_points = ["slow"]
[queue]
bytes_max = 20_000_000
retain_days = 30
retain_core_days = 2.5
when_full = "stop-reading"
[guard]
crypto = "gm"
`;
  const signed = { version: 7, sha256: "s", signer: "f1", notAfter: undefined, keys: [] };
  expect(await optionsOf(text, signed)).toStrictEqual({
    dataDir: "/srv/sortgate",
    site: "HZ01",
    gateway: "line-3",
    software: "1.2.3",
    configDigest: "d1e5",
    policy: { hash: "h", version: 7, signer: "f1" },
    bytesMax: 20_000_000,
    retainMs: 30 * day,
    retainCoreMs: 2.5 * day,
    recallMs: 60_700,
    whenFull: "stop-reading",
    brokers: ["central", "partner"],
    views: { partner: { basic: "mask", public: "drop", read_points: ["slow"] } },
    crypto: "gm",
  });
});

test("R19 what the config leaves out the ledger is not told: core data stay as long as all else", async () => {
  const options = await optionsOf(smallest);
  expect(options).toMatchObject({ policy: { hash: "h" }, retainMs: 30 * day, views: {}, crypto: "intl" });
  expect(options.retainCoreMs).toBeUndefined();
});
