// Opens the ledger in the folder that is given and erases what a token bears: the process is killed in the middle by its parent.
import { join } from "node:path";
import { openLedger } from "../../dist/src/ledger/index.js";
import { createEpochKey, createSealer } from "../../dist/src/seal/index.js";
import { createLedgerCore } from "../../dist/src/workers/ledger-core.js";

const [, , dataDir, value] = process.argv;
const ledger = openLedger(join(dataDir, "ledger.db"), 16_000_000);
const known = ledger.chain();
const sealer = createSealer({ chain: known.chain, gateway: "line-3", site: "HZ01", state: known });
const core = createLedgerCore({
  ledger,
  sealer,
  chain: known.chain,
  options: {
    dataDir,
    site: "HZ01",
    gateway: "line-3",
    software: "0",
    configDigest: "0",
    bytesMax: 16_000_000,
    retainMs: 86_400_000,
    recallMs: 30_000,
    whenFull: "drop-oldest",
    brokers: ["central"],
  },
  clock: { monotonicMs: () => performance.now(), wallMs: Date.now, boot: "00000000" },
  tell() {},
  beginEpoch: (_sequence, reason) => {
    const key = createEpochKey();
    sealer.useKey(key);
    return { kid: key.kid, data: { reason }, revert() {} };
  },
  committed() {},
  sealed() {},
});
core.start(false);
let isDone = false;
core.erasing.begin([{ kind: "token", value }], () => {
  isDone = true;
});
while (core.erasing.step());
core.flush();
ledger.close();
process.exitCode = isDone ? 0 : 1;
