/**
 * Every recipe of docs/providers/recipes.md does with a request of its provider what it says,
 * against the whole service: `recipe-cases.ts` has the requests.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseConfigFile } from "../../src/config-file/config-file.ts";
import type { Message } from "../../src/core/message.ts";
import type { SourceConfig } from "../../src/sources/open-source.ts";
import { newService, type TestService } from "../http/service.ts";
import { pinnedClock } from "../pinned-clock.ts";
import { hmac, NOW, SECONDS } from "./drafts.ts";
import { RECIPE_CASES } from "./recipe-cases.ts";
import type { RecipeCase, RecipeSent } from "./recipe-drafts.ts";

const PAGE = readFileSync(join(import.meta.dir, "../../docs/providers/recipes.md"), "utf8");
/** Their keys are fetched, so that nobody else can sign for them. */
const FETCHED: readonly string[] = ["Bot Framework (Azure Bot Service, Microsoft Teams bots)", "Google Chat"];

interface Recipe {
  readonly heading: string;
  readonly example: number;
  /** What the source is called here, since recipes use some names twice. */
  readonly name: string;
  readonly config: SourceConfig;
}

const RECIPES: readonly Recipe[] = PAGE.split(/^### /m)
  .slice(1)
  .flatMap((section, number) => {
    const [heading = ""] = section.split("\n", 1);
    return [...section.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, yaml = ""], example) => ({
      ...{ heading, example, name: `recipe-${number}-${example}` },
      config: configOf(yaml, secretsOf(heading, example)),
    }));
  });

function secretsOf(heading: string, example: number): string[] {
  const own = RECIPE_CASES.filter((each) => isOf(each, heading, example)).map(({ secret }) => secret);
  return own.length === 0 ? ["a secret of nobody"] : [...new Set(own)];
}

function isOf(given: RecipeCase, heading: string, example: number): boolean {
  return given.recipe === heading && (given.example ?? 0) === example;
}

/** As the page has it, but for the secret: one source takes what several secrets have signed. */
function configOf(yaml: string, secret: readonly string[]): SourceConfig {
  const names = [...yaml.matchAll(/\$\{([A-Z0-9_]+)\}/g)].map(([, name = ""]) => name);
  const variables = Object.fromEntries(names.map((name) => [name, secret[0] ?? ""]));
  const { configs } = parseConfigFile(yaml, "postern.yaml", variables);
  const [config] = configs.values();
  if (config === undefined) throw new Error(`no source in ${yaml}`);
  return { ...config, secret };
}

/** Without anything that a query has to write otherwise. */
const FIRST = (recipe: Recipe) => encodeURIComponent([recipe.config.secret].flat()[0] ?? "");

const clock = pinnedClock();
let service: TestService;
beforeAll(async () => {
  const sources = Object.fromEntries(RECIPES.map(({ name, config }) => [name, config]));
  service = await newService({ WEBHOOK_SECRET: "" }, { sources, clock });
});
afterAll(async () => {
  await service.stop();
});

function send({ name }: Recipe, { body, headers = {}, query }: RecipeSent, now = NOW) {
  const path = `/webhook/${name}${query === undefined ? "" : `?${query}`}`;
  return clock.at(now, () => service.sendRaw(path, { method: "POST", headers, body }));
}

async function rows(path: string): Promise<readonly Record<string, unknown>[]> {
  return ((await (await service.get(path)).json()) as { data: Record<string, unknown>[] }).data;
}

test("every recipe has a request, unless only the provider can sign one, and a page of the provider", () => {
  const without = RECIPES.filter(({ heading }) => !FETCHED.includes(heading)).filter(
    ({ heading, example }) => !RECIPE_CASES.some((each) => isOf(each, heading, example)),
  );
  expect(without.map(({ heading, example }) => `${heading} ${example}`)).toEqual([]);
  for (const section of PAGE.split(/^### /m).slice(1)) expect(section).toMatch(/\[(page|code)\]\(https:/);
});

const numbered = RECIPE_CASES.map((given, number) => ({
  given,
  title: `${given.recipe}, request ${number}`,
}));

describe("requests of recipes", () => {
  test.each(numbered)(
    "$title is stored as it says, and changed on the way it is refused",
    async ({ given }) => {
      const { sent, forged, now, key, type = null, message } = given;
      const recipe = RECIPES.find(({ heading, example }) => isOf(given, heading, example));
      if (recipe === undefined) throw new Error(`no recipe for ${given.recipe}`);
      const refused = await send(recipe, { ...sent, ...forged }, now);
      expect([refused.status, refused.headers["postern-result"]]).toEqual([401, "invalid_signature"]);
      const taken = await send(recipe, sent, now);
      expect([taken.status, taken.headers["postern-result"]]).toEqual([200, "ok"]);
      const again = await send(recipe, sent, now);
      expect(again.headers["postern-result"]).toBe("duplicate");

      if (message) {
        const id = encodeURIComponent(`${recipe.name}:${key}`);
        expect(await (await service.get(`/messages/${id}`)).json()).toMatchObject({ type });
        return;
      }
      const kept = await rows(`/events?source=${recipe.name}&limit=100`);
      const one = { type, ...(key !== undefined && { event_key: key }) };
      expect(kept).toContainEqual(expect.objectContaining(one));
    },
  );
});

describe("what recipes say besides", () => {
  const of = (heading: string, example = 0) =>
    RECIPES.find((each) => each.heading === heading && each.example === example) as Recipe;

  test("an attempt that a sender counts in its body is no further event", async () => {
    const counted = [
      ["Notion", '"attempt_number":1', '"attempt_number":2'],
      ["Pipedrive", '"attempt":1', '"attempt":2'],
    ] as const;
    for (const [heading, first, second] of counted) {
      const given = RECIPE_CASES.find(({ recipe, key }) => recipe === heading && key !== undefined);
      const recipe = of(heading, given?.example);
      const sent = given?.sent as RecipeSent;
      const body = sent.body.replace(first, second);
      expect(body).not.toBe(sent.body);
      const headers = { ...sent.headers };
      if (heading === "Notion")
        headers["X-Notion-Signature"] = `sha256=${hmac(given?.secret ?? "", body).digest("hex")}`;
      await send(recipe, sent);
      const retry = await send(recipe, { ...sent, body, headers });
      expect(retry.headers["postern-result"]).toBe("duplicate");
    }
  });

  const told = async (heading: string, body: object | string, headers: Record<string, string> = {}) => {
    const recipe = of(heading);
    const token = [recipe.config.secret].flat()[0] ?? "";
    const text = typeof body === "string" ? body : JSON.stringify({ ...body, token });
    const bearer = { "Content-Type": "application/json", Authorization: `Bearer ${token}`, ...headers };
    const answer = await send(recipe, { body: text, headers: bearer });
    expect([answer.status, answer.headers["postern-result"]]).toEqual([200, "ok"]);
    return recipe;
  };

  const partiesOf = async (id: string) => {
    const message = (await (await service.get(`/messages/${id}`)).json()) as Message;
    return [message.from, message.to];
  };

  test("a chat of two has two parties, and a group is the recipient of what is written in it", async () => {
    const chats = { two: "79001234568@c.us", group: "120363000001@g.us" };
    const parties = [];
    for (const [id, chatId] of Object.entries(chats)) {
      const { name } = await told("Green API", {
        typeWebhook: "incomingMessageReceived",
        idMessage: id,
        timestamp: SECONDS,
        instanceData: { wid: "79876543210@c.us" },
        senderData: { chatId, sender: chats.two },
        messageData: { typeMessage: "textMessage", textMessageData: { textMessage: "Hi" } },
      });
      parties.push(await partiesOf(`${name}:${id}`));
    }
    const { name } = await told("Evolution API", {
      event: "messages.upsert",
      instance: "shop",
      data: {
        key: { remoteJid: chats.group, participant: chats.two, fromMe: false, id: "e9" },
        message: { conversation: "Hi" },
      },
    });
    parties.push(await partiesOf(`${name}:e9`));
    const her = "whatsapp:79001234568@c.us";
    const group = "whatsapp:120363000001@g.us";
    expect(parties).toEqual([
      [her, "whatsapp:79876543210@c.us"],
      [her, group],
      [her, group],
    ]);
  });

  test("what Rocket.Chat's integrations say, what is edited, and Plivo's reports are no messages", async () => {
    const post = {
      bot: false,
      message_id: "r9",
      channel_id: "c1",
      user_id: "u1",
      timestamp: NOW,
      text: "hi",
    };
    const { name } = await told("Rocket.Chat outgoing webhooks", { ...post, bot: { i: "x" } });
    await told("Rocket.Chat outgoing webhooks", { ...post, isEdited: true });
    const nonce = "n9";
    const url = "https://hooks.example.com/webhook/plivo";
    const signature = hmac([of("Plivo").config.secret].flat()[0] ?? "", url + nonce).digest("base64");
    const plivo = await told("Plivo", "MessageUUID=p9&From=14155550101&To=14155550100&Status=delivered", {
      "Content-Type": "application/x-www-form-urlencoded",
      "X-Plivo-Signature-V2-Nonce": nonce,
      "X-Plivo-Signature-V2": signature,
    });
    const kinds = async (source: string, about: string) =>
      (await rows(`/events?source=${source}&limit=100`))
        .filter((row) => row["message_id"] === `${source}:${about}`)
        .map((row) => row["kind"])
        .toSorted();
    expect(await kinds(name, "r9")).toEqual(["echo", "edit"]);
    expect(await kinds(plivo.name, "p9")).toEqual(["status"]);
  });

  test("Notion's token is read from the event that its first request is", async () => {
    const recipe = of("Notion");
    const body = '{"verification_token":"secret_of_notion"}';
    const query = `token=${FIRST(recipe)}`;
    expect((await send(recipe, { body, query })).status).toBe(200);
    const bodies = (await rows(`/events?source=${recipe.name}`)).map((row) => row["body"]);
    expect(bodies).toContain(body);
  });

  test("the addresses that are tried are answered", async () => {
    const tried = [
      [of("X"), "GET", { query: "crc_token=9b4507b3-9040-4669" }],
      [of("Okta event hooks"), "GET", { headers: { "X-Okta-Verification-Challenge": "a b" } }],
      [of("Asana"), "POST", { headers: { "X-Hook-Secret": "a b" } }],
      [
        of("Strava"),
        "GET",
        { query: `hub.mode=subscribe&hub.challenge=ab&hub.verify_token=${FIRST(of("Strava"))}` },
      ],
      [of("monday"), "POST", { query: `token=${FIRST(of("monday"))}`, body: '{"challenge":"ab"}' }],
    ] as const;
    const answers = [];
    for (const [{ name }, method, sent] of tried) {
      const { query = "", headers = {}, body = "" } = sent as Partial<RecipeSent>;
      const path = `/webhook/${name}?${query}`;
      answers.push(await service.sendRaw(path, { method, headers: { ...headers }, body }));
    }
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const crc = hmac([of("X").config.secret].flat()[0] ?? "", "9b4507b3-9040-4669");
    expect(answers.map(({ body }) => body)).toEqual([
      JSON.stringify({ response_token: `sha256=${crc.digest("base64")}` }),
      '{"verification":"a b"}',
      "",
      '{"hub.challenge":"ab"}',
      '{"challenge":"ab"}',
    ]);
    expect(answers[2]?.headers["x-hook-secret"]).toBe("a b");
  });
});
