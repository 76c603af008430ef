/**
 * Renders the OpenAPI document as one page of HTML that holds its own style and script: nothing is
 * loaded from anywhere, and without the script everything is there to read.
 */
import {
  type ApiAnswer,
  type ApiDocument,
  type ApiSchema,
  type NamedOperation,
  schemaOf,
  withReferencesFollowed,
} from "./api-document.ts";
import { curlOf } from "./curl.ts";
import { exampleOf } from "./examples.ts";
import { field, fieldList, schemaLink } from "./fields.ts";
import { code, escapeHtml, jsonBlock, prose } from "./html.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";

/** Stand in the page for the addresses of the service, which each reader's request says. */
export const PAGE_BASE = "{{base}}";
export const WEBHOOK_BASE = "{{webhooks}}";

interface PageOptions {
  /** Whether a token is configured. */
  readonly isGuarded: boolean;
  /** Paths that another listener serves than the one that serves this page. */
  readonly elsewhere: ReadonlySet<string>;
}

export function renderDocs(document: ApiDocument, options: PageOptions): string {
  const { info, tags, paths, components } = withReferencesFollowed(document);
  const operations: readonly NamedOperation[] = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
  const groups = tags.map((tag) => ({
    ...tag,
    operations: operations.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
  const schemas = Object.entries(components.schemas);
  const menu = [
    ...groups.map((group) => menuGroup(group.name, group.operations.map(menuOperation))),
    menuGroup("Schemas", schemas.map(menuSchema)),
  ];
  const sections = [
    ...groups.map(({ name, description, operations }) =>
      section(
        name,
        prose(description),
        operations.map((each) => operationArticle(each, options)),
      ),
    ),
    section(
      "Schemas",
      "What is sent and answered, by the names that clients have for it.",
      schemas.map(schemaArticle),
    ),
  ];
  const token = options.isGuarded
    ? "Operations that want the token take it as `Authorization: Bearer …`; below it is in `API_TOKEN`."
    : "No `API_TOKEN` is set, so no operation wants one.";
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${escapeHtml(info.title)} API</title>
<link rel="icon" type="image/svg+xml" href="favicon.ico"><style>${STYLE}</style></head><body>
<a class="skip" href="#main">To the operations</a>
<header><h1><img src="favicon.ico" alt="">${escapeHtml(info.title)} API <small>${escapeHtml(info.version)}</small></h1>
<p><a href="ui/">Dashboard</a><a href="openapi.json">openapi.json</a></p></header>
<nav aria-label="Operations"><search hidden><label for="search">Search <kbd>/</kbd></label>
<input id="search" type="search" autocomplete="off" spellcheck="false"></search><p role="status"></p>
<details open><summary>All operations</summary><ul>${menu.join("")}</ul></details></nav>
<main id="main" tabindex="-1"><p class="lead">${prose(`${info.description} ${token}`)}</p>
${sections.join("\n")}
</main><script>${SCRIPT}</script></body></html>
`;
}

function menuGroup(name: string, items: readonly string[]): string {
  return `<li class="group"><h2><a href="#group-${name}">${name}</a></h2><ul>${items.join("")}</ul></li>`;
}

function menuOperation({ path, method, operation }: NamedOperation): string {
  return `<li><a href="#${operation.operationId}" title="${method} ${escapeHtml(path)}">${methodBadge(method)} ${escapeHtml(
    operation.summary,
  )}</a></li>`;
}

function menuSchema([name]: readonly [string, ApiSchema]): string {
  return `<li><a class="plain" href="#schema-${name}">${name}</a></li>`;
}

function methodBadge(method: string): string {
  return `<span class="method ${method}">${method}</span>`;
}

function section(name: string, text: string, articles: readonly string[]): string {
  return `<section id="group-${name}"><div><h2>${name}</h2><p>${text}</p></div>
${articles.join("\n")}</section>`;
}

function schemaArticle([name, schema]: readonly [string, ApiSchema]): string {
  const text = schema.description === undefined ? "" : `<p>${prose(schema.description)}</p>`;
  return `<article id="schema-${name}"><div class="text"><h3><a href="#schema-${name}">${name}</a></h3>${text}${fieldList(
    schema,
    "answer",
  )}</div><div class="samples">${jsonBlock(exampleOf(schema))}</div></article>`;
}

function operationArticle(named: NamedOperation, { isGuarded, elsewhere }: PageOptions): string {
  const { path, method, operation } = named;
  const { operationId: id, parameters = [], requestBody, responses } = operation;
  const token =
    isGuarded && operation.security.length > 0 ? `<span class="token">wants the token</span>` : "";
  const body = requestBody && schemaOf(requestBody.content);
  const answers = Object.entries(responses);
  const isGood = ([status]: readonly [string, ApiAnswer]) => status < "400";
  const [good, bad] = [answers.filter(isGood), answers.filter((answer) => !isGood(answer))];
  return `<article id="${id}"><div class="text"><h3><a href="#${id}">${escapeHtml(operation.summary)}</a></h3>
<p class="request">${methodBadge(method)} <code>${escapeHtml(path)}</code>${token}</p>
<p>${prose(operation.description)}</p>
${parameters.length > 0 ? `<h4>Parameters</h4><ul class="fields">${parameters.map(parameterField).join("")}</ul>` : ""}
${body === undefined ? "" : `<h4>Body ${body.title === undefined ? "" : schemaLink(body.title)}</h4>${fieldList(body, "request")}`}
<h4>Answers</h4><ul class="statuses">${goodAnswers(good)}</ul>
<details><summary>Refusals: ${bad.map(([status]) => status).join(", ")}</summary><ul class="statuses">${bad
    .map(badAnswer)
    .join("")}</ul></details></div>
<div class="samples">${curlSample(named, elsewhere.has(path), isGuarded)}${answerSamples(good)}</div></article>`;
}

function parameterField(parameter: NonNullable<NamedOperation["operation"]["parameters"]>[number]): string {
  const place = `in the ${parameter.in}${parameter.required ? ", required" : ""}`;
  return field({ name: parameter.name, note: place, schema: parameter.schema });
}

/** With the fields of each body, once where several have the same. */
function goodAnswers(answers: readonly (readonly [string, ApiAnswer])[]): string {
  const shown = new Set<string>();
  const items = answers.map(([status, answer]) => {
    const fields = fieldList(schemaOf(answer.content ?? {}), "answer");
    const isNew = !shown.has(fields);
    shown.add(fields);
    return statusItem(status, answer, isNew ? fields : "");
  });
  return items.join("");
}

function badAnswer([status, answer]: readonly [string, ApiAnswer]): string {
  return statusItem(status, answer, "");
}

/** `fields` is markup. */
function statusItem(status: string, answer: ApiAnswer, fields: string): string {
  const { description, content = {}, headers = {} } = answer;
  const title = schemaOf(content).title;
  const types = Object.keys(content).filter((type) => type !== "application/json");
  const what = [...(title === undefined ? [] : [schemaLink(title)]), ...types.map(code)];
  const lines = Object.entries(headers).map(
    ([name, header]) => `<p>${code(name)} ${prose(header.description)}</p>`,
  );
  return `<li><code class="status">${status}</code><div><p>${prose(description)} ${what.join(", ")}</p>${lines.join(
    "",
  )}${fields}</div></li>`;
}

function curlSample(named: NamedOperation, isElsewhere: boolean, isGuarded: boolean): string {
  const base = isElsewhere ? WEBHOOK_BASE : PAGE_BASE;
  const { note, text } = curlOf(named, { base, isGuarded });
  const address = isElsewhere ? WEBHOOK_BASE : `<span data-base>${PAGE_BASE}</span>`;
  const lines = escapeHtml(text).replaceAll(base, address);
  return `<div class="head"><h4>Request</h4></div>${note === "" ? "" : `<p class="note">${prose(note)}</p>`}<pre class="curl">${lines}</pre>`;
}

function answerSamples(answers: readonly (readonly [string, ApiAnswer])[]): string {
  const byExample = Map.groupBy(answers, ([, { content = {} }]) => {
    const example = exampleOf(schemaOf(content));
    return example === undefined ? "" : jsonBlock(example);
  });
  return [...byExample]
    .filter(([example]) => example !== "")
    .map(([example, alike]) => `<h4>Answer ${alike.map(([status]) => status).join(", ")}</h4>${example}`)
    .join("");
}
