import { areOfAnother, isHanOfAnother, simplified, wordsOfAnother } from "./another.ts";
import { amongOthers, type FieldKind } from "./field.ts";

/**
 * What members of JSON, parameters of web addresses and words before a colon are called, by what stands behind them.
 *
 * Lower case, without blanks, dashes, dots and underscores.
 */
const names: readonly (readonly [FieldKind, string])[] = [
  [
    "name",
    "name fn fullname firstname lastname surname familyname givenname contactname contactperson consignee " +
      "consigneename consignor consignorname recipient recipientname receiver receivername receiveman sender sendername " +
      "buyer buyername buyernick customername person attn attention shipto shiptoname deliverto company " +
      "companyname username nick nickname " +
      "to from linkman addressee 姓名 名字 名称 收件人 收货人 寄件人 发件人 发货人 联系人 联络人 客户 买家 收方 寄方 收件方 寄件方 收 寄 公司 单位 " +
      "宛名 受取人 お名前 氏名 名前 届け先 お届け先 ご依頼主 依頼主 empfänger empfaenger absender destinataire destinatario",
  ],
  [
    "phone",
    "phone phonenumber phoneno telephone tel ph t telno telnumber mobile mobileno mobilephone mob cell cellphone handphone fax " +
      "contactno contactphone contactnumber consigneephone consigneetel consigneemobile receiverphone receivertel " +
      "receivermobile recipientphone recipienttel recipientmobile senderphone sendertel sendermobile buyerphone " +
      "customerphone msisdn whatsapp sms telav " +
      "电话 手机 手机号 手机号码 电话号码 联系电话 联系方式 收件人电话 收件人手机 收货人电话 寄件人电话 传真 座机 固话 " +
      "電話 電話番号 携帯 携帯電話 telefon handy téléphone teléfono",
  ],
  [
    "address",
    "address addr adr address1 address2 address3 addr1 addr2 addressline addressline1 addressline2 street street1 street2 " +
      "streetaddress road house housenumber houseno building apartment apt district suburb " +
      "detailaddress fulladdress consigneeaddress consigneeaddr receiveraddress " +
      "receiveraddr recipientaddress recipientaddr senderaddress senderaddr deliveryaddress shippingaddress shiptoaddress " +
      "latitude longitude coordinates " +
      "地址 收件地址 收货地址 收件人地址 收货人地址 寄件地址 发货地址 寄件人地址 详细地址 街道 门牌 门牌号 小区 " +
      "住所 adresse straße strasse ort dirección",
  ],
  [
    "identity",
    "idno idnumber idcard idcardno identity identitycard identityno nationalid citizenid passport passportno ssn taxid vat " +
      "passportnumber passportnum passportid idcardnumber identitynumber nationalidno nationalidnumber driverlicense " +
      "driverlicence driverlicenseno driverlicenceno driverlicensenumber " +
      "身分证 身分证字号 身份证 身份证号 身份证号码 证件号 证件号码 护照 护照号 护照号码 军官证 社保号 マイナンバー " +
      "通行证 通行证号 通行证号码 港澳通行证 台胞证 台胞证号 回乡证 回乡证号 驾驶证 驾驶证号",
  ],
  [
    "card",
    "card cardno cardnumber bankcard bankcardno accountno accountnumber iban pan 银行卡 银行卡号 卡号 账号 账户 口座番号",
  ],
  ["email", "email mail emailaddress 邮箱 邮箱地址 电子邮箱 电子邮件 邮件 メール メールアドレス"],
  ["birth", "birth birthday birthdate bday dob dateofbirth 生日 出生日期 生年月日"],
  ["secret", "password passwd pwd pass pin otp token secret pickupcode 密码 取件码 验证码"],
  ["account", "wechat weixin qq openid unionid member memberid memberno userid uid customerid 微信 微信号"],
  [
    "waybill",
    "waybill waybillno waybillnumber waybillcode mailno mailnum billcode billno tracking trackingno trackingnumber " +
      "trackno trackid tracknumber trackingid trackingcode expressno expresscode expressnumber logisticsno logisticno " +
      "shipmentno parcelno parcelid consignmentno consignment awb airwaybill barcode nu p1 k5 txlogisticid wb trk billnumber " +
      "txtbill trknbr tlabels waybillnum waybills trackingnumbers waybillnos mailnos expressnum postid deliveryno " +
      "运单 运单号 运单号码 快递单号 快递号 快递 单号 面单号 物流单号 物流编号 邮件号 邮件号码 快递编号 快件号 包裹号 包裹号码 追踪号 追踪号码 条码 " +
      "追跡番号 送り状番号 お問い合わせ番号 伝票番号 問い合わせ番号 sendungsnummer",
  ],
  ["order", "order orderno orderid ordernumber ordercode ono tradeno tid 订单 订单号 订单编号 注文番号 bestellnummer"],
  ["item", "item items goods goodsname product productname sku content 品名 物品 商品 内件 品目"],
  ["postcode", "zip zipcode zip4 postcode postalcode postal plz 邮编 邮政编码 郵便番号"],
  ["sscc", "sscc"],
  ["country", "country countrycode 国家"],
];

const kinds: ReadonlyMap<string, FieldKind> = new Map(
  names.flatMap(([kind, list]) => list.split(" ").map((name): [string, FieldKind] => [name, kind])),
);

/** No name of a field is longer, once what joins its words is gone. */
const nameLengthMax = 24;

const han = /\p{Script=Han}/u;
/** What may stand before 单号 if it is the parcel's own; before others it is that of an order, a payment, a policy. */
const ownHan =
  /^(?:[您你我]的?|本|该|此)?(?:电子|国际|国内|顺丰|圆通|中通|申通|韵达|京东|极兔|德邦|邮政|菜鸟|百世|EMS|快递公司|快递|快件|速运|速递|物流|邮件|包裹|货运|运|面){0,4}单(?:号|编号|号码)$/iu;
const hanEnds: readonly (readonly [RegExp, FieldKind])[] = [
  [/(?:姓名|人名称|氏名)$/u, "name"],
  [/(?:电话|手机|手机号|联系方式|联络方式|电话番号)$/u, "phone"],
  [/(?:地址|住址|住所)$/u, "address"],
];
/** Names of things end like names of persons. */
const thingNames =
  /(?:device|shop|store|product|file|brand|model|goods|event|page|app|site|host|city|country|service)names?$/;

/**
 * What the value behind a name is; undefined if the name says nothing.
 *
 * Of compound names the last part counts that says something: `order.receiver_name` is a name.
 */
export function kindOfKey(key: string): FieldKind | undefined {
  if (key === "" || key.length > 4 * nameLengthMax) return undefined;
  if (loneWord.test(key)) return kindOfWord(key);
  const words = wordsIn(key);
  const [first = ""] = words;
  if (words.length === 1 && loneWord.test(first)) return kindOfWord(first);
  const joined = words.length === 1 ? first : words.join("");
  if (isThing(joined)) return "item";
  const known = kinds.get(joined) ?? (han.test(joined) ? kindOfHan(joined) : undefined);
  if (known !== undefined && !isParcels(known)) return known;
  const kind = known ?? kindOfEnd(words, joined);
  if (kind !== undefined && !isParcels(kind)) return kind;
  if (nameAnother(words, key)) return amongOthers(kind);
  const owner = kind === "waybill" && words.length > 1 && areBars(words.slice(-1)) ? ownerIn(words) : undefined;
  if (owner !== undefined) return owner;
  return kind === "waybill" && areOfPerson(words, key) ? "identity" : kind;
}

function isParcels(kind: FieldKind): boolean {
  return kind === "waybill" || kind === "sscc";
}

/** Most names are one word. */
const loneWord = /^[a-z0-9]+$/;

function isThing(joined: string): boolean {
  return (joined.endsWith("name") || joined.endsWith("names")) && thingNames.test(joined);
}

function kindOfWord(word: string): FieldKind | undefined {
  const kind = isThing(word) ? "item" : kinds.get(word);
  if (kind !== undefined) return kind;
  if (wordsOfAnother.has(word)) return "other";
  return glued.test(word) ? "order" : undefined;
}

/** Such a word with the name of a parcel's number right behind it: `oldwaybill`. */
const glued = new RegExp(
  `^(?:${[...wordsOfAnother].join("|")})(?:${[...kinds.keys()].filter(isParcelsName).join("|")})$`,
);

function isParcelsName(name: string): boolean {
  return loneWord.test(name) && isParcels(kinds.get(name)!);
}

/** Words of a name that say: the bars or the number of a person's document. */
const ofPerson: ReadonlySet<string> = new Set(
  "national identity passport license licence driver citizen patient student staff employee member".split(" "),
);

/** Whether a name is of the bars or the number of a document that somebody has. */
export function isOfPerson(key: string): boolean {
  return areOfPerson(wordsIn(key), key);
}

function areOfPerson(words: readonly string[], key: string): boolean {
  // `id_barcode` is of somebody, `track_id` of a parcel.
  return words[0] === "id" || words.some((word) => ofPerson.has(word)) || /证|護照|护照/u.test(key);
}

/** Words for persons and their cards, for goods, and for orders: bars that are called theirs are no parcel's. */
const barsOfPersons: ReadonlySet<string> = new Set("customer client user vip emp library card".split(" "));
const barsOfGoods: ReadonlySet<string> = new Set(
  "product products goods item items article sku isbn ean upc".split(" "),
);

const barsOfOrders: ReadonlySet<string> = new Set("order orders invoice coupon voucher ticket".split(" "));

/** Whether a name says that what it holds is what bars say, and no more. */
export function isBars(key: string): boolean {
  return areBars(wordsIn(key));
}

function areBars(words: readonly string[]): boolean {
  return /^(?:barcodes?|条码|條碼)$/.test(words.join(""));
}

type Owner = "identity" | "item" | "order";

/** Whose the bars are below a name, or behind it: a person's, those of goods, or an order's; undefined if it does not say so. */
export function ownerOfBars(key: string): Owner | undefined {
  const owner = ownerIn(wordsIn(key));
  if (owner !== undefined) return owner;
  const kind = kindOfKey(key);
  if (kind === "item" || kind === "order") return kind;
  return kind !== undefined && ofPersons.has(kind) ? "identity" : undefined;
}

const ofPersons: ReadonlySet<FieldKind> = new Set(["name", "identity", "card", "account"]);

function ownerIn(words: readonly string[]): Owner | undefined {
  if (words.some((word) => barsOfPersons.has(word) || ofPerson.has(word))) return "identity";
  if (words.some((word) => barsOfOrders.has(word))) return "order";
  return words.some((word) => barsOfGoods.has(word)) ? "item" : undefined;
}

/** Whether a name says that what it holds is of another parcel than this one. */
export function isOfAnother(key: string): boolean {
  return nameAnother(wordsIn(key), key);
}

function nameAnother(words: readonly string[], key: string): boolean {
  return areOfAnother(words) || (han.test(key) && isHanOfAnother(simplified(key)));
}

function kindOfHan(joined: string): FieldKind | undefined {
  const plain = simplified(joined);
  const known = kinds.get(plain);
  if (known !== undefined) return known;
  if (/单号$|单编号$|单号码$/u.test(plain)) return ownHan.test(plain) ? "waybill" : "order";
  return hanEnds.find(([end]) => end.test(plain))?.[1];
}

/** The words of a name in small letters: a joint ends one, and a capital behind a small letter or a digit begins another. */
export function wordsIn(key: string): string[] {
  if (loneWord.test(key)) return [key];
  const words: string[] = [];
  let start = 0;
  for (let at = 0; at <= key.length; at += 1) {
    const isJoint = at === key.length || isJointAt(key, at);
    if (!isJoint && !beginsWord(key, at)) continue;
    if (at > start) words.push(key.slice(start, at).toLowerCase());
    start = isJoint ? at + 1 : at;
  }
  return words;
}

const joint = /[\s_.\-#[\]"'*（）()]/u;
/** Which characters of ASCII join words. */
const joints = Uint8Array.from({ length: 128 }, (_, code) => Number(joint.test(String.fromCharCode(code))));

function isJointAt(key: string, at: number): boolean {
  const code = key.charCodeAt(at);
  if (code < 128) return joints[code] === 1;
  // Among the characters of China and Japan there is none.
  return (code < 0x3001 || code >= 0xfeff) && joint.test(key[at]!);
}

function beginsWord(key: string, at: number): boolean {
  const code = key.charCodeAt(at);
  if (code < 65 || code > 90 || at === 0) return false;
  const before = key.charCodeAt(at - 1);
  return (before >= 97 && before <= 122) || (before >= 48 && before <= 57);
}

/** What the last three words of a name are together, or the last two, or the last; `joined`, all of them. */
function kindOfEnd(words: readonly string[], joined: string): FieldKind | undefined {
  let start = 0;
  for (let first = 1; first < words.length; first += 1) {
    start += words[first - 1]!.length;
    if (words.length - first > 3) continue;
    const end = joined.slice(start);
    const kind = singleLetters.has(end) ? undefined : kinds.get(end);
    if (kind !== undefined) return kind;
  }
  return undefined;
}

/** Too short to say anything at the end of a name. */
const singleLetters: ReadonlySet<string> = new Set(["t", "ph", "to", "from", "收", "寄"]);
