/** A file of a picture, wherever it lies: on a server, on a disk, or beside the program. */
const file =
  /(?:\.|%2e)(?<=[^\s"'<>](?:\.|%2e))(?:jpe?g|jfif|jpe|jp2|jxl|png|gif|bmp|dib|tiff?|webp|svgz?|pdf|hei[cf]|avif)(?![a-z0-9-]|\.[a-z])/i;
/** A place where pictures are kept, whatever the name of the file, and text that draws one. */
const place =
  /data:image\/|<svg[\s>]|(?:[\\/]|%2f)(?:img|image|photo|picture|pic|thumb|thumbnail|snapshot)s?(?:[\\/]|%2f)/i;
/** A member of JSON, or a parameter of a web address, that says it is one. */
const named =
  /(?:"[^"]{0,24}(?:image|img|photo|picture|thumb|snapshot|图片|图像|照片)[^"]{0,24}"\s{0,4}:\s{0,4}"[^"]|[?&](?:image|img|photo|pic|picture|thumb|thumbnail|snapshot)(?:[_-]?(?:url|uri|path|file|id|name))?=[^&])/i;
/** The first bytes of pictures in base64, that of web addresses too: of JPEG, PNG, GIF, BMP, TIFF, WebP, PDF, HEIF and SVG. */
const base64 =
  /(?<![A-Za-z0-9+/])(?:(?:\\?[/_]|%2[Ff])9j(?:\\?[/_]|%2[Ff])[\w+/\\%-]{6}|iVBORw0KGg|R0lGODdh|R0lGODlh|Qk[0-3][\w+/-]{5}AAAA|SUkqA[A-P]|TU0AK[g-v]|UklGR[\w+/-]{6}XRUJQ|JVBERi0|AAAA[\w+/-]GZ0eXB|PHN2Zy)/;

/** A word that all such places and names have. */
const mention = /im(?:age|g)|p(?:hoto|ic)|thumb|snapshot|图片|图像|照片|<svg/i;

/**
 * Whether text holds a picture, or says where one is: a link, a path, or base64.
 *
 * Cost:    linear: four searches without repetition that has no bound.
 */
export function refersToPicture(text: string): boolean {
  return file.test(text) || base64.test(text) || (mention.test(text) && (place.test(text) || named.test(text)));
}
