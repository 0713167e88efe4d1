// Checks proofs with the module of the page. It reads lines of JSON { file, key }, where file is in base64, and writes a line of
// JSON for each: the receipt and the checkpoint, or the code of the error.
import { createInterface } from "node:readline";

const { checkProof, ProofError } = await import(process.argv[2]);

for await (const line of createInterface({ input: process.stdin })) {
  const { file, key } = JSON.parse(line);
  let report;
  try {
    const { receipt, event, checkpoint } = await checkProof(Buffer.from(file, "base64"), key);
    report = { receipt, position: event.position, size: checkpoint.size };
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    report = { code: error.code };
  }
  console.log(JSON.stringify(report));
}
