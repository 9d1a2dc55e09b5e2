import { latin1 } from "../../lib/bytes.ts";

/** JPEG, PNG, GIF, BMP, TIFF, WebP, PDF, HEIF and AVIF, JPEG 2000 and JPEG XL by their first bytes. */
const magic =
  /^(?:\xff\xd8\xff|\x89PNG|GIF8[79]a|BM.{4}\0{4}|II[*+]\0|MM\0[*+]|RIFF.{4}WEBP|%PDF-|\0{3}.(?:ftyp(?:hei|hev|mif|msf|avi)|jP {2}|JXL ))/s;
const magicBytesMax = 16;

/**
 * Whether bytes are a picture, or the beginning of one: cameras send them where a code should stand.
 *
 * Takes:   `bytes[start, end)`, without AIM identifier; any bytes at all.
 * Cost:    a look at the first sixteen.
 */
export function startsPicture(bytes: Uint8Array, start = 0, end: number = bytes.length): boolean {
  return magic.test(latin1(bytes, start, Math.min(end, start + magicBytesMax)));
}
