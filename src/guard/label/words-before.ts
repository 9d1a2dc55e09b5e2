/** Words that say what a number is stand so near to it. */
const tailMax = 48;

/** What a document of somebody is called. */
const documents = "passport|licen[cs]e|id ?card|identity(?: card)?|national id";
/** Words between what a number is called and the number. */
const between = "no|nr|number|num|code|id";
const western = new RegExp(`(?:^|[^a-z])(?:${documents})(?:[ .:#]+(?:${between})){0,2}[ .:#-]*$`);

const documentsHan = "护照|護照|身份证|身份證|身分證|证件|證件|军官证|軍官證";
const han = new RegExp(`(?:${documentsHan})(?:编?号码?|編?號碼?)?[ .:#]*$`);

/**
 * Whether the words right before a number call it something else than a parcel's: `Passport No `, 「护照」.
 *
 * Takes:   `text`, normalized; `at`, where the number begins in it.
 * Cost:    looks at the 48 characters before the number.
 */
export function isCalledOther(text: string, at: number): boolean {
  const tail = text.slice(Math.max(0, at - tailMax), at).toLowerCase();
  return tail !== "" && (western.test(tail) || han.test(tail));
}
