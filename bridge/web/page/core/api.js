// How the page speaks with the server. The cookie that the opened address has set goes along by itself.

import { spokenLanguage } from "./texts.js";

export class ServerError extends Error {}

// Nobody answers: whoever follows the state says so, once.
export class AwayError extends Error {}

async function fetched(path, options) {
  try {
    return await fetch(path, { ...options, headers: { "accept-language": spokenLanguage() } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new AwayError(error.message);
  }
}

async function answered(response) {
  if (response.ok) return response;
  let text = `${response.status}`;
  try {
    const body = await response.text();
    text = body.startsWith("{") ? JSON.parse(body).error : body;
  } catch { /* what came is no text: the number has to do */ }
  throw new ServerError(text);
}

export async function ask(path, signal) {
  return (await answered(await fetched(path, { signal }))).json();
}

export async function tell(path, body, method = "POST") {
  const plain = body instanceof Blob || typeof body === "string";
  return (await answered(await fetched(path, { method, body: plain ? body : JSON.stringify(body) }))).json();
}

// Told as the page is left: it arrives though nobody waits for the answer.
export function tellLast(path, body) {
  fetch(path, { method: "POST", body: JSON.stringify(body), keepalive: true }).catch(() => {});
}

export async function sound(version, parameters, signal) {
  const response = await answered(await fetched(`/api/sound/${version}?${parameters}`, { signal }));
  return { bytes: await response.arrayBuffer(), gainDb: Number(response.headers.get("x-mixbridge-gain-db")) };
}

// Calls `take` with each new state. While the server is away it says so, and goes on when it is back.
export async function follow(take, away, back) {
  let revision = "";
  let isAway = false;
  for (;;) {
    try {
      const state = await ask(`/api/state?after=${revision}`);
      const wasAway = isAway;
      isAway = false;
      if (wasAway) back();
      if (state.preset && state.revision !== revision) take(state);
      revision = state.revision;
    } catch (error) {
      if (!isAway) away(error);
      isAway = true;
      revision = "";
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
  }
}
