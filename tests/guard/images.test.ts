import { describe, expect, it } from "vitest";
import { aFirstRead, aGuard, cleared, clock, noon } from "./build.ts";
import { pictures } from "./pictures.ts";

const waybill = "SF1385628716739";

/** Texts that lead to a picture, or hold one, beside a waybill. */
const references = {
  "a link to a picture": `https://dws.local/img/${waybill}.jpg`,
  "a link behind a waybill": `${waybill} http://10.0.0.9/a/b.JPEG?w=200`,
  "a link in capitals": `HTTPS://DWS.LOCAL/X/${waybill}.PNG`,
  "a link that is encoded": `https://a.cn/?no=${waybill}&x=http%3A%2F%2Fdws%2F1%2Ejpg`,
  "a place of pictures without a file's ending": `https://dws.local/images/${waybill}`,
  "a place of pictures by a short name": `https://dws.local/pic/${waybill}`,
  "a snapshot": JSON.stringify({ no: waybill, snapshot: "7c81f0" }),
  "a thumbnail": `https://dws.local/thumbs/7/${waybill}`,
  "a parameter that is a picture": `https://dws.local/view?image=77&no=${waybill}`,
  "a path of Windows": `C:\\images\\label.jpg ${waybill}`,
  "a path of Windows in a share": `\\\\dws\\c$\\scan.bmp;${waybill}`,
  "a path of Unix": `/var/img/x.png ${waybill}`,
  "a bare name of a file": `${waybill}.tif`,
  "a document": `label.pdf,${waybill}`,
  "a path in JSON": JSON.stringify({ no: waybill, file: "D:\\dws\\1.webp" }),
  "a member of JSON that says so": JSON.stringify({ no: waybill, imageUrl: "https://dws.local/file?id=7" }),
  "a member of JSON that says so in Chinese": JSON.stringify({ no: waybill, 面单图片: "7c81f0" }),
  "a link in UTF-16": Buffer.from(`https://dws.local/a/${waybill}.jpg`, "utf16le"),
  "a link in GB18030": Buffer.concat([Buffer.from([0xd5, 0xd5, 0xc6, 0xac]), Buffer.from(`a.jpg ${waybill}`)]),
  SVG: `<svg><text>${waybill}</text></svg>`,
  "SVG behind a prologue": `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><text>${waybill}</text></svg>`,
  "a link with a picture in it": `${waybill} data:image/png;base64,AAAA`,
};

const encoded = Object.entries(pictures).flatMap(([name, bytes]) => {
  const base64 = bytes.toString("base64");
  const isKnown = name !== "JPEG 2000";
  return isKnown
    ? [
        [`${name} in base64`, `${base64} ${waybill}`],
        [`${name} in base64 in JSON`, JSON.stringify({ data: base64, no: waybill })],
        [
          `${name} in base64 in JSON that escapes slashes`,
          `{"data":"${base64.replaceAll("/", "\\/")}","no":"${waybill}"}`,
        ],
        [`${name} in base64url in a link`, `https://a.cn/?d=${bytes.toString("base64url")}&no=${waybill}`],
        [`${name} in base64 in a link`, `https://a.cn/?d=${encodeURIComponent(base64)}&no=${waybill}`],
      ]
    : [];
});

describe("R54 a picture of a label", () => {
  it.each([...Object.entries(pictures), ...Object.entries(references), ...encoded] as [string, string | Buffer][])(
    "%s is refused as what it is: nothing is taken out of it, and it is counted",
    (_, code) => {
      const guard = aGuard({ core: "mask" });
      const { data } = cleared(aFirstRead({ code, symbology: "]Q1" }), guard);
      expect(data).toMatchObject({ codeClass: "unknown", length: Buffer.byteLength(code) });
      expect([data.code, data.label, data.masked]).toStrictEqual([undefined, undefined, undefined]);
      guard.clear(aFirstRead({ code, symbology: "]Q1" }), clock, true);
      expect(guard.labels.totals()).toStrictEqual([{ format: "image", labelCount: 1, leakingCount: 0 }]);
      expect(guard.labels.report(noon)?.data.leaking).toStrictEqual([]);
    },
  );

  it.each([
    `GIF ${waybill}`,
    `BM ${waybill}`,
    `https://www.sf-express.com/track?mailno=${waybill}`,
    `https://www.png.com/track/${waybill}`,
    `${waybill} a@gif.com`,
    `${waybill} v1.pdfx`,
    `MM/DD/YYYY ${waybill}`,
    `${waybill}/9j/7`,
    JSON.stringify({ no: waybill, imageCount: 2, photo: "" }),
  ])("is told from text that looks alike: %s", (code) => {
    const { data } = cleared(aFirstRead({ code, symbology: "]Q1" }));
    expect(data.code).toBe(waybill);
  });
});
