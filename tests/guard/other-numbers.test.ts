import { describe, expect, it } from "vitest";
import { aFirstRead, aGuard, cleared } from "./build.ts";

const sf = "SF1385628716739";
const wide = "ＳＦ１３８５６２８７１６７３９";
const ems = "9812345678901";
const zto = "73812345678901";
const sscc = "106141412345678908";
const s10 = "RB123456785GB";

function codeOf(code: string, symbology = "]Q1"): unknown {
  return cleared(aFirstRead({ code, symbology }), aGuard()).data.code;
}

describe("R05 what a label calls somebody's is not the parcel's number", () => {
  it.each([
    `{"passport":"${s10}"}`,
    `{"passport":{"no":"${s10}"}}`,
    `{"身份证号":"${s10}"}`,
    `{"password":"${sf}"}`,
    `{"pickupcode":"${sf}"}`,
    `{"card":"${sf}"}`,
    `{"wechat":"${sf}"}`,
    `{"phone":"${sf}"}`,
    `{"email":"${sf}"}`,
    `{"birth":"${sf}"}`,
    `{"passport":"${s10}","remark":"${s10}"}`,
    `{"passport":"${s10}","waybill":"${s10}"}`,
    `护照${s10}`,
    `護照號碼${s10}`,
    `护照 ${s10}`,
    `备注 身份证号${s10}`,
    `Passport ${s10}`,
    `Passport No ${s10}`,
    `Passport No.: ${s10}`,
    `Passport No ${s10}; ${s10}`,
    `{"remark":"passport no. ${s10}"}`,
    `WIFI:T:WPA;S:home;P:${sf};;`,
    `[)>\x1e06\x1d12Z${sf}\x1e\x04`,
  ])("%s", (label) => expect(codeOf(label)).toBeUndefined());

  it("though in another encoding nothing calls it so", () => {
    const bytes = Buffer.concat([Buffer.from([0xbb, 0xa4, 0xd5, 0xd5]), Buffer.from(s10)]);
    expect(cleared(aFirstRead({ code: bytes, symbology: "]Q1" }), aGuard()).data.code).toBeUndefined();
  });

  it.each(["8007", "4308", "7253", "4300"])("behind the identifier %s of GS1", (identifier) =>
    expect(codeOf(`${identifier}${sf}`, "]Q3")).toBeUndefined(),
  );

  it.each([`{"passport":"${s10}"}`, `{"password":"${sf}"}`, `{"card":"${sf}"}`, `{"wechat":"${sf}"}`])(
    "but has a token, a mask and a place in what is sealed: %s",
    (label) => {
      const guard = aGuard({ core: "token" });
      const { tokens, code } = cleared(aFirstRead({ code: label, symbology: "]Q1" }), guard).data;
      expect([code, tokens]).toEqual([undefined, [expect.anything()]]);
      const masked = aGuard({ core: "mask" });
      expect(cleared(aFirstRead({ code: label, symbology: "]Q1" }), masked).data.masked).toEqual([expect.anything()]);
    },
  );
});

describe("R05 what is base64url in a web address is what the name of its parameter says", () => {
  const inner = Buffer.from(sf).toString("base64url");

  it.each(["orderNo", "returnNo", "return", "password", "passport", "card", "goods"])("%s: no number leaves", (name) =>
    expect(codeOf(`https://x.cn/?${name}=${inner}`)).toBeUndefined(),
  );

  it("but a name that says nothing, or a waybill's, takes no number from it that it had", () => {
    expect(codeOf(`https://x.cn/?u=${inner}`)).toBe(sf);
    expect(codeOf(`https://x.cn/?nu=${sf}&name=${Buffer.from("张伟").toString("base64url")}`)).toBe(sf);
  });
});

describe("R05 a number below the name of another parcel is not this one's, nor one of an order's own", () => {
  it.each([
    `{"order":{"id":"${sf}"}}`,
    `{"order":{"no":"${sf}"}}`,
    `{"order":{"barcode":"${ems}"}}`,
    `{"order_barcode":"${ems}"}`,
    `{"couponBarcode":"${ems}"}`,
    `Order barcode: ${ems}`,
    `https://x.cn/order/${sf}`,
    `https://x.cn/order?barcode=${ems}`,
    `{"return":{"sscc":"${sscc}"}}`,
    `{"parent_sscc":"${sscc}"}`,
    `{"previousSscc":"${sscc}","tel":"13812345678"}`,
    `{"return":"{\\"sscc\\":\\"${sscc}\\"}"}`,
    `return sscc: ${sscc}`,
    `https://x.cn/return/00/${sscc}`,
    `https://x.cn/return/01/09506000134352?00=${sscc}`,
    `https://x.cn/return?sscc=${sscc}`,
    `https://x.cn/return?waybill=${sf}`,
    `https://x.cn/return?id=${sf}`,
    `https://x.cn/return/#/w?waybill=${sf}`,
    `https://x.cn/r/#/return?waybill=${sf}`,
    `https://x.cn/#/return/${sf}`,
    `https://x.cn/#!/return/waybill/${sf}`,
    `{"return":{"goods":{"waybill":"${sf}"}}}`,
    `{"return":{"to":{"name":"X","waybill":"${sf}"}}}`,
    `{"return":{"to":{"x":{"waybill":"${sf}"}}}}`,
    `{"return":{"to":[{"waybill":"${sf}"}]}}`,
    `{"return_address":{"waybill":"${sf}"}}`,
    `{"order":{"goods":{"id":"${sf}"}}}`,
  ])("%s", (label) => expect(codeOf(label)).toBeUndefined());

  it.each([
    [`{"goods":{"waybill":"${sf}"},"return":{"name":"X"}}`, sf],
    [`{"return":{"sscc":"${sscc}"},"waybill":"${sf}"}`, sf],
    [`{"order":{"id":"123","trackingNo":"${zto}","name":"张伟"}}`, zto],
    [`{"订单":{"物流":{"运单号":"${zto}"}}}`, zto],
    [`{"order":{"sscc":"${sscc}"}}`, sscc],
    [`{"sscc":"${sscc}","return":{"waybill":"${sf}"}}`, sscc],
    [`https://x.cn/00/${sscc}`, sscc],
    [`https://x.cn/track?waybill=${sf}`, sf],
    [`https://x.cn/#/track/waybill/${zto}`, zto],
    [`https://x.cn/#waybill=${zto}`, zto],
  ])("but beside it is: %s", (label, code) => expect(codeOf(label)).toBe(code));

  it("and what is somebody's there is told as ever", () => {
    const code = `{"return":{"to":{"name":"张伟","x":"13812345678"},"address":"杭州市文三路90号"}}`;
    const { masked } = cleared(aFirstRead({ code, symbology: "]Q1" }), aGuard({ core: "mask" })).data;
    expect((masked as { kind: string }[]).map(({ kind }) => kind)).toEqual(["name", "phone", "address"]);
  });
});

describe("R05 of two numbers that may be the parcel's none leaves", () => {
  it.each([
    `{"waybill":"KY4000123456789","barcode":"${sf}"}`,
    `{"barcode":"${sf}","waybill":"KY4000123456789"}`,
    `{"waybill":["KY4000123456789"],"x":"${sf}"}`,
    `{"waybill":[${Array.from({ length: 17 }, () => `"${sf}"`).join()}],"x":"${sf}"}`,
    `{"waybill":"12345","trackingNumber":"${sf}"}`,
    `{"waybill":"13812345678","barcode":"${sf}"}`,
    `Waybill: KY4000123456789 Tracking: ${sf}`,
    `运单号:KY4000123456789\n快递单号:${sf}`,
    `运单号:KY4000123456789 快递单号:${sf}`,
    `${wide} SF1385628716740`,
    `SF１３８５６２８７１６７３９,SF1385628716740`,
    `SF\u200b1385628716739 SF1385628716740`,
    `{"waybill":"SF\u200b1385628716739","x":"SF1385628716740"}`,
    `{"waybill":"${wide}","barcode":"SF1385628716740"}`,
    `{"waybill":"SF\u200b1385628716739"}`,
    wide,
    `{"waybill":"SF\\u200b1385628716739"}`,
    wide,
  ])("%s", (label) => expect(codeOf(label)).toBeUndefined());

  it.each([
    `{"returnWaybill":"${sf}","remark":"退 ${sf}"}`,
    `{"returnWaybill":"${wide}","remark":"${sf}"}`,
    `{"orderNo":"${sf}","remark":"${sf}"}`,
    `{"orderNo":"${sf}","name":"${sf}"}`,
    `https://x.cn/?order=${sf}&x=${sf}`,
    `订单号:${sf},${sf}`,
    `{"passport":"ＲＢ１２３４５６７８５ＧＢ","waybill":"${s10}"}`,
  ])("nor one that is called another's as well: %s", (label) => expect(codeOf(label)).toBeUndefined());

  it.each([
    `{"waybill":"${sf}","barcode":"${sf}"}`,
    `{"waybill":"${sf}","orderNo":"${sf}"}`,
    `https://x.cn/?waybill=${sf}&order=${sf}`,
    `快递: 顺丰速运 单号: ${sf}`,
    `快递 2 件 单号: ${sf}`,
    `{"barcode":"none","waybill":"${sf}"}`,
    `{"快递":"顺丰速运","x":"${sf}"}`,
    `https://www.sf-express.com/chn/sc/waybill/#search/bill-number/${sf}`,
    `${wide} ${sf}`,
    `{"waybill":"${sf}","barcode":"${sf}：x"}`,
  ])("but one that is written twice, or beside what is no number, does: %s", (label) => expect(codeOf(label)).toBe(sf));

  it.each([`${sf}４`, `${sf}①`, `${sf}²`, `４${sf}`, `SF138562871673\ufffd9`])(
    "and none is made of a part: %s",
    (label) => expect(codeOf(label)).toBeUndefined(),
  );
});

describe("R05 bars of a person or of goods are not the parcel's", () => {
  it.each([
    `{"patient":{"barcode":"${ems}"}}`,
    `{"identity":{"barcode":"${ems}"}}`,
    `{"employee":{"barcode":"${ems}"}}`,
    `{"receiver":{"barcode":"${ems}"}}`,
    `{"member":{"card":{"barcode":"${ems}"}}}`,
    `{"driver":{"licence":{"barcode":"${ems}"}}}`,
    `{"customer":{"extra":{"Barcode":"${ems}"}}}`,
    `{"patient":[{"bar_code":"${ems}"}]}`,
    `{"goods":{"barcode":"${ems}"}}`,
    `{"products":[{"barcode":"${ems}"}]}`,
    `{"客户":{"条码":"${ems}"}}`,
    `{"customer_barcode":"${ems}"}`,
    `{"customerBarcode":"${ems}"}`,
    `{"vip_barcode":"${ems}"}`,
    `{"emp_barcode":"${ems}"}`,
    `{"card_barcode":"${ems}"}`,
    `{"library_card_barcode":"${ems}"}`,
    `{"product_barcode":"9787111213826"}`,
    `{"goods_barcode":"${ems}"}`,
    `{"isbn_barcode":"9787111213826"}`,
    `https://x.cn/patient/barcode/${ems}`,
    `https://x.cn/patient/barcode/${sf}`,
    `https://x.cn/member?barcode=${ems}`,
    `https://x.cn/product/#/x?barcode=${ems}`,
    `Customer barcode: ${ems}`,
    `Product barcode: 9787111213826`,
  ])("%s", (label) => expect(codeOf(label)).toBeUndefined());

  it.each([
    `{"barcode":"${ems}"}`,
    `{"parcel":{"barcode":"${ems}"}}`,
    `{"package_barcode":"${ems}"}`,
    `{"receiver":{"name":"张伟"},"barcode":"${ems}"}`,
    `{"customer":{"waybill":"${ems}"}}`,
    `{"customer_waybill":"${ems}"}`,
    `{"goods":{"trackingNo":"${ems}"}}`,
    `https://x.cn/barcode/${ems}`,
    `https://x.cn/customer/waybill/${ems}`,
    `Parcel barcode: ${ems}`,
  ])("others are: %s", (label) => expect(codeOf(label)).toBe(ems));
});

describe("R05 what words right before a number, or glued into its name, call another's is not the parcel's", () => {
  it.each([
    `退货单号${sf}`,
    `订单号${sf}`,
    `原单号${sf}`,
    `订单${sf}`,
    `订单编号 ${sf}`,
    `{"remark":"原运单号：${sf}"}`,
    `{"备注":"原单 ${sf} 已退回"}`,
    `訂單號:${sf}`,
    `訂單編號:${sf}`,
    `訂單號${sf}`,
    `退貨單號:${sf}`,
    `退貨單號${sf}`,
    `原單號:${sf}`,
    `換件單號:${sf}`,
    `返送伝票番号:${sf}`,
    `注文番号${sf}`,
    `{"訂單號":"${sf}"}`,
    `{"退貨單號":"${sf}"}`,
  ])("%s", (label) => expect(codeOf(label)).toBeUndefined());

  it.each([
    `Order no. ${sf}`,
    `order ${sf}`,
    `Return of ${sf}`,
    `Return for parcel ${sf}`,
    `Previous tracking number: ${sf}`,
    `previous tracking ${sf}`,
    `Original waybill no ${sf}`,
    `Replacement for: ${sf}`,
    `replaces ${sf}`,
    `Ref. No ${sf}`,
    `Reference number ${sf}`,
    `{"remark":"return ${sf}"}`,
    `mailto:a@b.c?subject=return ${sf}`,
    `https://x.cn/?u=${Buffer.from(`return=${sf}`).toString("base64url")}`,
    `{"oldwaybill":"${sf}"}`,
    `{"returnwaybill":"${sf}"}`,
    `{"RETURNWAYBILL":"${sf}"}`,
    `{"originalmailno":"${sf}"}`,
    `{"parentsscc":"${sscc}"}`,
    `{"former_waybill":"${sf}"}`,
    `{"prior_waybill":"${sf}"}`,
    `{"linkedWaybill":"${sf}"}`,
    `{"cancelledWaybill":"${sf}"}`,
    `{"children":[{"waybill":"${sf}"}]}`,
    `{"references":["${sf}"]}`,
  ])("%s", (label) => expect(codeOf(label)).toBeUndefined());

  it.each([
    `運單號:${sf}`,
    `運單號${sf}`,
    `快遞單號 ${sf}`,
    `电子面单号:${sf}`,
    `电子面单号${sf}`,
    `{"電子面單號":"${sf}"}`,
    `お問い合わせ番号:${sf}`,
    `伝票番号 ${sf}`,
    `Order 12345, parcel ${sf}`,
    `Order 12345 ${sf}`,
    `If undelivered return to Li. ${sf}`,
    `Last mile ${sf}`,
    `Reorder ${sf}`,
    `Parcel ID ${sf}`,
    `退货地址 杭州 单号:${sf}`,
    `订单号:12345 运单号:${sf}`,
    `{"referral":{"waybill":"${sf}"}}`,
  ])("but other words do not: %s", (label) => expect(codeOf(label)).toBe(sf));
});

describe("R05 what is called another parcel's is not this one's, in names, above them and right before the number alike", () => {
  it.each([
    `{"other_waybill":"${zto}"}`,
    `{"otherWaybillNo":"${zto}"}`,
    `{"otherwaybill":"${zto}"}`,
    `{"OTHER-TRACKING-NO":"${zto}"}`,
    `{"another_waybill":"${zto}"}`,
    `{"secondTrackingNo":"${zto}"}`,
    `{"alt_waybill":"${zto}"}`,
    `{"voidedWaybill":"${zto}"}`,
    `{"rma":"${sf}"}`,
    `{"refsscc":"${sscc}"}`,
    `{"returnsscc":"${sscc}"}`,
    `{"last_day_waybill":"${zto}"}`,
    `{"x":"5return ${sf}"}`,
    `{"other":{"waybill":"${zto}"}}`,
    `{"others":["${sf}"]}`,
    `{"other_sscc":"${sscc}"}`,
    `https://x.cn/?other_waybill=${zto}`,
    `https://x.cn/other/waybill/${zto}`,
    `Other waybill: ${zto}`,
    `Another parcel: ${sf}`,
    `other parcel ${sf}`,
    `sub waybill ${sf}`,
    `reverse ${sf}`,
    `returnNo ${sf}`,
    `order_no ${sf}`,
    `Return of parcel (${sf})`,
    `{"x":"备注return ${sf}"}`,
    `{"x":"parcel/return ${sf}"}`,
    `其他运单号${sf}`,
    `其它單號${sf}`,
    `另一个包裹：${sf}`,
    `上一單號 ${sf}`,
    `关联单号${sf}`,
    `關聯單號${sf}`,
    `作废单号${sf}`,
    `退件${sf}`,
    `{"退件":"${sf}"}`,
    `{"退件":{"运单号":"${zto}"}}`,
    `{"另一包裹":{"运单号":"${zto}"}}`,
    `元の伝票番号${sf}`,
    `関連伝票番号：${sf}`,
  ])("%s", (label) => expect(codeOf(label)).toBeUndefined());

  it.each([
    `last mile tracking number: ${zto}`,
    `{"lastMileTrackingNo":"${zto}"}`,
    `second day ${sf}`,
    `Mother's day ${sf}`,
    `Gift for my child. ${sf}`,
    `{"x":"No return, parcel ${sf}"}`,
    `转运中心 ${sf}`,
    `电子运单${sf}`,
    `其他 运单号：${zto}`,
    `Return address: Hub 7, ${sf}`,
  ])("but not so: %s", (label) => expect(codeOf(label)).toBe(label.includes(zto) ? zto : sf));
});

describe("R05 in what is called a waybill", () => {
  it.each([
    `{"waybill":"return of ${sf}"}`,
    `{"waybill":"return of ${zto}"}`,
    `{"waybill":"order no. ${zto}"}`,
    `{"waybill":"passport ${ems}"}`,
    `运单号：原单号 ${zto}`,
    `{"waybill":"return of ${zto}","barcode":"${sf}"}`,
  ])("a number that words before it call another's is not the parcel's: %s", (label) =>
    expect(codeOf(label)).toBeUndefined(),
  );

  it.each([
    `{"waybill":"${zto} 73812345678902"}`,
    `{"waybill":"${zto}/73812345678902"}`,
    `{"waybill":"${zto} (73812345678902)"}`,
    `运单号：${zto} 73812345678902`,
  ])("of two numbers none leaves: %s", (label) => expect(codeOf(label)).toBeUndefined());

  it.each([
    `Waybill: ${zto} return 73812345678902`,
    `Waybill: old 73812345678902 new ${zto}`,
    `{"waybill":"${zto} ${zto}"}`,
    `{"waybill":"${zto} (1/2)"}`,
    `{"waybill":"(${zto})"}`,
    `{"waybill":"7381 2345 678901"}`,
    `{"waybill":"return ${sf} now ${zto}"}`,
  ])("but the one that nothing calls so does: %s", (label) => expect(codeOf(label)).toBe(zto));
});

describe("what a label calls the parcel's number in more words is that", () => {
  it.each([
    "顺丰快递单号",
    "中通快递单号",
    "圓通快遞單號",
    "您的快递单号",
    "我的运单号",
    "本单号",
    "快递公司单号",
    "国际运单号",
    "國際快遞單號",
    "电子快递面单号",
    "送り状番号",
    "waybills",
    "追蹤號碼",
    "包裹号",
  ])("%s", (name) => {
    expect(codeOf(`{"${name}":"${zto}"}`)).toBe(zto);
    expect(codeOf(`${name}：${zto}`)).toBe(zto);
  });

  it.each(["交易单号", "支付单号", "采购单号", "公司单号", "保单号", "快递订单号", "合并运单号", "上一快递单号"])(
    "but not of an order, or of another: %s",
    (name) => {
      expect(codeOf(`{"${name}":"${sf}"}`)).toBeUndefined();
      expect(codeOf(`${name}：${sf}`)).toBeUndefined();
    },
  );
});

describe("a name in text is one however it is set apart from its value", () => {
  it.each([
    `Waybill : ${zto}`,
    `Name : Zhang Wei | Tracking No : ${zto}`,
    `waybill = ${zto}`,
    `运单号 ： ${zto}`,
    `<运单号>${zto}</运单号>`,
    `<label><tracking-no>${zto}</tracking-no></label>`,
    `<伝票番号>${zto}</伝票番号><退货单号>${sf}</退货单号>`,
    `from:SZ originalTrackingNo:${sf} trackingNo:${zto}`,
  ])("%s", (label) => expect(codeOf(label)).toBe(zto));

  it.each([
    `password : ${sf}`,
    `Passport : ${s10}`,
    `<退货单号>${sf}</退货单号>`,
    `<订单号>${sf}</订单号>`,
    `<return-waybill>${sf}</return-waybill>`,
    `from:SZ originalTrackingNo:${sf}`,
    `from SZ returnTrackingNo:${zto}`,
  ])("R05 also where it is of something else: %s", (label) => expect(codeOf(label)).toBeUndefined());
});

describe("a number that has letters of its own is the parcel's", () => {
  it.each([
    sf,
    `张伟 ${sf}`,
    `{"name":"${sf}"}`,
    `{"remark":"${sf}"}`,
    `{"address":"杭州 ${sf}"}`,
    `https://x.cn/?u=${sf}`,
    `NOTE ${sf}`,
    `运单号${sf}`,
    `您的快递单号${sf}`,
    `Your parcel no. ${sf} has come`,
  ])("where nothing calls it something else: %s", (label) => expect(codeOf(label)).toBe(sf));
});
