import type { Random } from "../../simulator/belt/random.ts";

/** What labels are made of: separators, names of fields, beginnings of formats, and numbers of parcels. */
const words = [
  ..."\x1d \x1e \x04 \0 \n \r\n , ; : = & % # / ? { } [ ] ' \" \\ ( ) + - @ | ， ； ： \u3000 \u200b \ufeff".split(" "),
  ...'[)>\x1e01\x1d96 \x1e05\x1d \x1e06\x1d \x1e07 UPSN\x1d FDE\x1d 20L 12Z 10ZED008 MMM={ \'k1\': \'k5\': {"mn":" "ssc":"'.split(
    " ",
  ),
  ..."BEGIN:VCARD\n TEL: FN: N: ADR:;;; MECARD: SMSTO: tel: mailto: https:// www. ?tel= &name= /00/ /01/ #addr=".split(
    " ",
  ),
  ..."(00) (420) (4301) 4300 4301 4302 4308 7256 00 420 91 92 9505 %E5%BC%A0 %25 \x1b$B \x1b(B \ud83d\ude00".split(" "),
  ..."name phone address 收件人 电话 地址 运单号 单号 快递单号 电话： 姓名 号 室 市 区 路 街 转 省 tracking waybillNo no".split(
    " ",
  ),
  ..."SF1385628716739 YT8813562871673 RB123456785GB 106141412345678908 1Z123A7V6850147020 34567890123456".split(" "),
  ..."9400100000000000000000 420902109405511899223197428490 123456789012 110105194912310021 1 86 0571 $& __proto__".split(
    " ",
  ),
].map((word) => Buffer.from(word));

/** No code is longer: the framers cut there. */
const lengthMax = 3_072;

type Change = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const changes: readonly Change[] = [
  (bytes, random) => replaced(bytes, random, 1, Buffer.of(random.between(0, 255))),
  (bytes, random) => replaced(bytes, random, 0, random.pick(words)),
  (bytes, random) => replaced(bytes, random, random.between(1, 8), random.pick(words)),
  (bytes, random) => replaced(bytes, random, random.between(1, 16), Buffer.alloc(0)),
  (bytes, random) => replaced(bytes, random, 0, pieceOf(bytes, random)),
  (bytes, random, other) => replaced(bytes, random, random.between(0, 16), pieceOf(other, random)),
  (bytes, random) => replaced(bytes, random, random.between(0, 3), Buffer.from(random.digits(random.between(1, 20)))),
  (bytes, random, other) => Buffer.concat([bytes.subarray(0, random.between(0, bytes.length)), other]),
  (bytes, random) => Buffer.concat(Array.from({ length: random.between(2, 40) }, () => pieceOf(bytes, random))),
  (bytes) => Buffer.from(bytes.toString("latin1"), "utf16le"),
  (bytes) => Buffer.from(encodeURIComponent(bytes.toString())),
  (bytes) => Buffer.from(JSON.stringify({ a: bytes.toString() })),
];

/** The same code with one to four things changed in it. */
export function mutated(code: Buffer, other: Buffer, random: Random): Buffer {
  let bytes = code;
  for (let count = random.between(1, 4); count > 0; count -= 1) bytes = random.pick(changes)(bytes, random, other);
  return bytes.subarray(0, lengthMax);
}

/** With a text put in at some place, whole, between signs that part it from what stands around. */
export function planted(code: Buffer, text: string, random: Random): Buffer {
  const form = random.pick([
    (bytes: Buffer) => bytes,
    (bytes: Buffer) => Buffer.from(encodeURIComponent(bytes.toString())),
    (bytes: Buffer) => Buffer.from(bytes.toString("base64url")),
  ]);
  const sign = random.pick(["", " ", ";", "\x1d", "\n", '"', "'", "：", "&", "/"]);
  const piece = Buffer.concat([Buffer.from(sign), form(Buffer.from(text)), Buffer.from(random.pick(["", sign]))]);
  return replaced(code.subarray(0, lengthMax - piece.length), random, 0, piece);
}

function pieceOf(bytes: Buffer, random: Random): Buffer {
  const start = random.between(0, bytes.length);
  return bytes.subarray(start, start + random.between(1, 64));
}

function replaced(bytes: Buffer, random: Random, count: number, by: Buffer): Buffer {
  const at = random.between(0, bytes.length);
  return Buffer.concat([bytes.subarray(0, at), by, bytes.subarray(at + count)]);
}
