import { describe, expect, it } from "vitest";
import { capturedLabel } from "../fakes/labels.ts";
import { aFirstRead, aGuard, cleared } from "./build.ts";

const masksOf = (file: string, name: string): unknown => {
  const { bytes, symbology } = capturedLabel(file, name);
  return cleared(aFirstRead({ code: bytes, symbology }), aGuard({ core: "mask" })).data.masked;
};

describe("R10 what is masked", () => {
  it("is of that reading in which most makes sense, where an encoding may be one of several", () => {
    expect(masksOf("text", "Japanese 1")).toEqual([
      { kind: "name", text: "佐***" },
      { kind: "address", text: "***" },
      { kind: "phone", text: "***" },
    ]);
  });

  it("is the street of a FedEx label too, and the name behind its state as a name", () => {
    const pieces = masksOf("fedex", "PDF417 0") as { kind: string; text: string }[];
    expect(pieces.slice(0, 5)).toEqual([
      ...Array.from({ length: 3 }, () => ({ kind: "address", text: "***" })),
      { kind: "name", text: "M***" },
      { kind: "name", text: "A***" },
    ]);
  });
});
