import type { Random } from "./random.ts";
import type { PrintedCode } from "./waybills.ts";

/** A label that a shipper printed and that should never have held what it holds. */
export interface PersonalLabel extends PrintedCode {
  /** Each of these is looked for everywhere; none may be found. */
  readonly secrets: readonly string[];
}

const people = [
  ["Zhang Xiaoming", "张晓明", "文三路90号3幢502室"],
  ["Li Guihua", "李桂花", "解放东路18号2单元1101室"],
  ["Erika Musterfrau", "Müllerová", "Heidestraße 17"],
  ["Wang Jianguo", "王建国", "中山北路3300号B座"],
] as const;

/**
 * A QR code with an invented person's name, telephone and address, as contact card, as JSON, or in a link.
 *
 * Gives:  the text as a scanner sends it: UTF-8 bytes, one character each.
 */
export function printPersonalLabel(random: Random): PersonalLabel {
  const [name, localName, street] = random.pick(people);
  const phone = `1${random.pick(["38", "39", "58", "86"])}${random.digits(8)}`;
  const text = random.pick([
    `MECARD:N:${name};TEL:${phone};ADR:${street};;`,
    `{"receiver":"${localName}","tel":"${phone}","addr":"${street}"}`,
    `https://orders.example/t?name=${localName}&phone=${phone}`,
  ]);
  const secrets = [name, localName, street, phone].filter((secret) => text.includes(secret));
  return { text: Buffer.from(text, "utf8").toString("latin1"), symbology: "]Q1", secrets };
}
