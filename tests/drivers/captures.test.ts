import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createLineBarcodeProfile } from "../../drivers/profiles/line-barcode/profile.ts";
import { createLineRfidProfile } from "../../drivers/profiles/line-rfid/profile.ts";
import { createStxEtxBarcodeProfile } from "../../drivers/profiles/stx-etx-barcode/profile.ts";
import type { Profile, ProfileOptions } from "../../src/driver/port.ts";
import { portion, singly } from "./framing/collect.ts";
import { type Replayed, replay } from "./profiles/replay.ts";

interface Expected extends Replayed {
  readonly profile: keyof typeof makers;
  readonly options?: ProfileOptions;
}

const makers = {
  "line-barcode": createLineBarcodeProfile,
  "stx-etx-barcode": createStxEtxBarcodeProfile,
  "line-rfid": createLineRfidProfile,
};

const folder = join(import.meta.dirname, "../captures/drivers");
const names = readdirSync(folder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

function input(name: string): Uint8Array {
  const binary = join(folder, name, "input.bin");
  if (existsSync(binary)) return readFileSync(binary);
  return Buffer.from(readFileSync(join(folder, name, "input.hex"), "latin1").replace(/\s/g, ""), "hex");
}

describe.each(names)("capture %s", (name) => {
  const bytes = input(name);
  const expected = JSON.parse(readFileSync(join(folder, name, "expected.json"), "utf8")) as Expected;
  const { claims, discarded } = expected;
  const createProfile = (): Profile => makers[expected.profile](expected.options);

  it("is claimed as expected, in whatever portions it arrives", () => {
    expect(replay(createProfile(), [bytes])).toEqual({ claims, discarded });
    expect(replay(createProfile(), singly(bytes))).toEqual({ claims, discarded });
    for (let cut = 1; cut < bytes.length; cut += 1)
      expect(replay(createProfile(), portion(bytes, [cut]))).toEqual({ claims, discarded });
  });
});
