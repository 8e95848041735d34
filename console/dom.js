// The little that both pages do to their documents. Every text is set as text, never as markup.

export function byId(id) {
  return document.getElementById(id);
}

/** An element with attributes and children; a child that is a string is text. */
export function make(tag, attributes = {}, ...children) {
  const namespace = ["svg", "g", "path", "line", "text", "rect", "circle"].includes(tag)
    ? "http://www.w3.org/2000/svg"
    : "http://www.w3.org/1999/xhtml";
  const element = document.createElementNS(namespace, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Sets a text only if it is another one: what has not changed is not read out again. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function show(element, isShown) {
  if (element.hidden === isShown) element.hidden = !isShown;
}

/** Greys a button and makes it do nothing; it keeps the focus, which a disabled one would lose. */
export function grey(button, isGrey) {
  button.setAttribute("aria-disabled", String(isGrey));
}

export function isGrey(button) {
  return button.getAttribute("aria-disabled") === "true";
}
