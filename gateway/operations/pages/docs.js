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

const BOUNDS = {
  minimum: (n) => `at least ${n}`,
  maximum: (n) => `at most ${n}`,
  minLength: (n) => `at least ${n} ${n === 1 ? "character" : "characters"}`,
  maxLength: (n) => `at most ${n} characters`,
  pattern: (text) => `matches ${text}`,
  default: (value) => `otherwise ${JSON.stringify(value)}`,
};

// What is said of a value, and within which bounds it must be.
function about(schema, description) {
  const parts = [schema, ...(schema.anyOf ?? [])];
  const found = parts.flatMap((part) => Object.entries(BOUNDS).filter(([key]) => part[key] !== undefined && typeof part[key] !== "object")
    .map(([key, say]) => say(part[key])));
  const said = description ?? parts.map((part) => part.description).find(Boolean);
  return [said, found.length ? `(${found.join(", ")})` : ""].filter(Boolean).join(" ");
}

// What a part of the contract is, where it only says where that stands.
function found(part, components) {
  if (!part?.$ref) return part;
  const [kind, name] = part.$ref.split("/").slice(-2);
  return components[kind][name];
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
    about(one),
  ]));
}

function example(value) {
  return element("pre", typeof value === "string" ? value : JSON.stringify(value, null, 2));
}

// One answer: what it is, its shape, and an example to open; of refusals, one line for each type.
function answer(status, one, media, content, components) {
  if (content.examples) {
    return Object.values(content.examples).map((one) => found(one, components)).map(({ value }) => element("tr", [
      element("td", status), element("td", element("code", value.type.split("/").pop())),
      element("td", element("details", [element("summary", prose(value.detail)), example(value)], "small")),
    ]));
  }
  const shape = content.schema?.$ref ? link(nameOf(content.schema)) : media;
  const shown = element("td", prose(one.description));
  if (content.example !== undefined) {
    shown.replaceChildren(element("details", [element("summary", prose(one.description)), example(content.example)], "small"));
  }
  return [element("tr", [element("td", status), element("td", shape, "soft"), shown])];
}

function answers(responses, components) {
  return element("table", Object.entries(responses).flatMap(([status, part]) => {
    const one = found(part, components);
    const [media, content] = Object.entries(one.content ?? {})[0] ?? ["", {}];
    return answer(status, one, media, content, components);
  }));
}

function operation(path, method, one, components) {
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
      about(parameter.schema, parameter.description),
    ])));
  }
  const body = one.requestBody?.content?.["application/json"];
  if (body) {
    const schemas = body.schema.anyOf ?? body.schema.oneOf ?? [body.schema];
    shown.append(element("h4", "Body"), ...schemas.map((one) => fields(one, components.schemas)));
    const examples = Object.values(body.examples ?? {}).map(({ value }) => value);
    shown.append(...(examples.length ? examples : [body.example]).map(example));
  }
  shown.append(element("h4", "Answers"), answers(one.responses, components));
  return shown;
}

function link(name) {
  return Object.assign(element("a", name), { href: `#${name}` });
}

function heading(name) {
  return Object.assign(element("h2", name), { id: name });
}

// The operation that the address names is open.
function reveal() {
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) named.open = true;
  named?.scrollIntoView();
}

async function show() {
  const contract = await (await fetch("/openapi.json")).json();
  const schemas = contract.components.schemas;
  const main = document.getElementById("main");
  main.replaceChildren(element("h1", contract.info.title), element("p", prose(contract.info.description)));
  const groups = new Map(contract.tags.map(({ name, description }) => [name, [element("p", prose(description), "soft")]]));
  for (const [path, methods] of Object.entries(contract.paths)) {
    for (const [method, one] of Object.entries(methods)) {
      groups.get(one.tags[0]).push(operation(path, method, one, contract.components));
    }
  }
  main.append(element("nav", [...groups.keys(), "Shapes"].flatMap((name, i) => (i ? [" · ", link(name)] : [link(name)]))));
  for (const [name, shown] of groups) main.append(heading(name), ...shown);
  main.append(heading("Shapes"), element("p", "What bodies and answers are made of; * is always there.", "soft"));
  for (const [name, schema] of Object.entries(schemas)) {
    const shown = element("details", [
      element("summary", [element("code", name), " ", element("span", prose(schema.description), "soft")]),
      fields(schema, schemas),
    ]);
    shown.id = name;
    main.append(shown);
  }
}

window.addEventListener("hashchange", reveal);
show().then(reveal).catch((error) => document.getElementById("main").append(element("p", String(error))));
