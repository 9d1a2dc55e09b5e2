/** Words that say what a number is stand so near to it. */
const tailMax = 48;

/** What a document of somebody is called, an order, or another parcel. */
const others =
  "passport|licen[cs]e|id ?card|identity(?: card)?|national id|orders?|returns?|returned|replaces|replaced|replacement|exchange|" +
  "previous|former|prior|old|original|cancell?ed|linked|ref|refs|references?|retour";
/** Words between that and the number. */
const between = "no|nr|number|num|code|id|of|for|parcel|shipment|waybill|tracking|sscc";
const western = new RegExp(`(?:^|[^a-z])(?:${others})(?:[ .:#=-]+(?:${between})){0,3}[ .:#=-]*$`);

const othersHan = "护照|護照|身份证|身份證|身分證|证件|證件|军官证|軍官證|订单|訂單|注文";
/** 「退货单号」 and its kin, but not 「电子面单号」. */
const ofAnotherHan = "(?:[退回换換转轉母原旧舊返]|(?<![电電])子)\\p{Script=Han}{0,4}[单單号號]";
const han = new RegExp(`(?:${othersHan}|${ofAnotherHan})(?:编?号码?|編?號碼?|番号)?[ .:#=-]*$`, "u");

/**
 * Whether the words right before a number call it something else than this parcel's: "Passport No", "Return of", 「退货单号」.
 *
 * Takes:   `text`, normalized; `at`, where the number begins in it.
 * Cost:    looks at the 48 characters before the number.
 */
export function isCalledOther(text: string, at: number): boolean {
  const tail = text.slice(Math.max(0, at - tailMax), at).toLowerCase();
  return tail !== "" && (western.test(tail) || han.test(tail));
}
