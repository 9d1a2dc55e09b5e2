/** A finding of the parser in our own words: what is wrong, and what to write instead. */
interface SyntaxFault {
  readonly sentence: string;
  readonly hint: string;
}

const quoteTexts = "put texts in double quotes, and begin comments with #";

const faults: Readonly<Record<string, SyntaxFault>> = {
  "Unterminated string constant": {
    sentence: "a text has no closing quote",
    hint: "end the text with the quote it begins with",
  },
  "Unterminated table-key": { sentence: "a table header has no closing bracket", hint: "write [name] or [[name]]" },
  "Unterminated array": { sentence: "a list has no closing bracket", hint: "end the list with ]" },
  "Unterminated inline table": { sentence: "an inline table has no closing brace", hint: "end the table with }" },
  "Empty bare keys are not allowed": { sentence: "a key has no name", hint: "write key = value" },
  "Must be a newline": {
    sentence: "something follows where the line should end",
    hint: "give each key a line of its own, and put texts in double quotes",
  },
  "Expected equal (=) token": { sentence: "there is no = behind the key", hint: "write key = value" },
  "Unspecified values are invalid": { sentence: "a value is missing", hint: 'write a value, for example key = "text"' },
  "Expected comma (,) token": {
    sentence: "a comma is missing between two values",
    hint: 'write lists as ["first", "second"]',
  },
  "Defining a key multiple times is invalid": {
    sentence: "this key is given twice",
    hint: "keep one of the two; a second device or broker needs a header of its own, such as [[device]]",
  },
  "Leading zeros are not allowed": {
    sentence: "a number begins with 0",
    hint: "leave the leading zero out, or put a text in double quotes",
  },
  "Unexpected character": { sentence: "there is a character that does not belong here", hint: quoteTexts },
  "Unexpected token": { sentence: "there is something that does not belong here", hint: quoteTexts },
};

/** What to tell for a message of the parser; rare ones share one sentence. */
export function syntaxFault(message: string): SyntaxFault {
  return faults[message] ?? { sentence: "this line is not valid TOML", hint: quoteTexts };
}
