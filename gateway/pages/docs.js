// Shows /openapi.json: every operation with its parameters, bodies and problems. No dependencies.
"use strict";

function element(name, content, className) {
  const made = document.createElement(name);
  if (className) made.className = className;
  for (const part of [content ?? []].flat()) made.append(part);
  return made;
}

// Text with `code` in backticks.
function prose(text) {
  return (text ?? "").split(/`([^`]+)`/).map((part, i) => (i % 2 ? element("code", part) : part));
}

function nameOf(schema) {
  if (!schema) return "";
  if (schema.$ref) return schema.$ref.split("/").pop();
  if (schema.anyOf) return schema.anyOf.map(nameOf).join(" | ");
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.type === "array") return `[${nameOf(schema.items)}]`;
  return schema.format ? `${schema.type} (${schema.format})` : schema.type ?? "any";
}

function bounds(schema) {
  const known = ["minimum", "maximum", "minLength", "maxLength", "pattern", "default"];
  const parts = [schema, ...(schema.anyOf ?? [])];
  const found = parts.flatMap((part) => known.filter((key) => part[key] !== undefined && part[key] !== null)
    .map((key) => `${key} ${JSON.stringify(part[key])}`));
  return found.join(", ");
}

function table(rows) {
  return element("table", rows.map(([name, type, text]) => element("tr", [
    element("td", element("code", name)), element("td", type, "soft"), element("td", prose(text)),
  ])));
}

function fields(schema, schemas) {
  const named = schema.$ref ? schemas[nameOf(schema)] : schema;
  if (!named?.properties) return element("p", nameOf(schema), "soft");
  const required = new Set(named.required ?? []);
  return table(Object.entries(named.properties).map(([name, one]) => [
    required.has(name) ? `${name} *` : name, nameOf(one),
    [one.description, bounds(one)].filter(Boolean).join(" "),
  ]));
}

function operation(path, method, one, schemas) {
  const shown = element("details", element("summary", [
    element("span", method.toUpperCase(), "method"), element("code", path), " ",
    element("span", one.summary, "soft"),
  ]));
  shown.id = one.operationId;
  if (one.description) shown.append(element("p", prose(one.description)));
  if (!one.security) shown.append(element("p", "Needs no sign-in.", "soft"));
  if (one.parameters) {
    shown.append(element("h4", "Parameters"), table(one.parameters.map((parameter) => [
      parameter.required ? `${parameter.name} *` : parameter.name,
      `${parameter.in}, ${nameOf(parameter.schema)}`,
      [parameter.description ?? parameter.schema.description, bounds(parameter.schema)].filter(Boolean).join(" "),
    ])));
  }
  const body = one.requestBody?.content?.["application/json"]?.schema;
  if (body) shown.append(element("h4", "Body"), fields(body, schemas));
  shown.append(element("h4", "Answers"), table(Object.entries(one.responses).map(([status, answer]) => {
    const [media, content] = Object.entries(answer.content ?? {})[0] ?? ["", {}];
    return [status, media === "application/json" ? nameOf(content.schema) : media, answer.description];
  })));
  return shown;
}

async function show() {
  const contract = await (await fetch("/openapi.json")).json();
  const schemas = contract.components.schemas;
  const main = document.getElementById("main");
  main.replaceChildren(element("h1", contract.info.title), element("p", prose(contract.info.description)));
  const groups = new Map();
  for (const [path, methods] of Object.entries(contract.paths)) {
    for (const [method, one] of Object.entries(methods)) {
      const tag = one.tags[0];
      if (!groups.has(tag)) groups.set(tag, []);
      groups.get(tag).push(operation(path, method, one, schemas));
    }
  }
  for (const [tag, operations] of groups) main.append(element("h2", tag), ...operations);
  main.append(element("h2", "Shapes"));
  for (const [name, schema] of Object.entries(schemas)) {
    main.append(element("details", [
      element("summary", [element("code", name), " ", element("span", schema.description ?? "", "soft")]),
      fields(schema, schemas),
    ]));
  }
}

show().catch((error) => document.getElementById("main").append(element("p", String(error))));
