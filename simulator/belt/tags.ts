import type { Random } from "./random.ts";

/** GS1 company prefix of seven digits: partition 5 of all three schemes, 24 bits. */
const companyBits = 24n;
const companies = [614_141n, 6_901_234n];

/** Appends values of the given widths, first the most significant. */
function pack(fields: readonly (readonly [value: bigint, bits: bigint])[]): string {
  let packed = 0n;
  let bitCount = 0n;
  for (const [value, bits] of fields) {
    packed = (packed << bits) | (value & ((1n << bits) - 1n));
    bitCount += bits;
  }
  return packed
    .toString(16)
    .toUpperCase()
    .padStart(Number(bitCount / 4n), "0");
}

const partition = [5n, 3n] as const;
const filter = [3n, 3n] as const;

/** SSCC-96: a logistic unit. `serial` holds the extension digit and nine more. */
export function sscc96(company: bigint, serial: bigint): string {
  return pack([[0x31n, 8n], filter, partition, [company, companyBits], [serial, 34n], [0n, 24n]]);
}

/** SGTIN-96: a trade item; `item` holds the indicator digit and five more. */
export function sgtin96(company: bigint, item: bigint, serial: bigint): string {
  return pack([[0x30n, 8n], filter, partition, [company, companyBits], [item, 20n], [serial, 38n]]);
}

/** GRAI-96: a returnable asset such as a collection bag; `assetType` has five digits. */
export function grai96(company: bigint, assetType: bigint, serial: bigint): string {
  return pack([[0x33n, 8n], filter, partition, [company, companyBits], [assetType, 20n], [serial, 38n]]);
}

/**
 * The EPC of a bag tag, 24 upper-case hex digits.
 *
 * Source: GS1 EPC Tag Data Standard, the 96-bit schemes SSCC, SGTIN and GRAI, each in partition 5.
 */
export function encodeTag(random: Random): string {
  const company = random.pick(companies);
  const serial = BigInt(random.digits(11));
  const scheme = random.between(0, 2);
  if (scheme === 0) return sscc96(company, BigInt(random.digits(10)));
  if (scheme === 1) return sgtin96(company, BigInt(random.digits(6)), serial);
  return grai96(company, BigInt(random.digits(5)), serial);
}
