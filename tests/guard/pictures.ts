/** The first bytes of pictures as cameras write them, NULs included, with a waybill and a person behind them. */
export const pictures: Readonly<Record<string, Buffer>> = Object.fromEntries(
  Object.entries({
    JPEG: "ffd8ffe000104a46494600010101006000600000ffdb0043000806060706",
    "JPEG of a camera": "ffd8ffe12c4245786966000049492a0008000000",
    PNG: "89504e470d0a1a0a0000000d4948445200000280000001e008020000",
    GIF: "47494638396180027001f7000000000000",
    BMP: "424d36100e000000000036000000280000008002000070feffff01001800",
    TIFF: "49492a00080000000e00fe00040001000000",
    "TIFF, big-endian": "4d4d002a000000080010010000030000",
    WebP: "524946461e2a01005745425056503820122a0100",
    PDF: "255044462d312e370a25c3a4c3bcc3b6c39f0a",
    HEIC: "0000001866747970686569630000000068656963",
    AVIF: "00000020667479706176696600000000",
    "JPEG 2000": "0000000c6a5020200d0a870a",
  }).map(([name, hex]) => [
    name,
    Buffer.concat([Buffer.from(hex, "hex"), Buffer.from(" SF1385628716739 13800138000")]),
  ]),
);
