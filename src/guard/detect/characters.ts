/** Digits and letters of ASCII, by their code: text is looked through by the thousand of them. */

export function isDigit(code: number): boolean {
  return code >= 48 && code <= 57;
}

export function isLetter(code: number): boolean {
  const small = code | 0x20;
  return small >= 97 && small <= 122;
}

/** Before the beginning of a text and behind its end: 0, where V8 would throw away what it has compiled. */
export function codeAt(text: string, at: number): number {
  return at >= 0 && at < text.length ? text.charCodeAt(at) : 0;
}
