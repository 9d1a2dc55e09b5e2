import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { dataOf, drafts, ofKind, openRig } from "./core-rig.ts";

const minuteMs = 60_000;

it("R09 a checkpoint's SM3 chain holds what was committed, and nothing of a commit that found no room", () => {
  let refusals = 0;
  const rig = openRig({ crypto: "gm" }, ({ events }) => {
    const isRefused = events.some(({ kind }) => kind === "checkpoint") && refusals < 2;
    if (isRefused) refusals += 1;
    return isRefused;
  });
  for (let round = 0; round < 3; round += 1) {
    rig.core.append(drafts(3), {});
    rig.core.commit();
    rig.advance(minuteMs);
    for (let attempt = 0; attempt < 4; attempt += 1) {
      rig.core.commit();
      rig.advance(1_000);
    }
  }
  const checkpoints = ofKind(rig, "checkpoint");
  expect([refusals, checkpoints.length]).toEqual([2, 3]);
  const sm3 = (bytes: Uint8Array): Buffer => createHash("sm3").update(bytes).digest();
  let value: Buffer = Buffer.alloc(32);
  let from = 1;
  for (const checkpoint of checkpoints) {
    const previous = value.toString("base64url");
    for (const { bytes } of rig.events.slice(from - 1, checkpoint.sequence - 1))
      value = sm3(Buffer.concat([value, sm3(bytes)]));
    const { gm } = dataOf(checkpoint) as { gm: object };
    const to = String(checkpoint.sequence - 1);
    expect(gm).toMatchObject({ from: String(from), previous, profile: "gm", sm3: value.toString("base64url"), to });
    from = checkpoint.sequence;
  }
  rig.close();
});
