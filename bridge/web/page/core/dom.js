// Elements of the page, made by name. Texts are set as text: nothing that comes from names or presets is markup.

const SVG = "http://www.w3.org/2000/svg";

function filled(made, attributes, text) {
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  return made;
}

export const by = (id) => document.getElementById(id);

export function make(name, attributes = {}, text = "") {
  return filled(document.createElement(name), attributes, text);
}

export function element(name, attributes = {}, text = "") {
  return filled(document.createElementNS(SVG, name), attributes, text);
}

// Keeps a name from turning the direction of the words around it.
export const isolated = (name) => `\u2068${name}\u2069`;

// Text changes only where it is another: screen readers say a live region again, and layout costs time.
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// A path of points; a point without a height interrupts it.
export function line(points) {
  let pen = "M";
  return points.map(([x, y]) => {
    if (y === null || !Number.isFinite(y)) { pen = "M"; return ""; }
    const part = `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
    return part;
  }).join("");
}
