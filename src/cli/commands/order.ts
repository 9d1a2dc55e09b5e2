import type { Command } from "commander";
import { SortgateError } from "../../model/error.ts";
import { limits } from "../../model/limits.ts";
import { readOrderText } from "../../orders/index.ts";
import type { Output } from "../output.ts";
import { readNamedText, signWith } from "../signing.ts";

const signHelp = `
For the centre: the private key must never come near a gateway. The file is JSON:

  {"site": "HZ01", "gateway": "line-3", "order": 12, "reason": "TICKET-4711",
   "notAfter": "2027-12-31T00:00:00Z", "erase": ["t1.J8sQ0aZk.xYp0Jx4m2n8rT1vQ5kWb9A", "SF1385628716739"]}

order counts up for each gateway: one that is not above the last one done is refused. Without notAfter it is for ever. erase
holds 1 to ${limits.orderSubjectsMax} tokens and numbers as they stand in events; of each all events go, as with sortgate erase. Publish it
retained under PREFIX/SITE/GATEWAY/order, and the next one only once the audit event of this one (order-done) has come.

Examples:
  sortgate order sign order.json --key centre-policy.key > order.jws
`;

/** `sortgate order`: what the centre has a gateway do. */
export function addOrder(program: Command, output: Output): void {
  const order = program
    .command("order")
    .description("what the centre has a gateway do")
    .addHelpText("after", "\nExamples:\n  sortgate order sign order.json --key centre-policy.key > order.jws\n");
  order
    .command("sign")
    .description("sign an order to erase, on the centre's side")
    .argument("<file>", "the order as JSON")
    .requiredOption("--key <file>", "the centre's private key (PEM), of which gateways have the public half")
    .addHelpText("after", signHelp)
    .action((file: string, options: { readonly key: string }) => sign(file, options.key, output));
}

async function sign(file: string, keyPath: string, output: Output): Promise<void> {
  const text = await readNamedText(file);
  const read = readOrderText(text);
  const refuse = (sentence: string, hint: string): SortgateError =>
    new SortgateError("config/invalid", `${file}  ${sentence}`, { hint });
  const found = read.ok || read.stray === undefined ? "" : `; found: "${read.stray}"`;
  if (!read.ok) throw refuse(`${read.sentence}${found}`, "correct it; sortgate help order sign shows an order");
  const { notAfter } = read.order;
  if (notAfter !== undefined && Date.parse(notAfter) <= Date.now())
    throw refuse(`notAfter: it ended on ${notAfter}; allowed: a time to come, or none`, "write a later time");
  const signed = await signWith(keyPath, "order", JSON.parse(text));
  if (signed.length > limits.orderBytesMax)
    throw refuse(
      `signed it has ${signed.length} bytes; allowed: ${limits.orderBytesMax}`,
      "make two of it, with numbers of their own",
    );
  output.block(signed);
}
