import { renameSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { dir, drafts, openRig } from "./core-rig.ts";
import { aRead, commit, erase, filesWith, token, tokenOf, told } from "./erasing.ts";

it("R33 a damaged ledger gives back no event that was erased from it, and counts none as lost", () => {
  const before = openRig();
  const [first] = commit(before, [
    ...drafts(5),
    aRead("p-1", { token: token("anna") }),
    ...drafts(5),
    aRead("p-2", { token: token("anna") }),
    ...drafts(5),
  ]) as [number];
  expect(erase(before, tokenOf("anna"))).toMatchObject({ count: 2 });
  before.core.flush();
  const erased = [first + 5, first + 11];
  const { last } = before.core.stats();
  before.close();
  const file = join(dir, "ledger.db.damaged-20261123T031011Z");
  renameSync(join(dir, "ledger.db"), file);

  // The new broker has none of them; the other one has no need of what is erased.
  const rig = openRig({ brokers: ["central", "new"] });
  rig.core.salvage({ file, reached: 0 }, "moved aside", Number.POSITIVE_INFINITY);
  expect(told(rig, "alarm")).toMatchObject([{ salvaged: expect.any(Number), unreadable: 0 }]);
  expect(told(rig, "gap")).toEqual([]);
  rig.core.outbox.connect("central");
  const saved = rig.core.outbox.lease("central", 100).filter(({ sequence }) => sequence < 0);
  const places = saved.map(({ origin }) => origin!.sequence);
  expect(places).toEqual(
    Array.from({ length: last }, (_, index) => index + 1).filter((sequence) => !erased.includes(sequence)),
  );
  expect(filesWith(token("anna"))).toEqual([]);
  rig.close();
});
