"use strict";

// Everything is put into the page as text: nothing of the description is ever taken for HTML.
function element(name, attributes, ...children) {
  const e = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) e.setAttribute(key, value);
  e.append(...children);
  return e;
}

// shape writes a schema as an example with remarks; seen stops at types that contain themselves.
function shape(spec, schema, indent = "", seen = []) {
  if (!schema) return "any";
  if (schema.$ref) {
    const name = schema.$ref.split("/").pop();
    return seen.includes(name) ? name : shape(spec, spec.components.schemas[name], indent, [...seen, name]);
  }
  if (schema.oneOf) return schema.oneOf.map(s => shape(spec, s, indent, seen)).join(" | ");
  const types = [].concat(schema.type || "any");
  if (types.includes("array")) return "[" + shape(spec, schema.items, indent, seen) + "]";
  if (types.includes("object") && schema.properties) {
    const deeper = indent + "  ";
    const lines = Object.entries(schema.properties).map(([name, field]) => {
      const optional = (schema.required || []).includes(name) ? "" : "?";
      const remark = field.description ? "   // " + field.description : "";
      return deeper + JSON.stringify(name) + optional + ": " + shape(spec, field, deeper, seen) + remark;
    });
    return "{\n" + lines.join("\n") + "\n" + indent + "}";
  }
  if (schema.enum) return schema.enum.map(v => JSON.stringify(v)).join(" | ");
  return types.join(" | ");
}

function block(spec, title, content) {
  const parts = [];
  for (const [type, media] of Object.entries(content || {})) {
    parts.push(element("p", { class: "note" }, title + " · " + type), element("pre", {}, shape(spec, media.schema)));
  }
  return parts;
}

function operation(spec, path, method, op) {
  const head = element("summary", {},
    element("span", { class: "method " + method }, method.toUpperCase()), element("code", {}, path), " ", op.summary || "");
  const parts = [];
  if (op.description) parts.push(element("p", {}, op.description));
  if (op.parameters) {
    parts.push(element("table", {}, ...op.parameters.map(p => element("tr", {},
      element("td", {}, element("code", {}, p.name)), element("td", { class: "note" }, p.in),
      element("td", {}, shape(spec, p.schema)), element("td", {}, p.description || "")))));
  }
  if (op.requestBody) parts.push(...block(spec, "Request", op.requestBody.content));
  for (const [status, answer] of Object.entries(op.responses || {})) {
    const title = status === "default" ? "Failure" : status;
    parts.push(...block(spec, title + (answer.description ? ": " + answer.description : ""), answer.content));
  }
  return element("details", { id: op.operationId || path }, head, ...parts);
}

async function show() {
  const main = document.getElementById("operations");
  try {
    const spec = await (await fetch("/openapi.json")).json();
    document.getElementById("version").textContent = spec.info.version;
    const all = [];
    for (const [path, methods] of Object.entries(spec.paths)) {
      for (const [method, op] of Object.entries(methods)) all.push(operation(spec, path, method, op));
    }
    main.replaceChildren(...all);
  } catch (err) {
    main.replaceChildren(element("p", {}, "The description could not be read: " + err));
  }
}

show();
