// Generates types from an OpenAPI document and an AsyncAPI document: node generate.js openapi.json asyncapi.json.
// Writes openapi.d.ts, native.d.ts with the frames of the native protocol as schemas, and api.d.ts with the namespace Api, whose
// types the modules of the page name: every schema of REST, and Client, whose requests return what the server sends.
import { readFileSync, writeFileSync } from "node:fs";
import openapiTS, { astToString } from "openapi-typescript";

const [openapi, asyncapi] = process.argv.slice(2).map((name) => JSON.parse(readFileSync(name, "utf8")));
const messages = Object.entries(asyncapi.components.messages);
const schemas = Object.fromEntries(messages.map(([name, message]) => [name, message.payload]));
const frames = { openapi: "3.1.0", info: { title: "frames", version: "1" }, paths: {}, components: { schemas } };
for (const [name, document] of [["openapi.d.ts", openapi], ["native.d.ts", frames]]) writeFileSync(name, astToString(await openapiTS(document, { silent: true })));

// requests returns the signatures of the requests with a method. Paths with fewer parameters come first, because they are more exact.
function requests(method, before = "") {
  const found = Object.entries(openapi.paths).filter(([, operations]) => operations[method]?.responses?.["200"]?.content?.["application/json"]);
  found.sort(([a], [b]) => a.split("{").length - b.split("{").length);
  return found.map(([path, operations]) => {
    const operation = `paths[${JSON.stringify(path)}]["${method}"]`;
    const address = "`" + path.replace(/\{.*?\}/g, "${string}") + (method === "get" ? "${Query}" : "") + "`";
    const body = method === "get" ? "" : operations[method].requestBody?.content?.["application/json"] ? `, body: Body<${operation}>, options?: Options` : ", body?: {} | FormData, options?: Options";
    return `    (${before}path: ${address}${body}): Promise<Data<${operation}>>;`;
  }).join("\n");
}

writeFileSync("api.d.ts", `import type { components, paths } from "./openapi.js";
type Query = "" | \`?\${string}\`;
type Options = { key?: string };
type Data<O> = O extends { responses: { 200: { content: { "application/json": infer R } } } } ? (Extract<R, { msg: "ok" }> extends { data: infer D } ? D : never) : never;
type Body<O> = O extends { requestBody?: { content: { "application/json": infer B } } } ? B : never;
declare global {
  namespace Api {
${Object.keys(openapi.components.schemas).map((name) => `    type ${name} = components["schemas"]["${name}"];`).join("\n")}
    type Props<T> = T & Record<string, any>;
    type Client = Omit<import("./page/client.js").Client, "get" | "post" | "request" | "token"> & { get: Get; post: Post; request: Put; token: string };
    interface Get {
${requests("get")}
    <P extends string>(path: string extends P ? P : never): Promise<any>; // a path that is known at run time only
    }
    interface Post {
${requests("post")}
    <P extends string>(path: string extends P ? P : never, body?: {}, options?: Options): Promise<any>;
    }
    interface Put {
${requests("put", 'method: "PUT", ')}
    }
  }
}
`);
