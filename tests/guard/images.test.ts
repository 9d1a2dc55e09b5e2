import { describe, expect, it } from "vitest";
import { aFirstRead, aGuard, cleared, clock, noon } from "./build.ts";

const pictures = {
  JPEG: Buffer.concat([
    Buffer.from([0xff, 0xd8, 0xff, 0xe0]),
    Buffer.from("Exif SF1385628716739 Zhang Wei 13800138000"),
  ]),
  PNG: Buffer.from("\x89PNG\r\n\x1a\n SF1385628716739", "latin1"),
  GIF: Buffer.from("GIF89a SF1385628716739"),
  SVG: Buffer.from("<svg><text>SF1385628716739</text></svg>"),
  "a link with a picture in it": Buffer.from("data:image/png;base64,iVBORw0KGgo SF1385628716739"),
};

describe("R54 a picture of a label", () => {
  it.each(Object.entries(pictures))(
    "%s is refused as what it is: nothing is taken out of it, and it is counted",
    (_, code) => {
      const guard = aGuard();
      const { data } = cleared(aFirstRead({ code, symbology: "]Q1" }), guard);
      expect(data).toMatchObject({ codeClass: "unknown", length: code.length });
      expect([data.code, data.label]).toStrictEqual([undefined, undefined]);
      guard.clear(aFirstRead({ code, symbology: "]Q1" }), clock, true);
      expect(guard.labels.totals()).toStrictEqual([{ format: "image", labelCount: 1, leakingCount: 0 }]);
      expect(guard.labels.report(noon)?.data.leaking).toStrictEqual([]);
    },
  );

  it("is told from text that begins alike", () => {
    const { data } = cleared(aFirstRead({ code: "GIF SF1385628716739", symbology: "]Q1" }));
    expect(data.code).toBe("SF1385628716739");
  });
});
