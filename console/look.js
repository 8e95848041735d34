// What pages share that look at the server again and again: figures, and what they say while there is no answer.

import { byId, make, say, show } from "./dom.js";
import { Refused } from "./wire.js";

/** A figure, made once and then told anew: a text, null for what is not known, nothing for one that is not shown. */
export function figure(name, value) {
  const id = "figure-" + name.replaceAll(/[ ,]+/g, "-");
  if (!byId(id)) byId("figures").append(make("div", { class: "card" }, make("dt", {}, name), make("dd", { id }, "…")));
  show(byId(id).parentElement, value !== undefined);
  say(byId(id), value ?? "–");
}

/** Looks; a "no" stays on the page, in words, until there is an answer again, and a missing password is asked for. */
export async function showAnswer(look, words) {
  try {
    await look();
    show(byId("notice"), false);
    show(byId("password"), false);
  } catch (error) {
    show(byId("notice"), true);
    say(byId("notice"), words(error));
    show(byId("password"), error instanceof Refused && error.status === 401);
  }
}

/** Has the password that is given sent along with what is asked. */
export function takePassword(headers, look) {
  byId("password").addEventListener("submit", (event) => {
    event.preventDefault();
    headers.authorization = "Bearer " + byId("token").value;
    look();
  });
}
