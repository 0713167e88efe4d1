// Checks the modules of the page with the types of what they receive: node page.js. Prints each fault: what the compiler reports,
// and each property that is read from a value without a type, because nothing is known about such a value.
import { readdirSync } from "node:fs";
import ts from "typescript";

// Modules without data of the server: the client module, which types.ts compares, texts, and the proof of a gift, which checks what it reads.
const without = ["client.js", "live.js", "text.js", "proof.js"];

// Names of values without a type that the server has not sent: events, errors, elements, other libraries, and what a module has made itself.
const everywhere = ["event", "e", "error"];
const others = {
  "access.js": ["form"], "chart.js": ["times", "box", "values", "plot", "observer", "data"], "chat.js": ["list"], "danmaku.js": ["this", "library", "comments", "f", "flight"],
  "giftproof.js": ["checked", "receipt", "checkpoint"], "operator.js": ["rows", "row", "head", "span"], "order.js": ["list", "form", "steps"],
  "parts.js": ["dialog", "element", "list", "chosen", "tabs", "tab", "next", "name", "load", "loaded"], "player.js": ["video", "this", "buffered", "mediaURL", "mpegts", "player", "Hls", "data", "engine"],
  "replay.js": ["element", "engine", "Hls", "data", "seek", "video", "stage", "f", "fact"], "restream.js": ["form"], "state.js": ["text", "to", "link"],
  "streamer.js": ["file", "code", "modules", "before"], "watch.js": ["box", "video", "stage", "over", "behind", "document"], "webhooks.js": ["open"],
};

const names = readdirSync("page").filter((name) => name.endsWith(".js") && !without.includes(name)).map((name) => "page/" + name);
const program = ts.createProgram([...names, "api.d.ts"], {
  allowJs: true, checkJs: true, noEmit: true, target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.NodeNext,
  lib: ["lib.esnext.d.ts", "lib.dom.d.ts", "lib.dom.iterable.d.ts"], types: [], skipLibCheck: true,
});
const checker = program.getTypeChecker();
const place = (file, position) => `${file.fileName.split("/").at(-1)}:${file.getLineAndCharacterOfPosition(position).line + 1}`;
const reported = [...program.getGlobalDiagnostics(), ...names.flatMap((name) => program.getSemanticDiagnostics(program.getSourceFile(name)))];
const faults = reported.map((d) => `${d.file ? place(d.file, d.start) : ""} ${ts.flattenDiagnosticMessageText(d.messageText, " ")}`);
let reads = 0;

// rootOf returns the name at the beginning of an expression: page in page.parts[0].title.
function rootOf(node) {
  for (;;) {
    if (ts.isBinaryExpression(node)) node = node.left;
    else if (ts.isConditionalExpression(node)) node = node.condition;
    else if (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node) || ts.isCallExpression(node) || ts.isParenthesizedExpression(node)) node = node.expression;
    else return node.getText();
  }
}

function visit(node) {
  const from = ts.isPropertyAccessExpression(node) ? node.expression : ts.isObjectBindingPattern(node) ? node : null;
  if (from) {
    reads++;
    const file = node.getSourceFile();
    const root = rootOf(from === node ? node.parent.initializer ?? node : from);
    const known = [...everywhere, ...(others[file.fileName.split("/").at(-1)] ?? [])];
    if (checker.getTypeAtLocation(from).flags & ts.TypeFlags.Any && !known.includes(root)) faults.push(`${place(file, node.getStart())} ${node.getText()}: the type of ${from.getText()} is not known`);
  }
  ts.forEachChild(node, visit);
}
for (const name of names) visit(program.getSourceFile(name));
for (const fault of faults) console.log(fault);
console.log(reads + " reads");
