/** Text in which each `%` begins bytes of UTF-8 (RFC 3629 §4), so that decoding it does not throw: that costs by the throw. */
const wellFormed =
  /^(?:[^%]|%[0-7][\da-f]|%(?:c[2-9a-f]|d[\da-f])%[89ab][\da-f]|%e0%[ab][\da-f]%[89ab][\da-f]|%e[1-9a-cef](?:%[89ab][\da-f]){2}|%ed%[89][\da-f]%[89ab][\da-f]|%f0%[9ab][\da-f](?:%[89ab][\da-f]){2}|%f[1-3](?:%[89ab][\da-f]){3}|%f4%8[\da-f](?:%[89ab][\da-f]){2})*$/i;

/** Undoes percent-encoding once; undefined if it is none of UTF-8. */
export function percentDecodedUtf8(text: string): string | undefined {
  if (!text.includes("%")) return text;
  return wellFormed.test(text) ? decodeURIComponent(text) : undefined;
}
