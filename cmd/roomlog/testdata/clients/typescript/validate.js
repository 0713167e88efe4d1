// Validates an OpenAPI document and an AsyncAPI document: node validate.js openapi.json asyncapi.json.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";
import { Validator } from "@seriousme/openapi-schema-validator";

const [openapi, asyncapi] = process.argv.slice(2).map((name) => readFileSync(name, "utf8"));
const faults = [];

const validator = new Validator();
const result = await validator.validate(JSON.parse(openapi));
if (!result.valid) faults.push(...[].concat(result.errors).map((e) => `OpenAPI: ${e.instancePath ?? ""} ${e.message ?? e}`));

const { document, diagnostics } = await new Parser().parse(asyncapi);
const worst = diagnostics.filter((d) => d.severity <= 1); // errors and warnings
faults.push(...worst.map((d) => `AsyncAPI: ${d.path.join(".")} ${d.message}`));
if (!document) faults.push("AsyncAPI: the document cannot be read");

console.log(JSON.stringify({ version: validator.version, operations: document?.operations().length ?? 0, faults: faults.slice(0, 20) }));
