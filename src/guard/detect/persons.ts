import type { Finding } from "./finding.ts";

/** The commonest names of families in China, as they are written on the mainland and elsewhere. */
const families =
  "王李张張刘劉陈陳杨楊黄黃赵趙吴吳周徐孙孫马馬朱胡郭何林高罗羅郑鄭梁谢謝宋唐许許韩韓邓鄧冯馮曹彭曾肖蕭萧田董潘袁蔡蒋蔣余于杜叶葉程魏" +
  "苏蘇吕呂丁任卢盧姚沈钟鍾姜崔谭譚陆陸范汪廖石金韦韋贾賈夏付傅方邹鄒熊白孟秦邱江尹薛闫閻段雷侯龙龍史陶黎贺賀顾顧毛郝龚龔邵万萬钱錢严嚴覃武戴莫孔向汤湯";
const doubleFamilies = "欧阳|歐陽|司马|司馬|上官|诸葛|諸葛|皇甫|尉迟|公孙|慕容|司徒|令狐|夏侯|宇文|端木";
/** A family's name and up to three characters; a day of the week, thanks, a place or a shop are none. */
const person = `(?:${doubleFamilies}|[${families}](?![一二三四五六日末谢苏蘇]))\\p{Script=Han}{1,3}(?<![州市省县縣区區镇鎮路街店仓倉部站场場庄莊付件])`;
const joint = "[ ,/^|:;-]{0,2}";
const before = new RegExp(`(?<!\\p{Script=Han})(${person})${joint}$`, "u");
const behind = new RegExp(`^${joint}(${person})(?!\\p{Script=Han})`, "u");
/** As long as either may be, and one character more. */
const besideMax = 8;

/** What is right behind a word for a person, and no word for something else of that person. */
const announced =
  /(?:收件人|收货人|寄件人|发件人|联系人|姓名)[: ]{0,2}(?!电话|手机|地址|姓名|名称|信息|号码|联系|证件|身份|单位|签)(\p{Script=Han}{2,4})(?!\p{Script=Han})/gu;
/** No such word without one of them. */
const announcing = /[人名]/;

/**
 * Adds names in Chinese: behind a word for a person, and right beside a telephone where they begin as most names do.
 *
 * Takes:   normalized text, and what was found in it.
 * Cost:    linear; a look at eight characters on both sides of a telephone.
 */
export function addPersons(text: string, findings: Finding[]): void {
  const phones = findings.filter(({ kind }) => kind === "phone");
  const starts = new Set<number>();
  const add = (start: number, { length }: string): void => {
    if (!starts.has(start)) findings.push({ kind: "name", start, end: start + length });
    starts.add(start);
  };
  for (const { start, end } of phones) {
    const first = Math.max(0, start - besideMax);
    const last = before.exec(text.slice(first, start));
    if (last !== null) add(first + last.index, last[1]!);
    const next = behind.exec(text.slice(end, end + besideMax));
    if (next !== null) add(end + next[0].length - next[1]!.length, next[1]!);
  }
  if (!announcing.test(text)) return;
  for (const { 0: whole, 1: name, index } of text.matchAll(announced)) add(index + whole.length - name!.length, name!);
}
