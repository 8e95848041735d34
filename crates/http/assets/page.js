"use strict";

// The page is drawn from /openapi.json and from nothing else. Every text is set as text, never as
// markup, so that no document can bring a script along; the page's policy holds it to that.

const base = location.pathname.replace(/\/docs(\/problems)?\/?$/, "");
let token = "";

/** An element with attributes and children; a child that is a string is text. */
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== undefined && child !== null));
  return element;
}

/** Text with `code` spans. */
function inline(text) {
  return text.split(/(`[^`]+`)/).filter(Boolean)
    .map((part) => (part.startsWith("`") ? make("code", {}, part.slice(1, -1)) : part));
}

function prose(text = "") {
  const paragraphs = text.split(/\n\n+/).filter(Boolean).map((part) => make("p", {}, inline(part)));
  return make("div", { class: "prose" }, paragraphs);
}

function table(heads, rows, kind) {
  const head = make("thead", {}, make("tr", {}, heads.map((text) => make("th", { scope: "col" }, text))));
  const body = make("tbody", {}, rows.map((cells) => make("tr", {}, cells.map((cell) => make("td", {}, cell)))));
  return make("div", { class: "scroll" }, make("table", { class: kind }, head, body));
}

/** The range of an integer in words, if it has one. */
function range({ minimum, maximum }) {
  const number = (value) => value.toLocaleString("en");
  if (minimum === undefined && maximum === undefined) return undefined;
  if (maximum === undefined) return "at least " + number(minimum);
  if (minimum === undefined) return "at most " + number(maximum);
  return number(minimum) + " to " + number(maximum);
}

/** What values a schema takes, in words. */
function limits(schema) {
  const kinds = [schema.type].flat().filter((kind) => kind && kind !== "null");
  const words = [];
  if (schema.enum) words.push("one of " + schema.enum.map((word) => "`" + word + "`").join(" "));
  else if (kinds[0] === "array") words.push("list of " + limits(schema.items));
  else words.push(kinds.join(" or ") || "any");
  const bounds = range(schema);
  if (bounds) words.push(bounds);
  if (schema.maxItems) words.push(schema.minItems + " to " + schema.maxItems + " items");
  if (schema.maxLength) words.push((schema.minLength ?? 0) + " to " + schema.maxLength + " bytes");
  if (schema.default !== undefined) words.push("default `" + schema.default + "`");
  if ([schema.type].flat().includes("null")) words.push("or null");
  return words.join(", ");
}

/** Where the field of a webhook travels that is its body as it stands. */
const WHOLE_BODY = "whole body";

/** The schema of a body that is an object, or of one that is another system's. */
function bodyOf({ requestBody }) {
  const schema = requestBody?.content["application/json"].schema;
  return schema?.anyOf?.[0] ?? schema;
}

/** Every field that a request takes: where it travels, and what it takes. */
function fieldsOf(operation) {
  const fields = operation.parameters.map((parameter) => ({ ...parameter, place: parameter.in }));
  const body = bodyOf(operation);
  for (const [name, schema] of Object.entries(body?.properties ?? {})) {
    const required = body.required?.includes(name) ?? false;
    fields.push({ name, place: "body", required, description: schema.description, schema });
  }
  if (body && !body.properties) {
    const { required, description } = operation.requestBody;
    fields.push({ name: body.title, place: WHOLE_BODY, required, description, schema: body });
  }
  return fields;
}

/** The fields of a list's items, under the path of the list. */
function itemsOf({ name, place, schema }) {
  const { properties = {}, required = [] } = schema.items ?? {};
  return Object.entries(properties).map(([inner, schema]) => ({
    name: name + "[]." + inner, place, required: required.includes(inner), description: schema.description, schema,
  }));
}

function fieldTable(fields) {
  const all = fields.flatMap((field) => [field, ...itemsOf(field)]);
  return table(["Field", "In", "Takes", "Meaning"], all.map((field) => [
    [make("code", {}, field.name), field.required ? make("span", { class: "needed" }, " required") : ""],
    make("span", { class: "soft" }, field.place),
    inline(limits(field.schema)),
    prose(field.description),
  ]));
}

/** The fields of a reply; those of maps within it carry their path. */
function replyRows(schema, prefix = "") {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const path = prefix + name;
    const inner = field.items ?? field;
    const suffix = field.items ? "[]." : ".";
    return [[make("code", {}, path), inline(limits(field)), prose(field.description)],
      ...replyRows(inner, path + suffix)];
  });
}

/** The problems of a request: those of its own, and those that any such request can meet. */
function problemsOf(operation) {
  return Object.values(operation.responses).flatMap((response) => response["x-codes"] ?? []);
}

function problemLink({ code }) {
  return make("a", { href: "#" + code }, make("code", {}, code));
}

function problemTable(problems) {
  return table(["Code", "RESP", "Status", "Meaning"], problems.map((problem) => [
    problemLink(problem), make("code", {}, problem.resp), String(problem.status), prose(problem.doc),
  ]), "codes");
}

/** What else a request answers, and in one line what can befall any. */
function problemPart(problems) {
  const own = problems.filter((problem) => problem.refusal);
  const others = problems.filter((problem) => !problem.refusal);
  return [own.length ? [make("h4", {}, "Other answers"), problemTable(own)] : [],
    make("p", { class: "soft" }, own.length ? "Also, as any such request: " : "Refuses nothing. As any such request: ",
      others.flatMap((problem, at) => [at ? ", " : "", problemLink(problem)]))];
}

function input(field) {
  const name = field.place + ":" + field.name;
  const { schema } = field;
  if (schema.enum) {
    return make("select", { name }, make("option", { value: "" }, "(not sent)"),
      schema.enum.map((word) => make("option", { value: word }, word)));
  }
  if (schema.type === "array") {
    const example = Object.entries(schema.items.properties ?? {}).map(([inner, { type }]) =>
      JSON.stringify(inner) + ":" + (type === "integer" ? "1" : '"…"'));
    return make("textarea", {
      name, rows: "3", spellcheck: "false", required: field.required, placeholder: "[{" + example.join(",") + "}]",
    });
  }
  if (field.place === WHOLE_BODY) return make("textarea", { name, rows: "3", spellcheck: "false", required: field.required });
  const number = [schema.type].flat().includes("integer");
  return make("input", {
    name, autocomplete: "off", spellcheck: "false", required: field.required,
    inputmode: number ? "numeric" : undefined, pattern: number ? "-?[0-9]+" : undefined,
    placeholder: schema.default ?? (field.required ? undefined : "(not sent)"),
  });
}

/** The request that a form describes. What is left empty is not sent. */
function requestOf(path, method, fields, form) {
  const headers = {};
  const query = [];
  const members = [];
  let whole;
  for (const field of fields) {
    const value = form.elements[field.place + ":" + field.name].value;
    if (value === "") continue;
    if (field.place === "path") path = path.replace("{" + field.name + "}", encodeURIComponent(value));
    if (field.place === "query") query.push(encodeURIComponent(field.name) + "=" + encodeURIComponent(value));
    if (field.place === "header") headers[field.name] = value;
    if (field.place === WHOLE_BODY) whole = value;
    if (field.place === "body") {
      // Digits go as they stand: a 64-bit integer does not survive a JavaScript number.
      // So does a list, which is written as JSON.
      const plain = field.schema.type === "array" || field.schema.type === "integer" && /^-?[0-9]+$/.test(value);
      members.push(JSON.stringify(field.name) + ":" + (plain ? value : JSON.stringify(value)));
    }
  }
  const body = method === "get" ? undefined : whole ?? "{" + members.join(",") + "}";
  if (body) headers["Content-Type"] = "application/json";
  // A webhook has its signature instead.
  if (token && whole === undefined) headers.Authorization = "Bearer " + token;
  const url = base + path + (query.length ? "?" + query.join("&") : "");
  return { url, init: { method: method.toUpperCase(), headers, body } };
}

/** An answer whose `type`, if it is a problem, leads to what this page says of it. */
function answerOf(json) {
  const [, before, type, code, after] = json.match(/^(\{\s*"type": ")([^"]*\/docs\/problems#(\w+))(".*)$/s) ?? [];
  return code ? [before, make("a", { href: "#" + code }, type), after] : [json];
}

/** The same request for a shell. */
function shellCommand({ url, init }) {
  const quote = (text) => "'" + text.replaceAll("'", "'\\''") + "'";
  const headers = Object.entries(init.headers)
    .map(([name, value]) => " -H " + quote(name + ": " + (name === "Authorization" ? "Bearer …" : value)));
  const body = init.body ? " --data-raw " + quote(init.body) : "";
  return "curl -X " + init.method + " " + quote(location.origin + url) + headers.join("") + body;
}

/** JSON with line breaks, without reading its numbers. */
function indented(json) {
  let depth = 0;
  const line = () => "\n" + "  ".repeat(depth);
  return json.replace(/"(?:[^"\\]|\\.)*"|\{\}|\[\]|[{}[\],:]/g, (part) => {
    if (part === "{" || part === "[") { depth += 1; return part + line(); }
    if (part === "}" || part === "]") { depth -= 1; return line() + part; }
    if (part === ",") return part + line();
    return part === ":" ? ": " : part;
  });
}

async function send(request, shown) {
  shown.replaceChildren(make("p", { class: "soft" }, "Waiting…"));
  const began = performance.now();
  const command = make("pre", { tabindex: "0", "aria-label": "The same with curl" }, shellCommand(request));
  try {
    const response = await fetch(request.url, request.init);
    const text = await response.text();
    const passed = Math.round(performance.now() - began);
    const retry = response.headers.get("Retry-After");
    const status = response.status + " " + response.statusText + ", " + passed + " ms"
      + (retry ? ", Retry-After: " + retry : "");
    shown.replaceChildren(
      make("p", { class: "status s" + String(response.status)[0] }, status),
      make("pre", { tabindex: "0", "aria-label": "Answer" }, answerOf(indented(text))), command);
  } catch (error) {
    shown.replaceChildren(make("p", { class: "status s0" },
      "No answer, so it is unknown whether the request was done: " + error.message), command);
  }
}

function tryIt(path, method, fields) {
  const labels = fields.map((field) => make("label", {},
    make("span", {}, field.name, field.required ? make("span", { class: "needed" }, " required") : ""), input(field),
    range(field.schema)));
  const shown = make("div", { class: "answer", "aria-live": "polite" });
  const form = make("form", {}, make("div", { class: "inputs" }, labels), make("button", {}, "Send"), shown);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(requestOf(path, method, fields, form), shown);
  });
  return make("details", {}, make("summary", {}, "Try it"), form);
}

function operationSection(path, method, operation, document_) {
  const fields = fieldsOf(operation);
  const done = operation.responses["200"] ?? operation.responses["204"];
  const content = done.content ?? {};
  const streams = "text/event-stream" in content;
  const reply = Object.values(content)[0]?.schema ?? {};
  return make("section", { class: "operation", id: "op-" + operation.operationId, tabindex: "-1" },
    make("h3", {}, make("span", { class: "method " + method }, method), make("span", { class: "path" }, path),
      make("span", { class: "soft" }, operation.operationId), make("span", { class: "soft" }, operation["x-work-class"] + " work")),
    streams ? [] : make("pre", { class: "resp" }, operation["x-resp"]), prose(operation.description),
    streams || !reply.properties ? prose(done.description) : [],
    fields.length ? [make("h4", {}, "Fields"), fieldTable(fields)] : [],
    bodyOf(operation)?.properties ? prose(operation.requestBody.description) : [],
    reply.properties || streams ? [make("h4", {}, "Reply"), table(["Field", "Type", "Meaning"], replyRows(reply))] : [],
    problemPart(problemsOf(operation)),
    streams ? [] : tryIt(path, method, fields));
}

/** Each code once, with the requests that use it: where the `type` of a problem leads. */
function problemIndex(document_) {
  const all = new Map();
  const add = (problem, user) => {
    const entry = all.get(problem.code) ?? { statuses: new Set(), users: new Set(), docs: new Set() };
    entry.statuses.add(problem.status);
    entry.users.add(user);
    entry.docs.add(problem.doc);
    all.set(problem.code, entry);
  };
  for (const response of Object.values(document_.components.responses)) {
    for (const problem of response["x-codes"]) add(problem, "any request");
  }
  for (const operation of Object.values(document_.paths).flatMap((item) => Object.values(item))) {
    for (const problem of problemsOf(operation).filter(({ refusal }) => refusal)) add(problem, operation.operationId);
  }
  const sections = [...all].sort(([a], [b]) => a.localeCompare(b)).map(([code, entry]) =>
    make("section", { class: "operation", id: code, tabindex: "-1" },
      make("h3", {}, make("code", {}, code),
        make("span", { class: "soft" }, [...entry.statuses].join(", ") + " · " + [...entry.users].join(", "))),
      [...entry.docs].map(prose)));
  return [make("h2", { id: "problems", tabindex: "-1" }, "Problems"),
    make("p", {}, "Every “no” is an RFC 9457 problem. Its code is stable; its type leads here."), sections];
}

function credentials(document_) {
  if (!document_.components.securitySchemes) return [];
  const field = make("input", { type: "password", autocomplete: "off" });
  field.addEventListener("input", () => { token = field.value; });
  return make("label", { class: "token" }, "Bearer token for “try it”, kept by this page only while it is open", field);
}

function operationsOf(document_, tag) {
  return Object.entries(document_.paths).flatMap(([path, item]) => Object.entries(item)
    .filter(([, operation]) => operation.tags.includes(tag))
    .map(([method, operation]) => ({ path, method, operation })));
}

/** The menu, which a narrow screen shows only when asked. */
function foldedMenu(menu) {
  const folded = make("details", {}, make("summary", {}, "Menu"), menu);
  const narrow = matchMedia("(max-width: 50rem)");
  const fold = () => { folded.open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  folded.addEventListener("click", (event) => { if (event.target.closest("a")) fold(); });
  fold();
  return folded;
}

function draw(document_) {
  const { info, tags } = document_;
  document.title = info.title + " API " + info.version;
  const menu = [make("a", { class: "home", href: "#content" }, info.title)];
  const content = [make("h1", {}, info.title + " API ", make("small", {}, info.version)), prose(info.description),
    make("p", {}, make("a", { href: base + "/openapi.json" }, "openapi.json")), credentials(document_)];
  for (const tag of tags) {
    const operations = operationsOf(document_, tag.name);
    content.push(make("h2", { id: "tag-" + tag.name }, tag.name), prose(tag.description),
      operations.map(({ path, method, operation }) => operationSection(path, method, operation, document_)));
    menu.push(make("h2", {}, tag.name), make("ul", {}, operations.map(({ method, operation }) =>
      make("li", {}, make("a", { href: "#op-" + operation.operationId },
        make("span", { class: "method " + method }, method), " ", operation.operationId)))));
  }
  content.push(problemIndex(document_));
  menu.push(make("h2", {}, "More"), make("ul", {}, make("li", {}, make("a", { href: "#problems" }, "Problems"))));
  document.querySelector("nav").replaceChildren(foldedMenu(menu));
  document.querySelector("main").replaceChildren(...content.flat(3));
}

/** What the address names behind `#`. */
function named() {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return location.hash.slice(1);
  }
}

/** Goes to what the address names, which was not there when the page was loaded. */
function goToHash() {
  document.querySelectorAll(".here").forEach((element) => element.classList.remove("here"));
  document.querySelector(".notice")?.remove();
  const name = named() || (location.pathname.endsWith("/problems") ? "problems" : "");
  if (!name) return;
  const target = document.getElementById(name) ?? noticeOf(name);
  target.classList.add("here");
  target.scrollIntoView();
  target.focus({ preventScroll: true });
}

/** Says, above the problems, that this server knows nothing of this name. */
function noticeOf(name) {
  const notice = make("p", { class: "notice", role: "alert", tabindex: "-1" },
    "This server knows no request and no problem named ", make("code", {}, name), ". These are its problems.");
  document.getElementById("problems").after(notice);
  return notice;
}

async function start() {
  document.querySelector("main").replaceChildren(make("p", { role: "status" }, "Reading the API's description…"));
  try {
    const response = await fetch(base + "/openapi.json");
    if (!response.ok) throw new Error("the server answered " + response.status);
    draw(await response.json());
    addEventListener("hashchange", goToHash);
    goToHash();
  } catch (error) {
    document.querySelector("main").replaceChildren(make("p", { role: "alert" },
      "The API's description could not be read: " + error.message));
  }
}

start();
