/**
 * Renders the OpenAPI document as one page of plain HTML: no script, nothing loaded from anywhere.
 */
import type { ApiAnswer, ApiContent, ApiDocument, ApiOperation, ApiSchema } from "./api-document.ts";

const STYLE = `
:root{color-scheme:light dark;--line:#8884;--soft:#8881;--accent:#0a7f5a}
body{font:16px/1.55 system-ui,sans-serif;max-width:60rem;margin:0 auto;padding:2rem 1.25rem}
h1{margin:0}h1 small{font-size:.9rem;font-weight:400;opacity:.7}
nav{margin:1.5rem 0;display:flex;flex-wrap:wrap;gap:.4rem 1.2rem}nav a{color:var(--accent);text-decoration:none}
section{border:1px solid var(--line);border-radius:.6rem;padding:1rem 1.25rem;margin:1.25rem 0}
h2{font-size:1.05rem;margin:0 0 .5rem;display:flex;gap:.7rem;align-items:baseline;flex-wrap:wrap}
h2 b{background:var(--accent);color:#fff;border-radius:.3rem;padding:.05rem .5rem;font-size:.8rem}
h2 span{font-weight:400;opacity:.75;margin-left:auto}
h3{font-size:.85rem;margin:1.1rem 0 .3rem;opacity:.75}
code,pre{font:14px/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.7rem;border-radius:.4rem;overflow:auto;margin:.3rem 0}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%}td{border-top:1px solid var(--line);padding:.35rem .8rem .35rem 0;vertical-align:top}
td:first-child{white-space:nowrap}em{opacity:.7;font-style:normal}`;

export function renderDocs(document: ApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const links = operations.map(
    ({ path, method, operation }) =>
      `<a href="#${operation.operationId}"><code>${method} ${escapeHtml(path)}</code></a>`,
  );
  const sections = operations.map(({ path, method, operation }) => renderOperation(path, method, operation));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escapeHtml(document.info.title)} API</title><style>${STYLE}</style></head><body>
<h1>${escapeHtml(document.info.title)} <small>${escapeHtml(document.info.version)}</small></h1>
<p>${prose(document.info.description)} For programs: <a href="openapi.json">openapi.json</a>.</p>
<nav>${links.join("")}</nav>
${sections.join("\n")}
</body></html>
`;
}

function renderOperation(path: string, method: string, operation: ApiOperation): string {
  const token = operation.security.length > 0 ? "bearer token, when configured" : "";
  const parameters = (operation.parameters ?? []).map((parameter) => [
    `<code>${escapeHtml(parameter.name)}</code> <em>${escapeHtml(parameter.in)}${parameter.required ? ", required" : ""}</em>`,
    rules(parameter.schema),
  ]);
  const answers = Object.entries(operation.responses).map(([status, answer]) => [
    `<code>${status}</code>`,
    renderAnswer(answer),
  ]);
  return `<section id="${operation.operationId}"><h2><b>${method}</b><code>${escapeHtml(path)}</code>${escapeHtml(operation.summary)}<span>${token}</span></h2>
<p>${prose(operation.description)}</p>
${parameters.length > 0 ? `<h3>Parameters</h3>${table(parameters)}` : ""}
${operation.requestBody === undefined ? "" : `<h3>Body</h3>${renderContent(operation.requestBody.content)}`}
<h3>Answers</h3>${table(answers)}
</section>`;
}

function renderAnswer(answer: ApiAnswer): string {
  const headers = Object.entries(answer.headers ?? {}).map(
    ([name, { description }]) => `<br><code>${escapeHtml(name)}</code> <em>${prose(description)}</em>`,
  );
  return `${prose(answer.description)}${headers.join("")}${answer.content === undefined ? "" : renderContent(answer.content)}`;
}

function renderContent(content: ApiContent): string {
  return Object.entries(content)
    .map(([type, { schema }]) => {
      const properties = Object.entries(schema.properties ?? {});
      const described = properties.some(
        ([, property]) => property.description !== undefined || property.pattern !== undefined,
      );
      if (!described)
        return properties.length === 0
          ? `<br><em>${escapeHtml(type)}</em>`
          : `<pre>${escapeHtml(shape(schema))}</pre>`;
      return table(
        properties.map(([name, property]) => [
          `<code>${escapeHtml(name)}</code>${schema.required?.includes(name) ? " <em>required</em>" : ""}`,
          rules(property),
        ]),
      );
    })
    .join("");
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
  const limits = (schema.anyOf ?? [schema]).flatMap(({ type, minLength, maxLength, pattern }) => [
    type === undefined ? "" : escapeHtml(type),
    minLength === undefined ? "" : `at least ${minLength}`,
    maxLength === undefined ? "" : `at most ${maxLength} characters`,
    pattern === undefined ? "" : `<code>${escapeHtml(pattern)}</code>`,
  ]);
  const examples = schema.examples?.map((value) => `<code>${escapeHtml(String(value))}</code>`) ?? [];
  return [
    prose(schema.description ?? ""),
    `<em>${limits.filter((limit) => limit !== "").join(", ")}${examples.length > 0 ? `; such as ${examples.join(", ")}` : ""}</em>`,
  ].join(" ");
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
