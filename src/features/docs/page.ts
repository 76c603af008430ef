/**
 * Renders the OpenAPI document as one page of plain HTML: no script, nothing loaded from anywhere.
 */
import {
  type ApiAnswer,
  type ApiContent,
  type ApiDocument,
  type ApiOperation,
  type ApiSchema,
  withReferencesFollowed,
} from "./api-document.ts";

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#0a7f5a}
body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:2rem 1.25rem}
h1{margin:0}h1 small{font-size:.9rem;font-weight:400;opacity:.7}
a{color:var(--accent);text-decoration:none}
nav{margin:1.5rem 0}nav p{display:flex;flex-wrap:wrap;gap:.2rem 1.2rem;margin:.6rem 0}nav b{flex-basis:100%}
h2{margin:2.5rem 0 0}
section,article{border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.25rem;margin:1.25rem 0}
h3{font-size:1.05rem;margin:0 0 .5rem;display:flex;gap:.7rem;align-items:baseline;flex-wrap:wrap}
h3 b{background:var(--accent);color:#fff;border-radius:.3rem;padding:.05rem .5rem;font-size:.8rem}
h3 span{font-weight:400;opacity:.75;margin-left:auto}
h4{font-size:.85rem;margin:1.1rem 0 .3rem;opacity:.75}
code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.7rem;border-radius:.4rem;overflow:auto;margin:.3rem 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}td{border-top:1px solid var(--line);padding:.35rem .8rem .35rem 0;vertical-align:top}
td:first-child{white-space:nowrap}em{opacity:.7;font-style:normal}`;

interface NamedOperation {
  readonly path: string;
  readonly method: string;
  readonly operation: ApiOperation;
}

export function renderDocs(document: ApiDocument): string {
  const { info, tags, paths, components } = withReferencesFollowed(document);
  const operations: readonly NamedOperation[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const groups = tags.map((tag) => ({
    ...tag,
    operations: operations.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  const schemas = Object.entries(components.schemas);
  const links = groups.map((group) => linksTo(group.name, group.operations.map(linkToOperation)));
  const schemaLinks = schemas.map(([name]) => linkToSchema(name));
  const parts = groups.map((group) => {
    const sections = group.operations.map(renderOperation);
    return `<h2>${escapeHtml(group.name)}</h2>\n<p>${prose(group.description)}</p>\n${sections.join("\n")}`;
  });
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(info.title)} API</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(info.title)} <small>${escapeHtml(info.version)}</small></h1>
<p>${prose(info.description)} For programs: <a href="openapi.json">openapi.json</a>.</p>
<nav>${links.join("")}${linksTo("Schemas", schemaLinks)}</nav>
${parts.join("\n")}
<h2>Schemas</h2>
${schemas.map(renderSchema).join("\n")}
</body></html>
`;
}

function linksTo(title: string, links: readonly string[]): string {
  return `<p><b>${escapeHtml(title)}</b>${links.join("")}</p>`;
}

function linkToOperation({ path, method, operation }: NamedOperation): string {
  return `<a href="#${operation.operationId}"><code>${method} ${escapeHtml(path)}</code></a>`;
}

function linkToSchema(name: string): string {
  return `<a href="#schema-${name}"><code>${name}</code></a>`;
}

function renderSchema([name, schema]: readonly [string, ApiSchema]): string {
  return `<article id="schema-${name}"><h3><code>${name}</code></h3>
${schema.description === undefined ? "" : `<p>${prose(schema.description)}</p>`}${propertyTable(schema)}
</article>`;
}

function renderOperation({ path, method, operation }: NamedOperation): string {
  const token = operation.security.length > 0 ? "bearer token, when configured" : "";
  const parameters = (operation.parameters ?? []).map((parameter) => [
    `<code>${escapeHtml(parameter.name)}</code> <em>${escapeHtml(parameter.in)}${parameter.required ? ", required" : ""}</em>`,
    rules(parameter.schema),
  ]);
  const answers = Object.entries(operation.responses).map(([status, answer]) => [
    `<code>${status}</code>`,
    renderAnswer(answer),
  ]);
  return `<section id="${operation.operationId}"><h3><b>${method}</b><code>${escapeHtml(path)}</code>${escapeHtml(operation.summary)}<span>${token}</span></h3>
<p>${prose(operation.description)}</p>
${parameters.length > 0 ? `<h4>Parameters</h4>${table(parameters)}` : ""}
${operation.requestBody === undefined ? "" : `<h4>Body</h4>${renderContent(operation.requestBody.content)}`}
<h4>Answers</h4>${table(answers)}
</section>`;
}

function renderAnswer(answer: ApiAnswer): string {
  const headers = Object.entries(answer.headers ?? {}).map(
    ([name, { description }]) => `<br><code>${escapeHtml(name)}</code> <em>${prose(description)}</em>`,
  );
  return `${prose(answer.description)}${headers.join("")}${answer.content === undefined ? "" : renderContent(answer.content)}`;
}

/** Media types whose bodies are alike stand together. */
function renderContent(content: ApiContent): string {
  const bodies = Map.groupBy(Object.entries(content), ([, { schema }]) => JSON.stringify(schema));
  return [...bodies]
    .map(([text, alike]) => {
      const schema: ApiSchema = JSON.parse(text);
      const types = alike.map(([type]) => type).join(", ");
      const properties = renderProperties(schema);
      const isPlain = types === "application/json" && properties !== "";
      const head = [
        isPlain ? "" : `<em>${escapeHtml(types)}</em>`,
        schema.title === undefined ? "" : linkToSchema(schema.title),
      ].filter((part) => part !== "");
      return `${head.map((part) => `<div>${part}</div>`).join("")}${properties}`;
    })
    .join("");
}

/** In a table where anything is to be said about them. */
function renderProperties(schema: ApiSchema): string {
  const properties = Object.values(schema.properties ?? {});
  if (properties.length === 0) return "";
  return properties.some(({ description, pattern }) => description !== undefined || pattern !== undefined)
    ? propertyTable(schema)
    : `<pre>${escapeHtml(shape(schema))}</pre>`;
}

function propertyTable(schema: ApiSchema): string {
  return table(
    Object.entries(schema.properties ?? {}).map(([name, property]) => [
      `<code>${escapeHtml(name)}</code>${schema.required?.includes(name) ? " <em>required</em>" : ""}`,
      rules(property),
    ]),
  );
}

/** A schema as JSON with the names of types in place of values. */
function shape(schema: ApiSchema): string {
  return JSON.stringify(example(schema), null, 1).replace(/\n\s*/g, " ");
}

function example(schema: ApiSchema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.properties !== undefined) {
    return Object.fromEntries(
      Object.entries(schema.properties).map(([name, property]) => [name, example(property)]),
    );
  }
  if (schema.items !== undefined) return [example(schema.items)];
  if (schema.anyOf !== undefined) return schema.anyOf.map((option) => option.type).join(" or ");
  return schema.type ?? "any";
}

function rules(schema: ApiSchema): string {
  const limits = (schema.anyOf ?? [schema]).flatMap((option) => [
    typeName(option),
    option.enum === undefined ? "" : option.enum.map(code).join(" or "),
    ...[option.minLength, option.minimum].map((least) => (least === undefined ? "" : `at least ${least}`)),
    option.maxLength === undefined ? "" : `at most ${option.maxLength} characters`,
    option.maximum === undefined ? "" : `at most ${option.maximum}`,
    option.pattern === undefined ? "" : code(option.pattern),
    option.default === undefined ? "" : `default ${code(option.default)}`,
  ]);
  const examples = schema.examples?.map(code) ?? [];
  return [
    prose(schema.description ?? ""),
    `<em>${limits.filter((limit) => limit !== "").join(", ")}${examples.length > 0 ? `; such as ${examples.join(", ")}` : ""}</em>`,
  ].join(" ");
}

/** Empty where it may be anything. */
function typeName(schema: ApiSchema): string {
  if (schema.title !== undefined) return linkToSchema(schema.title);
  if (schema.items !== undefined) return `array of ${typeName(schema.items)}`;
  return schema.properties === undefined ? escapeHtml(schema.type ?? "") : code(shape(schema));
}

function code(value: unknown): string {
  return `<code>${escapeHtml(String(value))}</code>`;
}

function table(rows: readonly (readonly string[])[]): string {
  const cells = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join("")}</tr>`);
  return `<div class="scroll"><table>${cells.join("")}</table></div>`;
}

/** Text with `code` in back quotes. */
function prose(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, "<code>$1</code>");
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
