/** Codes that somebody printed to make a reader stumble, each as long as a code may be; also measured by the bench. */
export const hostileCodes: readonly (readonly [string, string])[] = [
  ["1,024 names of towns", "市".repeat(1_024)],
  ["512 towns with numbers", "市1号".repeat(438)],
  ["an endless mail address", `${"a.".repeat(1_500)}@`],
  ["signs of mail addresses alone", "@".repeat(3_072)],
  ["mail addresses that never end", "a@b.".repeat(768)],
  ["JSON that is deep", `${"[".repeat(1_536)}${"]".repeat(1_536)}`],
  [
    "JSON with a hundred members",
    JSON.stringify(Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`tel${n}`, `n${n}`]))),
  ],
  ["JSON with __proto__", '{"__proto__":{"toString":1},"constructor":{"prototype":{}}}'],
  ["SQL", "'; DROP TABLE events; --".repeat(100)],
  ["commands to a terminal", "\x1b[2J\x1b]0;title\x07".repeat(150)],
  ["lines", "\r\n".repeat(1_536)],
  ["NULs", "\0".repeat(3_072)],
  ["percent signs", `https://a.cn/${"%25".repeat(1_000)}`],
  ["a query of many parameters", `https://a.cn/?${"a=1&".repeat(760)}`],
  ["digits with blanks", "1 3 8 ".repeat(512)],
  ["digits with blanks in an encoding that nobody knows", `\u0083A\0${"1 1 ".repeat(760)}`],
  ["digits alone", "1".repeat(3_072)],
  ["groups of digits", "13800138000-".repeat(256)],
  ["signs that nobody sees", "1\u200b".repeat(768)],
  ["a ligature that grows eighteenfold", "\ufdfa".repeat(1_024)],
  ["combining marks", `a${"\u0301".repeat(1_500)}`],
  ["separators of GS1", "\x1d".repeat(3_072)],
  ["records of an envelope", `[)>${"\x1e07x".repeat(768)}`],
  ["members of a sorting code", `MMM={${"'k1':'x',".repeat(330)}}`],
  ["properties of a contact", `BEGIN:VCARD\n${"TEL:1\n".repeat(500)}`],
  ["backslashes", `MECARD:N:${"\\;".repeat(1_500)}`],
  ["base64 of nothing", `https://a.cn/?a=${"A".repeat(3_000)}`],
  ["pages of a web address", `https://a.b/${"-/".repeat(1_526)}12`],
  ["pages of a web address in an encoding that nobody knows", `https://a.b/${"a/".repeat(1_510)}12\u00b0\u00a1`],
  ["words like names", "name tel addr ".repeat(219)],
  ["colons", ":".repeat(3_072)],
  ["streets without numbers", "street road ".repeat(256)],
  ["numbers without streets", "12 ".repeat(1_024)],
  ["names that are numbered", counted((n) => `name:ab${n} `)],
  ["streets that are numbered", `${counted((n) => `${n} terrace `)};`],
  ["boxes that are numbered", counted((n) => `po box ${n} `)],
  ["telephones that are numbered", counted((n) => `tel:1380013${1_000 + n};`)],
  ["JSON in JSON that is none", `[${filled('"[",', 3_060)}1]`],
  ["JSON in JSON in JSON", `["[",${filled('"{",', 3_050)}1]`],
  ["names that are percent signs", filled("=%E5 ")],
  ["parameters that are percent signs", `https://a.cn/?${filled("%E5&", 3_050)}`],
  ["identifiers of GS1 in brackets", filled("(10)%E5")],
  ["identifiers of GS1", filled("10%E5\x1d")],
  ["base64 of nothing, many times", `https://a.cn/${"____________/".repeat(60)}?${filled("____________&", 2_200)}`],
  ["properties without a value", `BEGIN:VCARD\n${filled("N:", 3_050)}`],
  ["accounts and waybills", filled("GB82 WEST 1234 AA11 AA11 waybillNo:ﷺ")],
  ["numbers of documents", filled("1.๓national id barcode=GB82 WEST 1234 ")],
  ["numbers beside bars", filled("JD0012345678901々1/XX99 ABCD AA00 AAAA AAAA AAAA id barcode:")],
  ["names with joints", filled("K_e_y:1 rue a**㌀ﷺ")],
  ["ligatures in pieces", filled(`${"ﷺJD½ﷺ".repeat(3)};`)],
  ["groups of noughts", filled("000 ")],
  ["groups that begin like area codes", filled("011 ")],
  ["groups that begin like cards", `${filled("4111-", 3_060)};`],
  ["letters in two cases with numbers", filled("aA1 ")],
  ["digits of another script", filled("٩")],
  ["an address of digits of another script", `地址：北京${filled("߉", 3_050)}`],
  ["words of one character", filled("甲 ")],
  ["words that are masked", `name:${filled("* ", 3_060)};`],
  ["names with nothing behind them", filled("nu:;")],
  ["names in two cases with nothing behind them", filled("nU: ")],
  ["parameters with nothing behind them", `https://a.cn/?${filled("aB=&", 3_050)}`],
  ["parameters in another encoding with nothing behind them", `https://a.cn/?${filled("%FF=&", 3_050)}`],
  ["members with nothing behind them", `{${filled('"a_b":null,', 3_060)}"a":1}`],
  ["objects with nothing in them", `[${filled("{},", 3_060)}1]`],
  ["web addresses with nothing in them", `- ${filled("a://?_=& ", 3_060)}`],
  ["tags with nothing in them", filled("<a></a>")],
  ["what is called a waybill and is none", filled(`nu:${filled("9400 ", 128)};`)],
  ["words that are no names, with numbers", filled("kEy:0010(4 30)")],
  ["numbers and words that are no names, with blanks", `电话：${filled("ap  Zbb 1:1* ", 3_050)}`],
  ["text that grows, in UTF-8", `tel:${filled("½±a$b;", 3_060)}`],
  ["one street again and again", `${counted((n) => `${n} rue a${n};`).slice(0, 400)}${filled("1 rue a ", 2_600)}`],
];

/** One piece as often as it fits. */
function filled(piece: string, bytes = 3_072): string {
  return piece.repeat(Math.floor(bytes / Buffer.byteLength(piece)));
}

/** Pieces that all differ, as long as a code may be. */
function counted(piece: (n: number) => string): string {
  let text = "";
  for (let n = 0; text.length + piece(n).length < 3_060; n += 1) text += piece(n);
  return text;
}

const noUnicode = Buffer.of(0xb0, 0xa1);

/** The longest of them that are read in each encoding that they may be in; longer ones are read in one. */
const inEachBytes = 768;

/** The same codes in bytes that are in no Unicode: they may be in any of three encodings, and most are Latin letters too. */
export const hostileBytes: readonly (readonly [string, Uint8Array])[] = hostileCodes.flatMap(([name, code]) => {
  const bytes = Buffer.concat([noUnicode, Buffer.from(code)]);
  const inAny = [`${name}, in an encoding that nobody knows`, bytes.subarray(0, 3_072)] as const;
  const inEach = [`${name}, shorter and read in each encoding`, bytes.subarray(0, inEachBytes)] as const;
  // Some are as short anyway, and of one the beginning has a number that leaves.
  const isOther = code.trim().length > inEachBytes && name !== "numbers beside bars";
  return [[name, Buffer.from(code, "utf8")], inAny, ...(isOther ? [inEach] : [])];
});
